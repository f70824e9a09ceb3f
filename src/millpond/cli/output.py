"""How facts are printed: for people on a terminal, `key=value` lines elsewhere, JSON when asked."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec


def is_terminal() -> bool:
    return sys.stdout.isatty()


def print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_pairs(pairs: Mapping[str, object]) -> None:
    """One `key=value` line a fact, for scripts."""
    for key, value in pairs.items():
        click.echo(f"{key}={plain(value)}")


def print_row(pairs: Mapping[str, object]) -> None:
    """All facts of one thing on one line, quoted as a shell would: `name=my-cache status=available why='a b'`."""
    click.echo(" ".join(f"{key}={shlex.quote(plain(value)) if plain(value) else ''}" for key, value in pairs.items()))


def print_labelled(pairs: Mapping[str, object]) -> None:
    """Labels in one column, for people. Empty values are left out."""
    shown = {label: plain(value) for label, value in pairs.items() if plain(value)}
    width = max(map(len, shown), default=0)
    for label, value in shown.items():
        click.echo(f"  {click.style(label.ljust(width), dim=True)}  {value}")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their content: nothing is ever cut."""
    widths = [max(len(each) for each in column) for column in zip(titles, *rows, strict=True)]
    click.secho("  ".join(title.ljust(width) for title, width in zip(titles, widths, strict=True)).rstrip(), dim=True)
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def plain(value: object) -> str:
    """A value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case list() | tuple():
            return ",".join(map(plain, value))
        case _:
            return " ".join(str(value).split())


def tick() -> str:
    return click.style("✓", fg="green")


def dash() -> str:
    """Stands where a tick would, when something was left undone."""
    return click.style("-", fg="yellow")
