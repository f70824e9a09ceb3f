"""A cache parameter group: a family, and the values in which it differs from the family's defaults."""

from collections.abc import Mapping

import msgspec

from millpond.services.elasticache.catalog.parameters import (
    default_group,
    families,
    family_of_default_group,
    has_cluster_mode,
)

CLUSTER_ENABLED = "cluster-enabled"


class ParameterGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter group in one account and region."""

    account: str
    region: str
    name: str
    family: str
    description: str
    values: Mapping[str, str] = {}
    """Only what was set."""

    @property
    def is_default(self) -> bool:
        """AWS's own: visible to everyone, changed by nobody."""
        return family_of_default_group(self.name) is not None

    @property
    def cluster_enabled(self) -> bool:
        """Whether it is for cluster mode."""
        return self.values.get(CLUSTER_ENABLED) == "yes"

    @property
    def arn(self) -> str:
        return f"arn:aws:elasticache:{self.region}:{self.account}:parametergroup:{self.name}"


def default_groups(account: str, region: str) -> tuple[ParameterGroup, ...]:
    """The groups that every account has without making them: one a family, two where there is a cluster mode."""
    return tuple(
        _default(account, region, default_group(family, cluster_mode=cluster_mode), family)
        for family in families()
        for cluster_mode in ((False, True) if has_cluster_mode(family) else (False,))
    )


def default_group_named(account: str, region: str, name: str) -> ParameterGroup | None:
    """The default group of this name; None when the name is not one."""
    family = family_of_default_group(name)
    return None if family is None else _default(account, region, name, family)


def _default(account: str, region: str, name: str, family: str) -> ParameterGroup:
    cluster_mode = name.endswith(".cluster.on")
    return ParameterGroup(
        account=account,
        region=region,
        name=name,
        family=family,
        description=(
            f"Customized default parameter group for {family} with cluster mode on"
            if cluster_mode
            else f"Default parameter group for {family}"
        ),
        values={CLUSTER_ENABLED: "yes"} if cluster_mode else {},
    )
