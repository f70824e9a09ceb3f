"""Write the next migration from what the tables say: `tools/new_migration.py "Tables of snapshots"`.

Brings an empty database to the newest revision, compares it with every `tables.py` of the package, and writes the
difference. Read what it wrote before you commit it. `--check` only says whether a migration is missing.
"""

import argparse
import importlib
import pkgutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import millpond
from millpond.store import Store, metadata, migrations
from millpond.store.migrations import run

VERSIONS = Path(migrations.__file__).parent / "versions"


def import_tables() -> None:
    """Let every service declare its tables."""
    for module in pkgutil.walk_packages(millpond.__path__, "millpond."):
        if "tables" in module.name.split("."):
            importlib.import_module(module.name)


def differences(store: Store, versions: Path = VERSIONS) -> list[object]:
    """What the migrations leave to do until the database is what the tables say; empty when they agree."""
    migrations.upgrade(store, backup_dir=None, now=datetime.now(UTC), versions=versions)
    with store.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def write(store: Store, message: str, versions: Path = VERSIONS) -> Path:
    """Write the next migration and return its path."""
    migrations.upgrade(store, backup_dir=None, now=datetime.now(UTC), versions=versions)
    number = f"{len(migrations.revisions(versions)) + 1:04d}"
    with store.begin() as connection:
        config = run.configuration(connection, versions)
        command.revision(config, message, autogenerate=True, rev_id=number, version_path=str(versions))
    (path,) = versions.glob(f"{number}_*.py")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message", nargs="?", help="what changes, in a few words")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a migration is missing")
    options = parser.parse_args()
    import_tables()
    with tempfile.TemporaryDirectory() as directory:
        store = Store(f"sqlite:///{directory}/new.db")
        try:
            todo = differences(store)
            if options.check:
                for difference in todo:
                    print(difference)
                return 1 if todo else 0
            if not options.message:
                parser.error("say what changes")
            if not todo:
                print("The migrations agree with the tables: nothing to write.")
                return 0
            path = write(store, options.message)
        finally:
            store.close()
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)
    subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--fix", str(path)], check=False)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
