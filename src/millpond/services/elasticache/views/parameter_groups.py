"""Parameter groups and parameters as AWS's responses. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.operation import Response
from millpond.services.elasticache.catalog.node_types import node_types
from millpond.services.elasticache.catalog.parameters import Parameter, engine_of, node_type_value
from millpond.services.elasticache.records.parameter_groups import ParameterGroup


def parameter_group(group: ParameterGroup) -> Response:
    """The shape CacheParameterGroup."""
    return {
        "CacheParameterGroupName": group.name,
        "CacheParameterGroupFamily": group.family,
        "Description": group.description,
        "IsGlobal": False,
        "ARN": group.arn,
    }


def parameter(of: Parameter, values: Mapping[str, str], *, own_group: bool) -> Response:
    """The shape Parameter. `values` are the group's; `own_group` is true for a group that the user made.

    An empty value is left out, as the service does.
    """
    value = values.get(of.name, of.default)
    return {
        **_described(of, own_group=own_group),
        **({"ParameterValue": value} if value else {}),
        "Source": source(of, values, own_group=own_group),
    }


def source(of: Parameter, values: Mapping[str, str], *, own_group: bool) -> str:
    """`user` for what was set in a group of one's own, `system` for everything else."""
    return "user" if own_group and of.name in values else "system"


def node_type_parameters(family: str, of: Sequence[Parameter]) -> list[Response]:
    """The shape CacheNodeTypeSpecificParametersList: what each node type gives for the parameters it decides."""
    engine = engine_of(family)
    usable = [each for each in node_types().values() if each.first_version(engine) is not None]
    return [
        {
            **_described(each, own_group=False),
            "Source": "system",
            "CacheNodeTypeSpecificValues": [
                {"CacheNodeType": node_type.name, "Value": value}
                for node_type in usable
                if (value := node_type_value(each.name, node_type)) is not None
            ],
        }
        for each in of
    ]


def _described(of: Parameter, *, own_group: bool) -> dict[str, Any]:
    return {
        "ParameterName": of.name,
        "Description": of.description,
        "DataType": of.type,
        **({"AllowedValues": of.allowed} if of.allowed else {}),
        "IsModifiable": of.modifiable == "yes" or (own_group and of.modifiable == "unassociated"),
        **({"MinimumEngineVersion": of.minimum_version} if of.minimum_version else {}),
        "ChangeType": of.change,
    }
