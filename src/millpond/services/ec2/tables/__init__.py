"""The only modules that know SQL for EC2's records."""
