"""Service quotas: AWS's default limits."""

from functools import cache

from millpond.services.elasticache.catalog import source


@cache
def _limits() -> dict[str, int]:
    return {name: row["limit"] for name, row in source.table("quotas").items()}


def quota(name: str) -> int:
    """The limit of this name (`parameter-groups-per-region`); KeyError when there is none."""
    return _limits()[name]
