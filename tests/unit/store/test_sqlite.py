"""SQLite's own troubles: files others could read, a full disk, a damaged file, copies."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from millpond.store import Store, StoreDamagedError, StoreError, StoreFullError, StoreUnreachableError, migrations

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "millpond.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{file}")
    with opened.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (body TEXT)"))
    yield opened
    opened.close()


def test_given_a_new_home_then_only_its_owner_can_read_the_database_and_its_log(store: Store, file: Path):
    assert mode(file.parent) == 0o700
    assert {each.name: mode(each) for each in file.parent.iterdir()} == {
        "millpond.db": 0o600,
        "millpond.db-wal": 0o600,
        "millpond.db-shm": 0o600,
    }


def test_given_a_database_that_others_can_read_then_opening_it_takes_that_back(file: Path):
    file.parent.mkdir()
    file.touch(mode=0o644)
    Store(f"sqlite:///{file}").close()
    assert mode(file) == 0o600


def test_given_a_directory_of_the_user_then_its_mode_is_left_alone(tmp_path: Path):
    tmp_path.chmod(0o755)
    Store(f"sqlite:///{tmp_path}/millpond.db").close()
    assert mode(tmp_path) == 0o755


def test_given_no_file_then_the_store_says_that_it_needs_one():
    with pytest.raises(StoreError, match="must be a file"):
        Store("sqlite://")


def test_given_a_place_that_cannot_hold_a_database_then_the_error_names_it(tmp_path: Path):
    (tmp_path / "home").touch()
    with pytest.raises(StoreUnreachableError, match=r"home/millpond\.db cannot be made or opened"):
        Store(f"sqlite:///{tmp_path}/home/millpond.db")


def test_given_a_full_disk_then_the_error_says_so_nothing_changed_and_space_mends_it(store: Store):
    store.engine.dispose()

    def fill(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=2").close()

    sa.event.listen(store.engine, "connect", fill)
    with pytest.raises(StoreFullError, match="Free some space"), store.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES (:body)"), {"body": "x" * 100_000})
    sa.event.remove(store.engine, "connect", fill)
    store.engine.dispose()
    with store.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM notes")).scalar_one() == 0
        connection.execute(sa.text("INSERT INTO notes VALUES ('y')"))


def test_given_a_wrong_statement_then_it_is_not_blamed_on_the_database(store: Store):
    with pytest.raises(sa.exc.OperationalError, match="no such table"), store.begin() as connection:
        connection.execute(sa.text("INSERT INTO absent VALUES (1)"))


def test_given_another_program_that_holds_the_lock_then_the_error_names_the_fix(store: Store, file: Path):
    store.engine.dispose()

    def hasty(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=10").close()

    sa.event.listen(store.engine, "connect", hasty)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnreachableError, match="fuser"), store.begin():
            pass
        other.execute("ROLLBACK")
    with store.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('y')"))


def test_given_something_else_than_a_database_then_starting_says_that_it_is_damaged(file: Path):
    file.parent.mkdir()
    file.write_bytes(b"not a database at all" * 100)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StoreDamagedError, match="backups"):
        migrations.upgrade(store, backup_dir=None, now=NOW)
    store.close()


def test_given_a_page_overwritten_then_starting_says_that_the_database_is_damaged(store: Store, file: Path):
    with store.begin() as connection:
        for number in range(200):
            connection.execute(sa.text("INSERT INTO notes VALUES (:body)"), {"body": f"{number}" * 500})
    store.close()
    with file.open("r+b") as raw:
        raw.seek(5 * 4096)
        raw.write(b"\xff" * 4096 * 3)
    with pytest.raises(StoreDamagedError, match="move the file"):
        store.verify()


def test_given_a_sound_database_then_it_verifies(store: Store):
    store.verify()


def test_given_a_migration_that_leaves_a_dangling_reference_then_it_is_undone(store: Store):
    with store.begin() as connection:
        connection.execute(sa.text("CREATE TABLE parents (id TEXT PRIMARY KEY)"))
        connection.execute(sa.text("CREATE TABLE children (parent TEXT REFERENCES parents(id))"))
        connection.execute(sa.text("INSERT INTO parents VALUES ('p')"))
        connection.execute(sa.text("INSERT INTO children VALUES ('p')"))
    with pytest.raises(StoreError, match="children that refer to missing parents"), store.migrate() as connection:
        connection.execute(sa.text("DELETE FROM parents"))
    with store.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM parents")).scalar_one() == 1
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.text("DELETE FROM parents"))


def test_given_a_database_in_use_when_backed_up_then_the_copy_is_whole_private_and_one_file(
    store: Store, file: Path, tmp_path: Path
):
    with store.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('kept')"))
    with store.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('not yet committed')"))
        made = migrations.back_up(file, tmp_path / "backups", revision="0003", now=NOW)
    assert made.name == "before-0003-20261122T100000.000000Z.db"
    assert [mode(each) for each in made.parent.iterdir()] == [0o600]
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT body FROM notes").fetchall() == [("kept",)]


def test_given_many_backups_then_the_newest_five_are_kept_and_other_files_too(store: Store, file: Path, tmp_path: Path):
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / "mine.db").touch()
    made = [
        migrations.back_up(file, backups, revision=f"{9 - number:04d}", now=NOW + timedelta(days=number))
        for number in range(8)
    ]
    assert set(backups.iterdir()) == {*made[-5:], backups / "mine.db"}


def test_given_a_backup_that_cannot_be_written_then_nothing_is_migrated(store: Store, tmp_path: Path):
    versions = tmp_path / "versions"
    versions.mkdir()
    text = "from alembic import op\nimport sqlalchemy as sa\nrevision = '{0}'\ndown_revision = {1}\n"
    text += "def upgrade():\n    op.create_table('t{0}', sa.Column('x', sa.Text()))\n"
    (versions / "0001_a.py").write_text(text.format("0001", None))
    migrations.upgrade(store, backup_dir=None, now=NOW, versions=versions)
    (versions / "0002_b.py").write_text(text.format("0002", "'0001'"))
    (tmp_path / "backups").touch()
    with pytest.raises(StoreError, match="was not migrated"):
        migrations.upgrade(store, backup_dir=tmp_path / "backups", now=NOW, versions=versions)
    with store.read() as connection:
        assert migrations.current(connection) == "0001"
    (tmp_path / "backups").unlink()
    assert migrations.upgrade(store, backup_dir=tmp_path / "backups", now=NOW, versions=versions) == ("0002",)
    assert [each.name[:11] for each in (tmp_path / "backups").iterdir()] == ["before-0001"]
