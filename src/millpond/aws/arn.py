"""Amazon Resource Names, read and written (AWS General Reference, "Identify AWS resources with ARNs")."""

import msgspec


class Arn(msgspec.Struct, frozen=True, kw_only=True):
    """`arn:partition:service:region:account:resource`; region and account are empty for some services."""

    service: str
    resource: str
    """Everything after the account: `cluster:my-cache`, `user/path/name`, `root`."""
    region: str = ""
    account: str = ""
    partition: str = "aws"

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The word before the first colon or slash of the resource; empty when there is neither."""
        kind, separator, _ = self._split()
        return kind if separator else ""

    @property
    def resource_id(self) -> str:
        """What follows the resource type; the whole resource when it has no type."""
        kind, separator, rest = self._split()
        return rest if separator else kind

    def _split(self) -> tuple[str, str, str]:
        slash, colon = self.resource.find("/"), self.resource.find(":")
        separator = "/" if slash >= 0 and (colon < 0 or slash < colon) else ":"
        return self.resource.partition(separator)


def parse(text: str) -> Arn:
    """Read an ARN. Raises ValueError when it has fewer than six parts, another prefix, or an empty necessary part."""
    prefix, *parts = text.split(":", 5)
    if prefix != "arn" or len(parts) != 5:
        raise ValueError(f"not an ARN: {text[:128]}")
    partition, service, region, account, resource = parts
    if not (partition and service and resource):
        raise ValueError(f"an ARN without partition, service or resource: {text[:128]}")
    return Arn(partition=partition, service=service, region=region, account=account, resource=resource)
