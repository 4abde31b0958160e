"""Tables as files: for people who go on with the numbers in a program of their own."""
