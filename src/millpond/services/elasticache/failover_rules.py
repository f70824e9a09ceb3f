"""What automatic failover and Multi-AZ ask of a group, in AWS's words where they are known. Pure.

(User guide, "Minimizing downtime by using Multi-AZ"; messages quoted in public by users of the service. The sentences
about Multi-AZ without automatic failover, and in one zone only, are uncertain.)
"""

from collections.abc import Sequence

from millpond.services.elasticache.api import InvalidParameterCombinationException
from millpond.services.elasticache.catalog.versions import at_least
from millpond.services.elasticache.engine_choice import product
from millpond.services.elasticache.records.replication_groups import GroupSpec, Shard

_FIRST_COMPATIBLE = {"valkey": "7.2", "redis": "7.0"}


def check_new_group(spec: GroupSpec, shards: Sequence[Shard]) -> None:
    """InvalidParameterCombination when a group cannot be made so."""
    if spec.cluster_mode == "enabled" and not spec.automatic_failover:
        raise InvalidParameterCombinationException(
            f"{product(spec.engine)} with cluster mode enabled cannot be created with auto failover turned off."
        )
    if spec.cluster_mode != "enabled" and spec.automatic_failover and len(shards[0].members) < 2:
        raise InvalidParameterCombinationException(
            "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        )
    check_multi_az(spec, shards)
    if spec.cluster_mode == "compatible":
        check_compatible(spec, shards)


def check_multi_az(spec: GroupSpec, shards: Sequence[Shard]) -> None:
    """Multi-AZ needs automatic failover, and in every shard a replica in another zone than the primary."""
    if not spec.multi_az:
        return
    if not spec.automatic_failover:
        raise InvalidParameterCombinationException("Automatic failover must be enabled to enable Multi-AZ.")
    for shard in shards:
        staying = [each for each in shard.members if not each.node.removing]
        if len(staying) < 2:
            raise InvalidParameterCombinationException(
                "Must have at least 1 replica for Multi-AZ enabled Replication Group"
            )
        if len({each.node.zone for each in staying}) < 2:
            raise InvalidParameterCombinationException(
                "Multi-AZ needs the members of each node group in at least 2 availability zones."
            )


def check_compatible(spec: GroupSpec, shards: Sequence[Shard]) -> None:
    """Cluster mode compatible is the way from disabled to enabled, for versions and groups that can go it."""
    first = _FIRST_COMPATIBLE[spec.engine]
    if not at_least(spec.engine_version, first):
        raise InvalidParameterCombinationException(
            f"Cluster mode compatible is not supported for engine version {spec.engine_version}. "
            f"Please use engine version {first} or higher."
        )
    if not spec.automatic_failover or len(shards[0].members) < 2:
        raise InvalidParameterCombinationException(
            "Cluster mode compatible requires automatic failover and at least one read replica."
        )
