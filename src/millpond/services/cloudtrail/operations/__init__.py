"""The API over the audit record."""

from millpond.services.cloudtrail.operations.lookup_events import lookup_events

OPERATIONS = (lookup_events,)

__all__ = ["OPERATIONS"]
