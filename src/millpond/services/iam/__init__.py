"""IAM: accounts, principals, keys, policies; who may do what."""
