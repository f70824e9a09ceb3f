"""The one kind of error that people see."""

from collections.abc import Sequence
from typing import IO, Any

import click


class Failure(click.ClickException):
    """It did not work; one line says why and names the fix. Exit code 1.

    `details` are lines of someone else's (a log's last ones), shown below it.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(" ".join(message.split()))
        self.details = details

    def show(self, file: IO[Any] | None = None) -> None:
        super().show(file)
        for line in self.details:
            click.echo(f"  {line}", file=file, err=file is None)
