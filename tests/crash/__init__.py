"""kill -9 in the middle of everything; what was acknowledged is kept, and nothing is left over."""
