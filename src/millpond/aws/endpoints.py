"""Host names of cache endpoints, in AWS's shapes under Millpond's zone. Pure.

Forms: ElastiCache User Guide, "Finding connection endpoints"; the six-character tag belongs to a cluster or replication
group and is shared by its nodes. Names of nodes and groups are lower case, as the API stores them.
"""

import re

import msgspec

ZONE = "millpond.test"
"""RFC 6761 keeps `.test` from ever meaning anything on the internet. Discovery clients want a last label of one to six
letters (pymemcache and django-elastipymemcache match for it), so it could not be `.internal`."""

_COMPASS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "central": "c",
    "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
    "gov": "g",
}  # fmt: skip


def region_short_name(region: str) -> str:
    """The region as endpoints spell it: `us-east-1` → `use1`, `ap-northeast-3` → `apne3`, `us-gov-west-1` → `usgw1`.

    AWS publishes no table; every name seen follows this rule, so regions that come later are served too.
    """
    words = re.split(r"[^a-z0-9]+", region.lower())
    return "".join(_COMPASS.get(word, word) for word in words)[:63] or "local"


class EndpointNames(msgspec.Struct, frozen=True, kw_only=True):
    """Names everything of one cluster, replication group or serverless cache."""

    tag: str
    """Six characters, drawn once (`kernel.ids.endpoint_tag`)."""
    region: str
    zone: str = ZONE

    def cache_node(self, cluster: str, *, node: str = "0001") -> str:
        """A standalone node, a node of a Memcached cluster (with or without TLS), a member without TLS."""
        return f"{cluster}.{self.tag}.{node}.{self._domain}"

    def memcached_configuration(self, cluster: str) -> str:
        """What discovery clients are given; they look for `.cfg.` in it."""
        return f"{cluster}.{self.tag}.cfg.{self._domain}"

    def memcached_certificate(self, cluster: str) -> str:
        """The pattern that the certificate of a Memcached cluster covers."""
        return f"*.{cluster}.{self.tag}.{self._domain}"

    def member(self, cluster: str, *, group: str, tls: bool) -> str:
        """One member cluster of a replication group, cluster mode on or off."""
        return f"{cluster}.{group}.{self.tag}.{self._domain}" if tls else self.cache_node(cluster)

    def primary(self, group: str, *, tls: bool) -> str:
        """The primary endpoint of a group with cluster mode disabled."""
        return f"master.{self._group(group)}" if tls else f"{group}.{self.tag}.ng.0001.{self._domain}"

    def reader(self, group: str, *, tls: bool) -> str:
        """The reader endpoint of a group with cluster mode disabled: every replica's address, in turn."""
        return f"replica.{self._group(group)}" if tls else f"{group}-ro.{self.tag}.ng.0001.{self._domain}"

    def configuration(self, group: str, *, tls: bool) -> str:
        """The configuration endpoint of a group with cluster mode enabled."""
        return f"clustercfg.{self._group(group)}" if tls else f"{group}.{self.tag}.clustercfg.{self._domain}"

    def group_certificate(self, group: str) -> str:
        """The pattern that the certificate of a replication group with TLS covers: all names above."""
        return f"*.{self._group(group)}"

    def serverless(self, name: str) -> str:
        """Endpoint and reader endpoint of a serverless cache (two ports, one name)."""
        return f"{name}-{self.tag}.serverless.{self._domain}"

    def _group(self, group: str) -> str:
        return f"{group}.{self.tag}.{self._domain}"

    @property
    def _domain(self) -> str:
        return f"{region_short_name(self.region)}.cache.{self.zone}"
