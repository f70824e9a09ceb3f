"""The AWS-managed policies that Millpond knows: data, the same in every account, changed by nobody.

Documents are AWS's current versions; ReadOnlyAccess is cut down to the services that Millpond serves.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from millpond.services.iam.records import Policy

SERVICE_ROLE_PATH = "/aws-service-role/"
ARN_PREFIX = "arn:aws:iam::aws:policy/"


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    policy: Policy
    document: str

    @property
    def for_service_roles(self) -> bool:
        """Whether only service-linked roles may have it."""
        return self.policy.path.startswith(SERVICE_ROLE_PATH)


@cache
def managed_policies() -> Mapping[str, ManagedPolicy]:
    """Every AWS-managed policy by ARN, in the order of names."""
    data = json.loads(files("millpond.services.iam").joinpath("managed_policies.json").read_text())
    found = {}
    for name, entry in sorted(data.items()):
        document = json.dumps(entry.pop("document"), indent=4)
        policy = msgspec.convert({**entry, "account": "aws", "name": name}, Policy)
        found[policy.arn] = ManagedPolicy(policy=policy, document=document)
    return MappingProxyType(found)
