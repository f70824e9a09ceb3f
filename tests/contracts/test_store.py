"""What a store promises, on SQLite and on a real PostgreSQL alike."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tools import new_migration

from millpond.store import Store, StoreError, StoreUnreachableError, migrations
from tests.contracts import postgresql

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SCHEMA = sa.MetaData()
NOTES = sa.Table(
    "test_notes", SCHEMA, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.BigInteger, nullable=False)
)


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgresql.Server]:
    bin_directory = postgresql.binaries()
    if bin_directory is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    with postgresql.running(bin_directory) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/millpond.db"
        return
    with request.getfixturevalue("postgresql_server").database() as address:
        yield address


@pytest.fixture
def empty_store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def store(empty_store: Store) -> Store:
    with empty_store.begin() as connection:
        SCHEMA.create_all(connection)
        connection.execute(NOTES.insert().values(key="count", value=0))
    return empty_store


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(sa.select(NOTES.c.value).where(NOTES.c.key == "count")).scalar_one()


def add_one(store: Store) -> None:
    with store.begin() as connection:
        value = connection.execute(sa.select(NOTES.c.value).where(NOTES.c.key == "count")).scalar_one()
        connection.execute(NOTES.update().where(NOTES.c.key == "count").values(value=value + 1))


def test_given_a_block_that_ends_then_its_changes_are_seen_by_a_store_opened_later(store: Store, url: str):
    add_one(store)
    other = Store(url)
    assert count(other) == 1
    other.close()


def test_given_a_block_that_raises_then_nothing_of_it_remains_and_the_error_arrives_unchanged(store: Store):
    with pytest.raises(KeyError, match="stop"), store.begin() as connection:
        connection.execute(NOTES.update().values(value=7))
        raise KeyError("stop")
    assert count(store) == 0


def test_given_a_conflict_of_rows_then_the_operation_sees_it_as_such_and_the_store_goes_on(store: Store):
    with pytest.raises(sa.exc.IntegrityError), store.begin() as connection:
        connection.execute(NOTES.insert().values(key="other", value=1))
        connection.execute(NOTES.insert().values(key="count", value=1))
    add_one(store)
    with store.read() as connection:
        assert connection.execute(sa.select(NOTES.c.key)).scalars().all() == ["count"]


def test_given_a_writer_in_the_middle_then_a_reader_neither_waits_nor_sees_its_changes(store: Store):
    with ThreadPoolExecutor(1) as pool, store.begin() as connection:
        connection.execute(NOTES.update().values(value=7))
        assert pool.submit(count, store).result(timeout=10) == 0
    assert count(store) == 7


def test_given_a_reader_in_the_middle_then_a_writer_does_not_wait_and_the_reader_keeps_its_snapshot(store: Store):
    with ThreadPoolExecutor(1) as pool, store.read() as connection:
        pool.submit(add_one, store).result(timeout=10)
        assert connection.execute(sa.select(NOTES.c.value)).scalar_one() == 0
    assert count(store) == 1


def test_given_many_writers_who_read_then_write_then_no_update_is_lost(store: Store):
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(add_one, store) for _ in range(60)]:
            done.result(timeout=30)
    assert count(store) == 60


def test_given_two_stores_on_one_database_as_two_control_planes_then_no_update_is_lost(store: Store, url: str):
    other = Store(url)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(add_one, each) for _ in range(20) for each in (store, other)]:
            done.result(timeout=30)
    assert count(store) == 40
    other.close()


def test_given_a_snapshot_then_writing_through_it_is_refused_or_forgotten(store: Store):
    try:
        with store.read() as connection:
            connection.execute(NOTES.update().values(value=9))
    except (sa.exc.DBAPIError, StoreError):
        pass
    assert count(store) == 0


@pytest.mark.parametrize("inner", ["begin", "read"])
@pytest.mark.parametrize("outer", ["begin", "read"])
def test_given_a_transaction_then_a_second_one_in_the_same_thread_is_an_error_at_once(
    store: Store, outer: str, inner: str
):
    with getattr(store, outer)(), pytest.raises(RuntimeError, match="inside a transaction"), getattr(store, inner)():
        pass
    add_one(store)
    assert count(store) == 1


def test_given_waiting_writers_then_they_are_served_in_the_order_they_came(store: Store):
    served: list[int] = []
    writers: list[threading.Thread] = []

    def write(number: int) -> None:
        with store.begin():
            served.append(number)

    with store.begin():
        for number in range(8):
            writers.append(threading.Thread(target=write, args=(number,)))
            writers[-1].start()
            _until(lambda number=number: len(store._writer._waiting) == number + 1)
    for writer in writers:
        writer.join(timeout=10)
    assert served == list(range(8))


def test_given_a_new_database_when_upgraded_twice_then_the_second_time_does_nothing(empty_store: Store, tmp_path: Path):
    first = migrations.upgrade(empty_store, backup_dir=tmp_path / "backups", now=NOW)
    assert first == migrations.revisions()
    assert migrations.upgrade(empty_store, backup_dir=tmp_path / "backups", now=NOW) == ()
    assert not (tmp_path / "backups").exists()


def test_given_the_migrations_then_they_make_exactly_what_the_tables_say(empty_store: Store):
    new_migration.import_tables()
    assert new_migration.differences(empty_store) == [], "run tools/new_migration.py"


def test_given_steps_then_they_run_in_order_keep_rows_and_references_and_start_where_the_database_is(
    empty_store: Store, versions: Path, tmp_path: Path
):
    later = versions / "0002_second.py"
    text = later.read_text()
    later.unlink()
    assert migrations.upgrade(empty_store, backup_dir=None, now=NOW, versions=versions) == ("0001",)
    with empty_store.begin() as connection:
        connection.execute(sa.text("INSERT INTO parents (id, size) VALUES ('p', 3)"))
        connection.execute(sa.text("INSERT INTO children (id, parent) VALUES ('c', 'p')"))
    later.write_text(text)
    assert migrations.upgrade(empty_store, backup_dir=None, now=NOW, versions=versions) == ("0002",)
    with empty_store.read() as connection:
        assert connection.execute(sa.text("SELECT id, weight FROM parents")).all() == [("p", 3)]
        assert connection.execute(sa.text("SELECT id FROM children")).all() == [("c",)]


def test_given_a_step_that_fails_then_no_step_of_this_upgrade_remains(empty_store: Store, versions: Path):
    broken = (versions / "0002_second.py").read_text().replace("new_column_name='weight'", "new_column_name=str(1 / 0)")
    assert "1 / 0" in broken
    (versions / "0002_second.py").write_text(broken)
    with pytest.raises(ZeroDivisionError):
        migrations.upgrade(empty_store, backup_dir=None, now=NOW, versions=versions)
    with empty_store.read() as connection:
        assert migrations.current(connection) is None
        assert not sa.inspect(connection).has_table("parents")


def test_given_a_database_of_a_newer_program_then_it_is_refused_in_plain_words(empty_store: Store, versions: Path):
    migrations.upgrade(empty_store, backup_dir=None, now=NOW, versions=versions)
    (versions / "0002_second.py").unlink()
    with pytest.raises(StoreError, match="made by a newer Millpond"):
        migrations.upgrade(empty_store, backup_dir=None, now=NOW, versions=versions)


def test_given_control_planes_that_start_together_then_one_of_them_migrates(url: str, versions: Path):
    stores = [Store(url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        done = list(
            pool.map(lambda each: migrations.upgrade(each, backup_dir=None, now=NOW, versions=versions), stores)
        )
    assert sorted(done) == [(), (), ("0001", "0002")]
    for each in stores:
        each.close()


def test_given_a_postgresql_that_is_not_there_then_the_error_names_it_without_its_password(tmp_path: Path):
    store = Store(f"postgresql+psycopg://someone:hunter2@/db?host={tmp_path}")
    with pytest.raises(StoreUnreachableError) as refusal, store.read():
        pass
    assert str(tmp_path) in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    store.close()


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Two migrations as the tool writes them: tables that refer to each other, then a column renamed."""
    directory = tmp_path / "versions"
    directory.mkdir()
    (directory / "0001_first.py").write_text("""
import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table('parents', sa.Column('id', sa.Text(), primary_key=True), sa.Column('size', sa.BigInteger()))
    op.create_table(
        'children',
        sa.Column('id', sa.Text(), primary_key=True),
        sa.Column('parent', sa.Text(), sa.ForeignKey('parents.id', ondelete='CASCADE'), nullable=False),
    )
""")
    (directory / "0002_second.py").write_text("""
import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    with op.batch_alter_table('parents') as batch:
        batch.alter_column('size', new_column_name='weight', nullable=False, existing_type=sa.BigInteger())
""")
    return directory


def _until(condition):
    turn = threading.Event()
    for _ in range(2000):
        if condition():
            return
        turn.wait(0.005)
    raise AssertionError("the condition never came true")
