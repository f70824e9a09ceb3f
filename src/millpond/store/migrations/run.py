"""Alembic, driven on a connection that is inside a transaction. Imported only when there is something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration(connection: Connection, versions: Path) -> Config:
    """What would stand in alembic.ini; `env.py` finds the connection in the attributes."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def to_head(connection: Connection, versions: Path) -> None:
    """Run every migration that the database lacks, in the caller's transaction."""
    command.upgrade(configuration(connection, versions), "head")
