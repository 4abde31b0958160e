"""What the processes say about themselves: log lines, numbers, and whether they are ready."""
