"""The laws of the audit record's chain: as written it verifies, and no single change, removal or move goes unseen."""

from collections.abc import Callable

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.services.cloudtrail import chain, record, verify_chain
from millpond.services.cloudtrail.tables import ends, events
from millpond.store import Vault
from tests.doubles.audit import VAULT, attempt, database, operator_act, sign_in

_SEVERAL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_bodies = st.lists(
    st.one_of(
        st.builds(lambda name: record.of_call(attempt(request={"CacheClusterId": name}), None), st.text(max_size=20)),
        st.builds(lambda name: record.of_call(attempt(name=name, error_code="X"), None), st.text(max_size=20)),
        st.builds(lambda ok: record.of_sign_in(sign_in(succeeded=ok)), st.booleans()),
        st.builds(lambda: record.of_operator_act(operator_act())),
    ),
    min_size=3,
    max_size=8,
)


def written(connection: sa.Connection, bodies: list[record.Body], *, at_once: int) -> None:
    for start in range(0, len(bodies), at_once):
        chain.append(connection, VAULT, bodies[start : start + at_once])


@_SEVERAL
@given(bodies=_bodies, at_once=st.integers(1, 8))
def test_what_was_written_verifies_however_it_was_grouped(bodies: list[record.Body], at_once: int):
    with database() as connection:
        written(connection, bodies, at_once=at_once)
        assert verify_chain(connection, VAULT) == chain.Verified(records=len(bodies))


def a_column(connection: sa.Connection, sequence: int) -> None:
    row = events.update().where(events.c.sequence == sequence)
    connection.execute(row.values(username="somebody else", at=events.c.at + 1))


def the_text(connection: sa.Connection, sequence: int) -> None:
    row = events.update().where(events.c.sequence == sequence)
    connection.execute(row.values(body=events.c.body.concat(" ")))


def the_text_and_its_hash(connection: sa.Connection, sequence: int) -> None:
    before = connection.execute(sa.select(events.c.hash).where(events.c.sequence == sequence - 1)).scalar() or bytes(32)
    body = connection.execute(sa.select(events.c.body).where(events.c.sequence == sequence)).scalar_one() + " "
    row = events.update().where(events.c.sequence == sequence)
    connection.execute(row.values(body=body, hash=chain.following(before, sequence, body)))


def removed(connection: sa.Connection, sequence: int) -> None:
    connection.execute(events.delete().where(events.c.sequence == sequence))


def removed_and_closed_up(connection: sa.Connection, sequence: int) -> None:
    removed(connection, sequence)
    for each in connection.execute(sa.select(events.c.sequence).order_by(events.c.sequence)).scalars().all():
        if each > sequence:
            connection.execute(events.update().where(events.c.sequence == each).values(sequence=each - 1))


def swapped(connection: sa.Connection, sequence: int) -> None:
    other = sequence - 1 if sequence > 1 else sequence + 1
    for old, new in ((sequence, -1), (other, sequence), (-1, other)):
        connection.execute(events.update().where(events.c.sequence == old).values(sequence=new))


def cut_off_behind(connection: sa.Connection, sequence: int) -> None:
    connection.execute(events.delete().where(events.c.sequence >= sequence))


def cut_off_with_the_head_moved(connection: sa.Connection, sequence: int) -> None:
    cut_off_behind(connection, sequence)
    before = connection.execute(sa.select(events.c.hash).where(events.c.sequence == sequence - 1)).scalar() or bytes(32)
    connection.execute(ends.update().where(ends.c.name == "head").values(sequence=sequence - 1, hash=before))


def cut_off_before(connection: sa.Connection, sequence: int) -> None:
    connection.execute(events.delete().where(events.c.sequence <= sequence))


def forged_with_another_key(connection: sa.Connection, _sequence: int) -> None:
    chain.append(connection, Vault(bytes(32)), [record.of_operator_act(operator_act(name="Forged"))])


def ends_removed(connection: sa.Connection, _sequence: int) -> None:
    connection.execute(ends.delete())


_TAMPERING = [
    a_column, the_text, the_text_and_its_hash, removed, removed_and_closed_up, swapped, cut_off_behind,
    cut_off_with_the_head_moved, cut_off_before, forged_with_another_key, ends_removed,
]  # fmt: skip


@_SEVERAL
@given(bodies=_bodies, tamper=st.sampled_from(_TAMPERING), data=st.data())
def test_no_tampering_goes_unseen(
    bodies: list[record.Body], tamper: Callable[[sa.Connection, int], None], data: st.DataObject
):
    with database() as connection:
        written(connection, bodies, at_once=3)
        tamper(connection, data.draw(st.integers(1, len(bodies))))
        assert verify_chain(connection, VAULT).problem


@_SEVERAL
@given(bodies=_bodies, more=_bodies, data=st.data())
def test_a_pruned_chain_verifies_and_goes_on(bodies: list[record.Body], more: list[record.Body], data: st.DataObject):
    with database() as connection:
        written(connection, bodies, at_once=3)
        through = data.draw(st.integers(1, len(bodies)))
        chain.prune(connection, VAULT, through=through)
        assert verify_chain(connection, VAULT) == chain.Verified(records=len(bodies) - through)
        written(connection, more, at_once=2)
        assert verify_chain(connection, VAULT) == chain.Verified(records=len(bodies) - through + len(more))
        cut_off_before(connection, through + 1)
        assert verify_chain(connection, VAULT).problem
