"""Events as AWS's responses. Pure."""

from millpond.operation import Response
from millpond.services.elasticache.records.events import Event


def event(record: Event) -> Response:
    """The shape Event."""
    return {
        "SourceIdentifier": record.source_identifier,
        "SourceType": record.source_type,
        "Message": record.message,
        "Date": record.at,
    }
