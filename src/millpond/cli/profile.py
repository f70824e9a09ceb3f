"""`millpond configure` and `millpond uninstall`: one profile in the AWS configuration file, written and removed."""

import os
import re
import shlex
from pathlib import Path

import click
import msgspec

from millpond import config as configuration
from millpond.cli import awsconfig, options, output, program
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.operator.facts import RunFacts

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What `write` did."""

    profile: str
    file: str
    backup: str
    """The copy made before the change; empty when nothing was changed or there was no file."""


@click.command()
@options.installation
@click.option("--profile", default="local", show_default=True, help="Name of the profile.")
@options.as_json
def configure(*, config: Config, profile: str, as_json: bool) -> None:
    """Write a profile for AWS tools into the AWS configuration file (~/.aws/config, or AWS_CONFIG_FILE).

    A backup is kept beside it. Nothing else in the file is touched, and no secret is written: tools get credentials by
    calling `millpond credentials`.
    """
    written = write(config, Door(config).status(), profile)
    if as_json:
        output.print_json(written)
    elif output.is_terminal():
        click.echo(f"  {output.tick()} {described(written)}")
        click.echo(f"\n  Try it\n    aws --profile {profile} elasticache describe-cache-clusters")
    else:
        output.print_pairs(msgspec.to_builtins(written))


@click.command()
@options.installation
def uninstall(*, config: Config) -> None:
    """Remove exactly what `configure` wrote, whatever else was changed since. Caches and data stay."""
    file = configuration.aws_config_file()
    before = _read(file)
    if before is None:
        click.echo(f"Nothing to remove: there is no {file}.")
        return
    mine = [block.profile for block in awsconfig.blocks(before) if block.home == str(config.home)]
    if not mine:
        click.echo(f"Nothing to remove: {file} has no profile of the installation in {config.home}.")
        return
    after = awsconfig.without_profiles(before, home=str(config.home))
    _replace(file, after)
    click.echo(f"Removed profile {', '.join(mine)} from {file}.")


def write(config: Config, facts: RunFacts, profile: str) -> Written:
    """Write or refresh the profile; does nothing when it is so already. Failure when it is someone else's."""
    if profile == "default" or not _NAME.fullmatch(profile):
        raise Failure(f"{profile!r} cannot be the profile's name; choose another than default: --profile local")
    file = configuration.aws_config_file()
    before = _read(file)
    command = [*program.absolute_command(), "--home", str(config.home), "credentials"]
    settings = {
        "region": facts.region,
        "endpoint_url": facts.endpoint,
        "credential_process": shlex.join(command),
    }
    if facts.ca_bundle:
        settings["ca_bundle"] = facts.ca_bundle
    try:
        after = awsconfig.with_profile(before, profile=profile, home=str(config.home), settings=settings)
    except awsconfig.ForeignProfile as foreign:
        raise Failure(
            f"Profile {profile} in {file} {foreign}; choose another name: millpond configure --profile NAME"
        ) from foreign
    backup = ""
    if after != before:
        backup = str(_back_up(file, before)) if before is not None else ""
        _replace(file, after)
    return Written(profile=profile, file=str(file), backup=backup)


def refresh(config: Config, facts: RunFacts) -> None:
    """Bring profiles that this installation wrote before up to date: the endpoint may have moved."""
    before = _read(configuration.aws_config_file())
    for block in awsconfig.blocks(before or b""):
        if block.home == str(config.home):
            write(config, facts, block.profile)


def described(written: Written) -> str:
    """For people: `local → ~/.aws/config  (backup: config.bak)`."""
    file = written.file
    home = str(Path.home())
    short = "~" + file.removeprefix(home) if file.startswith(home + "/") else file
    return f"{written.profile} → {short}" + (f"  (backup: {Path(written.backup).name})" if written.backup else "")


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from error


def _back_up(file: Path, content: bytes) -> Path:
    """Keep a copy beside the file as `config.bak`, or `config.bak.1` and so on: never over an older one."""
    number = 0
    while True:
        backup = file.with_name(f"{file.name}.bak" + (f".{number}" if number else ""))
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise Failure(f"{backup} cannot be written: {error.strerror}") from error
        with os.fdopen(descriptor, "wb") as copy:
            copy.write(content)
        return backup


def _replace(file: Path, content: bytes | None) -> None:
    """Write the file whole or not at all, keeping its mode and owner; through a link, the file it names."""
    target = file.resolve()
    try:
        if content is None:
            target.unlink()
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as draft_file:
            draft_file.write(content)
            draft_file.flush()
            os.fsync(draft_file.fileno())
        if target.exists():
            was = target.stat()
            draft.chmod(was.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(draft, was.st_uid, was.st_gid)
        draft.replace(target)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
