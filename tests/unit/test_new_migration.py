"""The tool that writes migrations."""

from pathlib import Path

import sqlalchemy as sa
from tools import new_migration

from millpond.store import Store, metadata, migrations


def test_given_tables_without_a_migration_then_the_tool_notices_writes_it_and_it_suffices(tmp_path: Path):
    versions = tmp_path / "versions"
    versions.mkdir()
    new_migration.import_tables()
    table = sa.Table("test_of_the_tool", metadata, sa.Column("id", sa.Text, primary_key=True))
    store = Store(f"sqlite:///{tmp_path}/millpond.db")
    try:
        assert new_migration.differences(store, versions)
        written = new_migration.write(store, "First tables", versions)
        assert written.name == "0001_first_tables.py"
        assert "test_of_the_tool" in written.read_text()
        assert "Date" not in written.read_text()
        assert "###" not in written.read_text()
        assert new_migration.differences(store, versions) == []
        assert migrations.revisions(versions) == ("0001",)
    finally:
        store.close()
        metadata.remove(table)
