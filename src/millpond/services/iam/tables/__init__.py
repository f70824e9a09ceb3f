"""The only modules that know SQL for IAM's records, one a family; every row belongs to one account."""
