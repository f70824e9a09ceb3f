"""The only modules that know SQL for ElastiCache's records, one file per resource family."""
