"""ElastiCache: caches and everything about them."""
