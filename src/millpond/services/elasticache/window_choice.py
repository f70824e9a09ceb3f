"""The maintenance and snapshot windows of what is created: those asked for, or drawn from the region's block."""

from millpond.kernel import ids
from millpond.operation import Context, Request
from millpond.services.elasticache import windows
from millpond.services.elasticache.api import InvalidParameterValueException
from millpond.services.elasticache.catalog.regions import regions


def maintenance_and_snapshot_windows(ctx: Context, request: Request) -> tuple[str, str]:
    """Both windows, apart from each other; drawn ones are an hour long."""
    maintenance, block = maintenance_window(ctx, request), _block(ctx)
    given = request.get("SnapshotWindow")
    snapshots = windows.snapshot_window(given) if given else windows.daily((block + 8 * 60 + ids.below(14) * 30) % 1440)
    if not given and windows.overlap(snapshots, maintenance):
        snapshots = windows.daily((windows.closes(maintenance) + 60) % 1440)
    check_apart(maintenance, snapshots)
    return maintenance, snapshots


def maintenance_window(ctx: Context, request: Request) -> str:
    """The window asked for, or one in the region's block of eight hours."""
    given = request.get("PreferredMaintenanceWindow")
    if given:
        return windows.maintenance_window(given)
    return windows.weekly(ids.below(7), (_block(ctx) + ids.below(14) * 30) % 1440)


def check_apart(maintenance: str, snapshots: str) -> None:
    """InvalidParameterValue when the two windows touch."""
    if snapshots and windows.overlap(snapshots, maintenance):
        raise InvalidParameterValueException(
            f"The maintenance window and the snapshot window must not overlap: {maintenance} and {snapshots}."
        )


def _block(ctx: Context) -> int:
    """The minute of the day at which the region's maintenance block starts."""
    region = regions().get(ctx.region)
    return region.maintenance_start.hour * 60 if region is not None else 3 * 60
