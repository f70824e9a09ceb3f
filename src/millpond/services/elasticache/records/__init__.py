"""What ElastiCache promises and remembers: frozen values, one file per resource family. Pure."""
