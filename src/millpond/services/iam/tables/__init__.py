"""The only modules that know SQL for IAM's records, one a family; every row belongs to one account."""

from millpond.services.iam.tables import schema as schema  # importing the package declares the tables
