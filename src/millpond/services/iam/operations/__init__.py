"""IAM's operations: one file a family of things, one function an AWS operation. No SQL and no policy logic here."""
