"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from millpond import config as configuration
from millpond.config import Config, DriverName

Function = Callable[..., Any]


def installation(function: Function) -> Function:
    """Add `--home` (also understood before the command's name) and hand the command its `config`."""

    @click.option("--home", type=click.Path(path_type=Path), help="Directory of the installation (or MILLPOND_HOME).")
    @functools.wraps(function)
    def with_config(*args: Any, home: Path | None, **kwargs: Any) -> Any:
        return function(*args, config=load(home=home), **kwargs)

    return with_config


def load(
    *, home: Path | None, listen: str | None = None, driver: str | None = None, host_access: bool | None = None
) -> Config:
    """The configuration from options and environment. UsageError when a value is not one of those there are."""
    given = home or cast("Path | None", click.get_current_context().find_root().obj)
    try:
        return configuration.load(
            home=given, listen=listen, driver=cast("DriverName | None", driver), host_access=host_access
        )
    except msgspec.ValidationError as error:
        raise click.UsageError(f"MILLPOND_DRIVER: {error}") from error


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

region = click.option("--region", help="The AWS region to look in (us-east-1 when not given, or MILLPOND_REGION).")


def name(function: Function) -> Function:
    """Add the argument NAME of a cache, completed from those there are."""
    return click.argument("name", shell_complete=names)(function)


def names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The caches there are, for the shell's Tab key; none when Millpond does not run."""
    from millpond.cli.door import Door  # noqa: PLC0415 - the overview and completion of options stay fast

    try:
        door = Door(configuration.load(home=ctx.params.get("home") or ctx.find_root().params.get("home")))
        region = ctx.params.get("region")
        clusters = door.call("DescribeCacheClusters", region=region)["CacheClusters"]
        groups = door.call("DescribeReplicationGroups", region=region)["ReplicationGroups"]
    except (click.ClickException, msgspec.ValidationError):
        return []
    found = [each["ReplicationGroupId"] for each in groups] + [each["CacheClusterId"] for each in clusters]
    return [each for each in found if each.startswith(incomplete)]
