"""`millpond doctor`: what is well, what is not, and the command that mends it.

Looks at the machine from here, so that it helps also when Millpond does not start; asks the control plane for the rest.
"""

import os
import shutil
import socket
import stat
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import click

from millpond import config as configuration
from millpond.cli import awsconfig, options, output
from millpond.cli.door import Door, NotRunning
from millpond.cli.environment import overriding, proxied
from millpond.config import Config
from millpond.operator import home
from millpond.operator.facts import Check, RunFacts

_ROOM = 500 * 1024 * 1024


@click.command()
@options.installation
@options.as_json
def doctor(*, config: Config, as_json: bool) -> None:
    """Check this machine and this installation. Exit code 1 when something is broken."""
    checks = list(examined(config))
    if as_json:
        output.print_json(checks)
    elif output.is_terminal():
        _draw(checks)
    else:
        for check in checks:
            output.print_row({"check": check.name, "state": check.state, "detail": check.detail, "fix": check.fix})
    if any(check.state == "failed" for check in checks):
        raise SystemExit(1)


def examined(config: Config) -> Iterator[Check]:
    """Every check, from the ground up."""
    environ = configuration.environment()
    yield _home(config)
    yield _room(config)
    try:
        facts = Door(config).status()
    except NotRunning as silence:
        if home.is_held(config):
            yield Check(name="control plane", state="failed", detail=silence.message, fix="millpond logs")
        else:
            detail = f"not running in {config.home}"
            yield Check(name="control plane", state="warning", detail=detail, fix="millpond up --detach")
            yield _port(config)
        yield _proxy(environ, config.listen.rpartition(":")[0])
        return
    yield Check(name="control plane", state="ok", detail=f"{facts.endpoint}, pid {facts.pid}, version {facts.version}")
    yield _reached(facts)
    yield _proxy(environ, urlsplit(facts.endpoint).hostname or "")
    yield _environment(environ, facts)
    yield _profile(config, facts)
    yield from Door(config).doctor()


def _home(config: Config) -> Check:
    if not config.home.exists():
        return Check(name="home", state="ok", detail=f"{config.home} will be made by the first start")
    mode = stat.S_IMODE(config.home.stat().st_mode)
    if not os.access(config.home, os.R_OK | os.W_OK | os.X_OK):
        detail = f"{config.home} cannot be written by this user"
        return Check(name="home", state="failed", detail=detail, fix=f"chown -R $USER {config.home}")
    if mode & 0o077:
        detail = f"{config.home} can be entered by other users (mode {mode:o})"
        return Check(name="home", state="warning", detail=detail, fix=f"chmod 700 {config.home}")
    return Check(name="home", state="ok", detail=str(config.home))


def _room(config: Config) -> Check:
    nearest = next(path for path in (config.home, *config.home.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    detail = f"{free // (1024 * 1024)} MiB free"
    if free < _ROOM:
        return Check(name="disk", state="warning", detail=detail, fix="make room, or: millpond up --home DIR")
    return Check(name="disk", state="ok", detail=detail)


def _port(config: Config) -> Check:
    address, _, port = config.listen.rpartition(":")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), int(port)))
        except OSError as error:
            detail = f"{config.listen}: {error.strerror}"
            return Check(name="listen", state="failed", detail=detail, fix="millpond up --listen 127.0.0.1:0")
    return Check(name="listen", state="ok", detail=f"{config.listen} is free")


def _reached(facts: RunFacts) -> Check:
    where = urlsplit(facts.endpoint)
    try:
        with socket.create_connection((where.hostname or "", where.port or 443), timeout=5):
            return Check(name="API", state="ok", detail=f"{facts.endpoint} takes connections")
    except OSError as error:
        detail = f"{facts.endpoint} does not take connections: {error}"
        return Check(name="API", state="failed", detail=detail, fix="millpond logs")


def _proxy(environ: Mapping[str, str], host: str) -> Check:
    if proxied(environ, host):
        detail = f"HTTP_PROXY is set and NO_PROXY does not spare {host}: AWS tools would ask the proxy"
        return Check(name="proxy", state="warning", detail=detail, fix='eval "$(millpond env)"')
    return Check(name="proxy", state="ok", detail="no proxy stands between AWS tools and the API")


def _environment(environ: Mapping[str, str], facts: RunFacts) -> Check:
    """Variables of another installation, or of AWS itself, in a shell that means to talk to this one."""
    endpoint = environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return Check(name="shell", state="ok", detail="AWS_ENDPOINT_URL is not set: use --profile, or millpond env")
    others = [name for name in overriding(environ) if environ.get(name)]
    if endpoint != facts.endpoint or others:
        wrong = ", ".join(([f"AWS_ENDPOINT_URL={endpoint}"] if endpoint != facts.endpoint else []) + others)
        return Check(name="shell", state="warning", detail=f"set otherwise: {wrong}", fix='eval "$(millpond env)"')
    return Check(name="shell", state="ok", detail="AWS tools in this shell talk to this installation")


def _profile(config: Config, facts: RunFacts) -> Check:
    file = configuration.aws_config_file()
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    mine = [block for block in awsconfig.blocks(content) if block.home == str(config.home)]
    if not mine:
        return Check(name="AWS profile", state="ok", detail="none written; millpond configure writes one")
    stale = [each.profile for each in mine if facts.endpoint.encode() not in content[each.start : each.end]]
    if stale:
        detail = f"{', '.join(stale)} in {file} has another endpoint"
        return Check(name="AWS profile", state="warning", detail=detail, fix=f"millpond configure --profile {stale[0]}")
    return Check(name="AWS profile", state="ok", detail=f"{', '.join(each.profile for each in mine)} in {file}")


def _draw(checks: list[Check]) -> None:
    signs = {"ok": output.tick(), "warning": click.style("!", fg="yellow"), "failed": click.style("✗", fg="red")}
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"  {signs[check.state]} {check.name.ljust(width)}  {check.detail}")
        if check.fix:
            click.echo(f"    {' ' * width}  mend it: {check.fix}")
