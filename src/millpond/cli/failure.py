"""The one kind of error that people see."""

import click


class Failure(click.ClickException):
    """It did not work; one line says why and names the fix. Exit code 1."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
