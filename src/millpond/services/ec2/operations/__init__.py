"""EC2's operations, one family of resources a file.

Its errors are in no model; codes and sentences are those of the EC2 API reference, "Error codes", where it has them.
"""
