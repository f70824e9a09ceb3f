"""DescribeCacheEngineVersions: what can be created here.

AWS's list is what AWS can run; ours is the part of it that this machine can run or obtain. A version that is missing
here is refused at creation; `millpond engines` says why.
"""

from millpond.operation import Context, EngineVersion, Operation, Request, Response, operation
from millpond.services.elasticache import paging
from millpond.services.elasticache.catalog.engine_versions import defaults, obtainable

_DESCRIPTIONS = {"memcached": "memcached", "redis": "Redis", "valkey": "Valkey"}


@operation()
def describe_cache_engine_versions(ctx: Context, request: Request) -> Response:
    """Describe engine versions; with DefaultOnly the newest of each engine among those selected."""
    engine, version = request.get("Engine"), request.get("EngineVersion")
    family = request.get("CacheParameterGroupFamily")
    found = [
        each
        for each in obtainable(ctx.platform.engine_versions())
        if (not engine or each.engine == engine.lower())
        and (not version or each.version == version)
        and (not family or each.family == family.lower())
    ]
    if request.get("DefaultOnly"):
        found = defaults(found)
    order = {(each.engine, each.version): f"{place:04d}" for place, each in enumerate(found)}
    shown, marker = paging.page(
        ctx, "DescribeCacheEngineVersions", request, found, lambda each: (order[each.engine, each.version],)
    )
    return {"CacheEngineVersions": [_view(each) for each in shown], **marker}


def _view(row: EngineVersion) -> Response:
    return {
        "Engine": row.engine,
        "EngineVersion": row.version,
        "CacheParameterGroupFamily": row.family,
        "CacheEngineDescription": _DESCRIPTIONS[row.engine],
        "CacheEngineVersionDescription": f"{row.engine} version {row.upstream}",
    }


OPERATIONS: tuple[Operation, ...] = (describe_cache_engine_versions,)
