"""A click group that imports a command's module only when that command runs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command is and what the overview says of it."""

    module: str
    """Below the group's package; the command is the attribute of the same name as the command."""
    summary: str


class LazyGroup(click.Group):
    """Commands by section; help and completion of the group itself read the table only."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, Entry]], package: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._package = package
        self._entries = {name: entry for section in sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(import_module(f"{self._package}.{entry.module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        for title, entries in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self._entries.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)
