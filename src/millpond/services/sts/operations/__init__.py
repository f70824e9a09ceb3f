"""STS's operations, one file a family."""
