"""The AWS services, each a vertical slice of the same shape."""
