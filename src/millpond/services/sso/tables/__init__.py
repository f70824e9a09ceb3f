"""The only modules that know SQL for Identity Center's records, one a family."""

from millpond.services.sso.tables import schema as schema  # importing the package declares the tables
