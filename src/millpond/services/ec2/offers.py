"""What instances can be made of: instance types, from a packaged table, and the image under its two ids. Pure.

There is one root file system, made from this machine's own distribution. AWS's types want an image of their own
architecture, so it goes by two ids, and by the names of the images of AWS that people ask for.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from millpond.services.ec2 import kinds

AMAZON = "137112412989"
"""The account that owns Amazon Linux."""
ROOT_DEVICE = "/dev/xvda"
_PARAMETERS = "resolve:ssm:/aws/service/ami-amazon-linux-latest/"
_ALIASES = (
    "al2023-ami-2023.9.20261101.0-kernel-6.1-{aws}",
    "al2023-ami-2023.9.20261101.0-kernel-6.12-{aws}",
    "al2023-ami-minimal-2023.9.20261101.0-kernel-6.1-{aws}",
    "amzn2-ami-hvm-2.0.20261101.0-{aws}-gp2",
    "amzn2-ami-kernel-5.10-hvm-2.0.20261101.0-{aws}-gp2",
    "debian-12-{debian}-20261101-1",
    "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{debian}-server-20261101",
    "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{debian}-server-20261101",
)


class InstanceType(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance may use."""

    name: str
    architecture: str
    vcpus: int
    memory_mib: int

    @property
    def is_burstable(self) -> bool:
        return self.name.startswith("t")


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """Millpond's image under one of its ids."""

    id: str
    architecture: str
    region: str

    @property
    def name(self) -> str:
        return f"millpond-{self.architecture}"

    @property
    def names(self) -> Sequence[str]:
        """Its own name and those of AWS's images that it stands for."""
        debian = "amd64" if self.architecture == "x86_64" else "arm64"
        return (self.name, *(each.format(aws=self.architecture, debian=debian) for each in _ALIASES))

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}::{kinds.IMAGE.type}/{self.id}"


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every instance type by name."""
    table = tomllib.loads((files(__package__) / "instance_types.toml").read_text("utf-8"))
    return {
        name: InstanceType(name=name, architecture=architecture, vcpus=vcpus, memory_mib=memory)
        for architecture, rows in table.items()
        for name, (vcpus, memory) in rows.items()
    }


def images(region: str) -> tuple[Image, ...]:
    """The image of a region, under the id of each architecture."""
    return tuple(
        Image(id=_image_id(region, architecture), architecture=architecture, region=region)
        for architecture in ("x86_64", "arm64")
    )


def image(region: str, wanted: str) -> Image | None:
    """The image of an id, or of one of AWS's public parameters that name the newest Amazon Linux."""
    if wanted.startswith(_PARAMETERS):
        architecture = "arm64" if wanted.endswith("arm64") else "x86_64"
        return next(each for each in images(region) if each.architecture == architecture)
    return next((each for each in images(region) if each.id == wanted), None)


def _image_id(region: str, architecture: str) -> str:
    return f"ami-0{hashlib.sha256(f'{region}/{architecture}'.encode()).hexdigest()[:16]}"
