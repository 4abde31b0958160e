"""What finance is told by itself: lines that were crossed, and each month when it is over."""
