"""TestFailover: a shard's primary is replaced by one of its replicas, as if it had failed."""

from datetime import timedelta

import msgspec

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import replication_group_resources
from millpond.services.elasticache.api import (
    APICallRateForCustomerExceededFault,
    InvalidReplicationGroupStateFault,
    NodeGroupNotFoundFault,
    TestFailoverNotAvailableFault,
)
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.group_promises import require, tell, write
from millpond.services.elasticache.members import replicas
from millpond.services.elasticache.node_groups import node_group_id
from millpond.services.elasticache.records.events import Selection
from millpond.services.elasticache.tables import events
from millpond.services.elasticache.views.replication_groups import replication_group, status

_CALLED = "Test Failover API called for node group "
_PERIOD = timedelta(hours=24)


@operation(resources=replication_group_resources.one_replication_group)
def test_failover(ctx: Context, request: Request) -> Response:
    """Ask for the failover of one node group; at most 15 are tested in 24 hours (API reference)."""
    group = require(ctx, request["ReplicationGroupId"])
    shard_id = node_group_id(request["NodeGroupId"])
    shard = next((each for each in group.shards if each.id == shard_id), None)
    if shard is None:
        raise NodeGroupNotFoundFault(
            f"Node group {request['NodeGroupId']} does not exist in replication group {group.id}."
        )
    if not group.spec.automatic_failover:
        raise TestFailoverNotAvailableFault(
            f"Test failover is not available: automatic failover is not enabled for replication group {group.id}."
        )
    if not replicas(shard):
        raise TestFailoverNotAvailableFault(
            f"Test failover is not available: node group {shard.id} has no read replica."
        )
    if status(group) != "available":
        raise InvalidReplicationGroupStateFault("Replication group must be in available state to test failover.")
    _check_rate(ctx)
    asked = tuple(
        msgspec.structs.replace(each, switch_to="any") if each.id == shard_id else each for each in group.shards
    )
    tell(ctx, group, f"{_CALLED}{shard.id}")
    written = write(ctx, msgspec.structs.replace(group, shards=asked, generation=group.generation + 1))
    return {"ReplicationGroup": replication_group(written, ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (test_failover,)


def _check_rate(ctx: Context) -> None:
    """The events of earlier tests are the count of them."""
    selection = Selection(
        account=ctx.account,
        region=ctx.region,
        start=ctx.now - _PERIOD,
        end=ctx.now,
        source_type="replication-group",
        source_identifier=None,
    )
    tested = sum(each.message.startswith(_CALLED) for each in events.selected(ctx.transaction, selection))
    most = quota("failover-tests-per-day")
    if tested >= most:
        raise APICallRateForCustomerExceededFault(
            f"Test failover was called for {most} node groups within 24 hours, which is the most."
        )
