"""Progress while something comes to be: a moving line on a terminal, plain lines on standard error elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click


class Progress(Protocol):
    """Is told what happens now, in a sentence; the same sentence twice is said once."""

    def say(self, sentence: str) -> None: ...


class Silent:
    """For `--json` and `--quiet`."""

    def say(self, sentence: str) -> None:
        """Say nothing."""


class _Lines:
    def __init__(self, label: str) -> None:
        self._label = label
        self._last = ""

    def say(self, sentence: str) -> None:
        if sentence and sentence != self._last:
            self._last = sentence
            click.echo(f"{self._label}: {sentence}", err=True)


@contextmanager
def shown(label: str, *, silent: bool) -> Iterator[Progress]:
    """Show progress of `label` while the block runs."""
    if silent:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines(label)
    else:
        # What draws is imported where it draws.
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        def line(text: str) -> Text:
            return Text(text, no_wrap=True, overflow="ellipsis")

        console = Console(stderr=True, highlight=False)
        with console.status(line(label)) as status:

            class Spinner:
                """The sentence beside a spinner."""

                def say(self, sentence: str) -> None:
                    status.update(line(f"{label}: {sentence}" if sentence else label))

            yield Spinner()
