"""The command line: a thin caller of the AWS API and of the operator's socket."""
