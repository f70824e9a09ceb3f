"""`millpond up`: start, help with the first steps, and say what a person needs to know next."""

import threading
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from millpond import config as configuration
from millpond.cli import launch, options, output, profile, program, screen
from millpond.cli.door import Door, NotRunning
from millpond.cli.down import bring_down
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.kernel.waiting import poll, stopwatch
from millpond.operator import home as homes
from millpond.operator.facts import RunFacts

_OTHER_STARTING = 60.0


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """How `up` was asked to behave besides starting."""

    as_json: bool
    quiet: bool
    configure: bool | None
    """None: on the first run of the user's own installation, with a person at the terminal."""
    engines: bool
    foreground: bool


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="Directory of the installation (or MILLPOND_HOME).")
@click.option("-d", "--detach", is_flag=True, help="Start in the background and return when the API answers.")
@click.option("--listen", metavar="ADDR:PORT", help="Where the API listens; port 0 picks one.  [127.0.0.1:8421]")
@click.option(
    "--host-access/--no-host-access",
    default=None,
    help="Give this machine an interface in the default VPC, so that its programs reach caches as groups allow.",
)
@click.option("--driver", type=click.Choice(["auto", "linux", "local", "memory"]), help="How engines are run.  [auto]")
@click.option("--configure/--no-configure", default=None, help="Write the AWS profile `local`.")
@click.option("--engines/--no-engines", default=True, help="Install the default engines on the first run.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@options.as_json
@click.option("--ready-fd", type=int, hidden=True)
def up(
    *,
    home: Path | None,
    listen: str | None,
    driver: str | None,
    host_access: bool | None,
    detach: bool,
    ready_fd: int | None,
    **wishes: bool,
) -> None:
    """Start Millpond; in the foreground, unless --detach. A second start says that it runs."""
    config = options.load(home=home, listen=_checked(listen), driver=driver, host_access=host_access)
    if ready_fd is not None:
        launch.run_detached(config, ready_fd)
        return
    wanted = Wishes(foreground=not detach, **wishes)
    if detach:
        start_in_background(config, wanted)
        return
    elapsed = stopwatch()
    try:
        launch.run(
            config,
            announce=lambda facts: _aside(lambda: _welcome(config, facts, wanted, seconds=elapsed())),
            interrupted=lambda: _aside(lambda: bring_down(config, keep_caches=False)),
        )
    except homes.AlreadyRunning:
        _already_running(config, wanted)


def start_in_background(config: Config, wishes: Wishes, *, command: list[str] | None = None) -> None:
    """Start, wait for the first answer, welcome. `command` is the program to run (see `launch.detached`)."""
    elapsed = stopwatch()
    report = launch.detached(config, command=command)
    if report.failure:
        raise Failure(report.failure)
    if report.facts is not None:
        _welcome(config, report.facts, wishes, seconds=elapsed())
    else:
        _already_running(config, wishes)


def _aside(work: Callable[[], object]) -> None:
    """In a thread of its own: it asks the control plane, which is this very process."""

    def shown() -> None:
        try:
            work()
        except Failure as failure:
            failure.show()

    threading.Thread(target=shown, daemon=True).start()


def _already_running(config: Config, wishes: Wishes) -> None:
    """Another control plane holds the home: wait until it answers, if it has only just begun, and say so."""

    def answered() -> RunFacts | None:
        try:
            return Door(config).status()
        except NotRunning:
            if not homes.is_held(config):
                raise
            return None

    facts = poll(answered, seconds=_OTHER_STARTING)
    if facts is None:
        record = homes.read_record(config)
        who = f"pid {record.pid}" if record else "another process"
        raise Failure(f"Millpond runs already in {config.home} ({who}) but does not answer; look: millpond logs")
    _print(screen.Welcome(facts=facts, seconds=None, program=program.spoken()), wishes)


def _welcome(config: Config, facts: RunFacts, wishes: Wishes, *, seconds: float) -> None:
    """Do the first steps that a newcomer would do by hand, then say what there is."""
    undone: list[tuple[str, str]] = []
    described = ""
    first_run = facts.first_run
    if first_run is not None and wishes.engines:
        undone += _install_engines(config, wishes)
        facts = msgspec.structs.replace(Door(config).status(), first_run=first_run)
    try:
        if wishes.configure or (wishes.configure is None and first_run is not None and _is_personal(config, wishes)):
            described = profile.described(profile.write(config, facts, "local"))
        else:
            profile.refresh(config, facts)
    except Failure as failure:
        undone.append(("AWS profile", failure.message))
    password_file = ""
    if first_run is not None and (wishes.as_json or wishes.quiet or not output.is_terminal()):
        password_file = str(config.home / "root-password")
        homes.replace_private(Path(password_file), first_run.password.encode() + b"\n")
    welcome = screen.Welcome(
        facts=facts,
        seconds=seconds,
        program=program.spoken(),
        profile=described,
        undone=tuple(undone),
        password_file=password_file,
        foreground=wishes.foreground,
    )
    _print(welcome, wishes)


def _install_engines(config: Config, wishes: Wishes) -> list[tuple[str, str]]:
    """Install what is missing of the default engines; what cannot be had is reported, and does not stop anything."""
    door = Door(config)
    undone = []
    for engine in door.engines():
        if not engine.default or engine.installed or not engine.obtainable:
            continue
        if not wishes.quiet:
            click.echo(f"Installing {engine.engine} {engine.version} ({engine.reason})", err=True)
        try:
            door.install_engine(engine.engine, engine.version)
        except Failure as failure:
            undone.append(("Engines", f"{engine.engine} {engine.version} is not installed: {failure.message}"))
    return undone


def _is_personal(config: Config, wishes: Wishes) -> bool:
    """Whether this is the user's own installation with the user watching: then the AWS profile is set up as well."""
    environ = {name: value for name, value in configuration.environment().items() if name != "MILLPOND_HOME"}
    return config.home == configuration.default_home(environ) and output.is_terminal() and not wishes.as_json


def _print(welcome: screen.Welcome, wishes: Wishes) -> None:
    if wishes.quiet:
        return
    if wishes.as_json:
        output.print_json(screen.pairs(welcome))
    elif not output.is_terminal():
        output.print_pairs(screen.pairs(welcome))
    else:
        lines = screen.first_run(welcome) if welcome.facts.first_run is not None else screen.again(welcome)
        for line in lines:
            click.echo(line)


def _checked(listen: str | None) -> str | None:
    """ADDR:PORT, or UsageError."""
    if listen is None:
        return None
    address, colon, port = listen.rpartition(":")
    if not (address and colon and port.isdecimal() and int(port) < 65536):
        raise click.BadParameter(f"{listen!r} is not ADDR:PORT, such as 127.0.0.1:8421", param_hint="--listen")
    return listen
