"""`millpond down`: stop the control plane, and the caches unless they are to be kept."""

from typing import cast

import click
import msgspec

from millpond.cli import launch, options, output
from millpond.cli.door import Door, NotRunning
from millpond.cli.failure import Failure
from millpond.config import Config, DriverName
from millpond.operator import home
from millpond.operator.facts import RunRecord

_PATIENCE = 120.0


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What `down` did."""

    stopped: bool
    caches: int
    kept: bool
    sentence: str


@click.command()
@options.installation
@click.option("--keep-caches", is_flag=True, help="Leave the engines running; `up` takes them over again.")
@options.as_json
def down(*, config: Config, keep_caches: bool, as_json: bool) -> None:
    """Stop Millpond and its caches. Data stays; `millpond up` brings everything back."""
    left_behind = home.last_record(config)
    if home.is_held(config):
        said = bring_down(config, keep_caches=keep_caches)
    elif left_behind is not None and not keep_caches:
        said = _clean_up(config, left_behind)
    else:
        sentence = f"Millpond is not running in {config.home}."
        said = Stopped(stopped=False, caches=0, kept=False, sentence=sentence)
    if as_json:
        output.print_json(said)
    else:
        click.echo(said.sentence)


def bring_down(config: Config, *, keep_caches: bool) -> Stopped:
    """Ask a running control plane to stop and wait until it has. Failure when it does not."""
    try:
        caches = Door(config).down(keep_caches=keep_caches)
    except NotRunning as silence:
        # It holds the home but does not answer: a signal ends it, which leaves the engines as they are.
        if not launch.terminate(config):
            raise
        if not launch.ended(config, seconds=_PATIENCE):
            raise Failure("Millpond does not answer and does not end; look: millpond logs") from silence
        sentence = "Stopped by a signal, since it did not answer; caches go on. Stop them too with: millpond down"
        return Stopped(stopped=True, caches=0, kept=True, sentence=sentence)
    if not launch.ended(config, seconds=_PATIENCE):
        raise Failure(f"Millpond has not stopped within {_PATIENCE:.0f} s; look: millpond logs")
    if not keep_caches:
        home.forget(config)
    return Stopped(stopped=True, caches=caches, kept=keep_caches, sentence=_sentence(caches, keep_caches=keep_caches))


def _clean_up(config: Config, left_behind: RunRecord) -> Stopped:
    """The last control plane ended without its caches (killed, or `--keep-caches`): start one to stop them."""
    driver = cast("DriverName", left_behind.driver)
    report = launch.detached(msgspec.structs.replace(config, listen="127.0.0.1:0", driver=driver))
    if report.failure:
        raise Failure(report.failure)
    return bring_down(config, keep_caches=False)


def _sentence(caches: int, *, keep_caches: bool) -> str:
    if caches == 0:
        return "Stopped."
    many = "1 cache" if caches == 1 else f"{caches} caches"
    if keep_caches:
        return f"Stopped; {many} still running. Millpond takes over again with: millpond up"
    return f"Stopped, with {many}. Data is kept; everything comes back with: millpond up"
