"""The lessons and packages that students book, and what the end of a booking decides."""
