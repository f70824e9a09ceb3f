"""AWS's quotas of nodes: per cluster or replication group, and of an account in a region."""

from millpond.operation import Context
from millpond.services.elasticache.api import NodeQuotaForClusterExceededFault, NodeQuotaForCustomerExceededFault
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.tables import cache_clusters, replication_groups


def check_cluster_quota(name: str, nodes: int) -> None:
    """NodeQuotaForClusterExceeded when one cluster would have more nodes than the quota of this name."""
    most = quota(name)
    if nodes > most:
        raise NodeQuotaForClusterExceededFault(
            f"Cluster node quota exceeded. Each cluster can have at most {most} nodes in this region."
        )


def check_region_quota(ctx: Context, added: int) -> None:
    """NodeQuotaForCustomerExceeded when the account's clusters and groups together would have too many nodes."""
    most, here = quota("nodes-per-region"), (ctx.transaction, ctx.account, ctx.region)
    if cache_clusters.count_nodes(*here) + replication_groups.count_nodes(*here) + added > most:
        raise NodeQuotaForCustomerExceededFault(
            f"Customer node quota exceeded. You can have at most {most} nodes in this region"
        )
