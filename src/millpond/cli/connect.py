"""`millpond connect`: the engine's own client on a cache, or the command that opens it."""

import os
import shlex
import shutil
from pathlib import Path

import click

from millpond.cli import found, lineclient, options
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.cli.found import Cache
from millpond.config import Config
from millpond.operator.facts import EngineFacts

_SUN_PATH = 107
"""Octets of a unix socket's path (unix(7))."""


@click.command(context_settings={"ignore_unknown_options": True})
@options.name
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@options.installation
@click.option("--print", "print_only", is_flag=True, help="Print the command instead of running it.")
@options.region
def connect(*, name: str, arguments: tuple[str, ...], config: Config, print_only: bool, region: str | None) -> None:
    """Open the engine's client on the cache NAME; ARGUMENTS go to the client (millpond connect NAME PING)."""
    door = Door(config)
    cache = found.cache(door, name, region=region)
    where = cache.address
    if where is None:
        reason = found.why(door, name, region=region) or f"it is {cache.status}"
        raise Failure(f"{name} has no endpoint yet ({reason}); wait for it: millpond wait {name}")
    host, port = where
    facts = door.status()
    # The management path, whatever the groups say; redirections of cluster mode lead to other nodes, which it does not.
    way = door.way(name, region=region).socket if facts.driver == "linux" and not cache.is_sharded else ""
    command = client_command(cache, door.engines(), ca_bundle=facts.ca_bundle, way=way)
    if print_only:
        click.echo(shlex.join([*(command or _plain_client(host, port, way=way)), *arguments]))
        return
    if command is not None:
        os.execv(command[0], [*command, *arguments])  # noqa: S606 - the client takes this process's place
    if cache.speaks_tls:
        raise Failure(f"{name} speaks TLS and its build brings no client; use one of your own on {host}:{port}")
    try:
        lineclient.converse(host, port, engine=cache.first.get("Engine", ""), way=way)
    except OSError as error:
        raise Failure(f"{host}:{port} does not answer ({error}); look: millpond explain {name}") from error


def client_command(cache: Cache, engines: list[EngineFacts], *, ca_bundle: str, way: str = "") -> list[str] | None:
    """valkey-cli or redis-cli with endpoint and TLS; None when there is no such program, and for Memcached.

    With cluster mode it follows redirections (`-c`). `way`: the unix socket to use instead of the endpoint.
    """
    where = cache.address
    client = _client(cache, engines)
    if where is None or client is None:
        return None
    fits = way and len(os.fsencode(way)) <= _SUN_PATH
    command = [client, "-s", way] if fits else [client, "-h", where[0], "-p", str(where[1])]
    if cache.is_sharded:
        command.append("-c")
    if cache.speaks_tls:
        command += ["--tls", *(["--cacert", ca_bundle] if ca_bundle else [])]
    return command


def _client(cache: Cache, engines: list[EngineFacts]) -> str | None:
    """The client of the very build that runs, else of another build that speaks the same, else of the machine."""
    engine, version = cache.first.get("Engine", ""), str(cache.first.get("EngineVersion", ""))
    if engine == "memcached":
        return None

    def kinship(each: EngineFacts) -> tuple[bool, bool]:
        return each.engine == engine, version.startswith(each.version)

    builds = sorted((each for each in engines if each.cli and Path(each.cli).exists()), key=kinship)
    if builds:
        return builds[-1].cli
    return shutil.which("valkey-cli") or shutil.which("redis-cli")


def _plain_client(host: str, port: int, *, way: str) -> list[str]:
    """What a person can type where the engine brings no client."""
    if way and (netcat := shutil.which("nc")):
        return [Path(netcat).name, "-U", way]
    netcat = shutil.which("nc") or shutil.which("telnet")
    return [Path(netcat).name if netcat else "telnet", host, str(port)]
