"""Reads the packaged tables of the catalogue. They never change while the program runs."""

import tomllib
from importlib.resources import files
from typing import Any


def table(name: str) -> dict[str, Any]:
    """Parse `data/NAME.toml`; FileNotFoundError when the catalogue has no such table."""
    return tomllib.loads((files(__package__) / "data" / f"{name}.toml").read_text("utf-8"))


def table_names(folder: str) -> tuple[str, ...]:
    """Name the tables of a folder of `data`, sorted."""
    found = (files(__package__) / "data" / folder).iterdir()
    return tuple(sorted(each.name.removesuffix(".toml") for each in found if each.name.endswith(".toml")))
