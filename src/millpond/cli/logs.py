"""`millpond logs`: the log of the control plane or of a cache's nodes, from its files."""

import contextlib
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
import msgspec

from millpond.cli import options
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.kernel.waiting import poll

_FOREVER = 10.0**9


@click.command()
@click.argument("name", default="", shell_complete=options.names)
@options.installation
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option("-n", "--lines", type=int, default=100, show_default=True, help="Lines to begin with.")
@options.region
def logs(*, name: str, config: Config, follow: bool, lines: int, region: str | None) -> None:
    """Print the log of the cache NAME; of Millpond itself when no NAME is given (also when it does not run)."""
    files = _files(config, name, region=region)
    with contextlib.ExitStack() as opened:
        tails = [opened.enter_context(contextlib.closing(_Tail(label, file))) for label, file in files]
        for tail in tails:
            tail.last(lines)
        if follow:
            opened.enter_context(contextlib.suppress(KeyboardInterrupt))
            poll(lambda: _more(tails), seconds=_FOREVER)


def _files(config: Config, name: str, *, region: str | None) -> list[tuple[str, Path]]:
    if name:
        found = Door(config).logs(name, region=region)
        return [(each.name if len(found) > 1 else "", Path(each.path)) for each in found]
    if not config.log_file.exists():
        raise Failure(f"There is no log in {config.home}: Millpond never ran here. Start it: millpond up --detach")
    return [("", config.log_file)]


def _more(tails: list["_Tail"]) -> None:
    """Print what was added; never an answer, so that the poll goes on."""
    for tail in tails:
        tail.more()


class _Tail:
    """One file, read to its end and from there on; begun anew when it is replaced or truncated."""

    def __init__(self, label: str, path: Path) -> None:
        self._prefix = click.style(f"{label}  ", dim=True) if label else ""
        self._path = path
        self._file: TextIO | None = None
        self._inode = 0

    def last(self, lines: int) -> None:
        for line in deque(self._lines(), maxlen=lines):
            self._print(line)

    def more(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            now = self._path.stat()
            if self._file is not None and (now.st_ino != self._inode or now.st_size < self._file.tell()):
                self.close()
        for line in self._lines():
            self._print(line)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lines(self) -> Iterator[str]:
        if self._file is None:
            try:
                self._file = self._path.open(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return
            self._inode = self._path.stat().st_ino
        while line := self._file.readline():
            yield line

    def _print(self, line: str) -> None:
        click.echo(self._prefix + (readable(line) if sys.stdout.isatty() else line.rstrip("\n")))


def readable(line: str) -> str:
    """An event of the control plane for people: time, name, keys. Any other line as it is."""
    try:
        event = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line.rstrip("\n")
    moment = str(event.pop("timestamp", ""))[11:19]
    level = event.pop("level", "info")
    name = str(event.pop("event", ""))
    event.pop("logger", None)
    chain = event.pop("exception", None)
    colour = {"warning": "yellow", "error": "red", "critical": "red"}.get(str(level))
    said = " ".join([
        moment,
        click.style(name, fg=colour, bold=True),
        *(f"{key}={value}" for key, value in event.items()),
    ])
    return f"{said}\n{chain}" if chain else said
