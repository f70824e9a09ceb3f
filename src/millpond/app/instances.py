"""What every EC2 instance of this installation is given: the clients of the engines that are installed here."""

from pathlib import Path

from millpond.app.machine import Builds
from millpond.services import ec2

_CLIENTS = (("valkey", "9.1", "valkey-cli"), ("redis", "7.1", "redis-cli"))
"""Engine, version, and the command that its client is inside."""


def outfit(builds: Builds, region: str, *, endpoint: str) -> ec2.Outfit:
    """Clients of valkey and redis (`redis-cli` is valkey's where no Redis OSS is installed), and where the API is."""
    tools: dict[str, Path] = {}
    for engine, version, command in _CLIENTS:
        build = builds.installed(engine, version)
        if build is not None and build.cli is not None:
            tools[command] = build.cli
    if "valkey-cli" in tools:
        tools.setdefault("redis-cli", tools["valkey-cli"])
    environment = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": endpoint}
    return ec2.Outfit(environment=environment, tools=tools)
