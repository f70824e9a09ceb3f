"""The chain: each record's SHA-256 covers the one before it, both ends are sealed with the master key.

A record that was changed, removed, added or moved breaks it; so does cutting off either end. What it cannot show is
that the whole database, with its ends, was put back to an older state.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.cloudtrail.record import Body, columns
from millpond.services.cloudtrail.tables import ends, events
from millpond.store import StoreDamagedError, Vault
from millpond.store.vault import VaultError

_NOTHING = bytes(32)
_ROWS_AT_ONCE = 1000

# Made once: building them costs more than SQLite takes to run them, and every change of the API runs all three.
_END = sa.select(ends.c.sequence, ends.c.hash).where(ends.c.name == sa.bindparam("of"))
_MOVE = ends.update().where(ends.c.name == sa.bindparam("of"))
_APPEND = events.insert()

EndName = Literal["head", "start"]


class End(msgspec.Struct, frozen=True, kw_only=True):
    """One end of the chain."""

    sequence: int
    hash: bytes


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What looking the whole chain over found."""

    records: int
    """How many follow each other unbroken, counted from the oldest."""
    problem: str = ""
    """What is wrong, in words; empty when nothing is."""


def append(transaction: Connection, vault: Vault, bodies: Sequence[Body]) -> None:
    """Write records at the end of the chain. StoreDamagedError when the end is not there to write to."""
    head = _end(transaction, "head") or _first(transaction, vault)
    sequence, digest = head.sequence, head.hash
    rows = []
    for body in bodies:
        sequence += 1
        text = msgspec.json.encode(body).decode()
        digest = following(digest, sequence, text)
        rows.append({"sequence": sequence, **msgspec.structs.asdict(columns(body)), "body": text, "hash": digest})
    if rows:
        transaction.execute(_APPEND, rows)
        _move(transaction, vault, "head", End(sequence=sequence, hash=digest))


def prune(transaction: Connection, vault: Vault, *, through: int) -> None:
    """Drop the records up to and with this sequence number; the chain then starts after it."""
    row = transaction.execute(sa.select(events.c.hash).where(events.c.sequence == through)).first()
    if row is None:
        raise StoreDamagedError(f"The audit record has no entry {through}, which was to be the last one dropped.")
    transaction.execute(events.delete().where(events.c.sequence <= through))
    _move(transaction, vault, "start", End(sequence=through, hash=row.hash))


def verify_chain(transaction: Connection, vault: Vault) -> Verified:
    """Look over every record that is kept, about 50,000 a second."""
    start, head = _end(transaction, "start"), _end(transaction, "head")
    if start is None or head is None:
        count = transaction.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()
        if start is None and head is None and not count:
            return Verified(records=0)
        return Verified(records=0, problem="an end of the chain is missing")
    for name in ("start", "head"):
        if not _is_sealed(transaction, vault, name):
            return Verified(records=0, problem=f"the chain's {name} is not the one that Millpond sealed")
    last, records = start, 0
    query = sa.select(events).order_by(events.c.sequence).execution_options(yield_per=_ROWS_AT_ONCE)
    with transaction.execute(query) as rows:
        for row in rows:
            problem = _problem(last, row)
            if problem:
                return Verified(records=records, problem=problem)
            last, records = End(sequence=row.sequence, hash=row.hash), records + 1
    if last != head:
        return Verified(records=records, problem=f"record {last.sequence} is the last one, {head.sequence} should be")
    return Verified(records=records)


def following(before: bytes, sequence: int, body: str) -> bytes:
    """The hash of a record: of the one before it, its place and its text."""
    return sha256(before + sequence.to_bytes(8, "big") + body.encode()).digest()


def _problem(last: End, row: sa.Row[tuple[object, ...]]) -> str:
    if row.sequence != last.sequence + 1:
        return f"record {last.sequence + 1} is missing"
    if row.hash != following(last.hash, row.sequence, row.body):
        return f"record {row.sequence} is not what was written"
    try:
        expected = msgspec.structs.asdict(columns(msgspec.json.decode(row.body)))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return f"record {row.sequence} is no record"
    if any(getattr(row, name) != value for name, value in expected.items()):
        return f"record {row.sequence} is filed under something else than it says"
    return ""


def _end(transaction: Connection, name: EndName) -> End | None:
    row = transaction.execute(_END, {"of": name}).first()
    return None if row is None else End(sequence=row.sequence, hash=row.hash)


def _first(transaction: Connection, vault: Vault) -> End:
    """Begin the chain, unless it was begun before and has lost its head."""
    if transaction.execute(sa.select(events.c.sequence).limit(1)).first() or _end(transaction, "start"):
        raise StoreDamagedError(
            "The audit record has lost its head, so nothing can be recorded. Put the newest copy of the database's "
            "backups in its place."
        )
    nothing = End(sequence=0, hash=_NOTHING)
    for name in ("start", "head"):
        values = {"name": name, "sequence": 0, "hash": _NOTHING, "sealed": _sealed(vault, name, nothing)}
        transaction.execute(ends.insert().values(**values))
    return nothing


def _move(transaction: Connection, vault: Vault, name: EndName, to: End) -> None:
    values = {"sequence": to.sequence, "hash": to.hash, "sealed": _sealed(vault, name, to)}
    transaction.execute(_MOVE, {"of": name, **values})


def _sealed(vault: Vault, name: str, end: End) -> bytes:
    return vault.seal(_said(end), _purpose(name))


def _is_sealed(transaction: Connection, vault: Vault, name: str) -> bool:
    row = transaction.execute(sa.select(ends).where(ends.c.name == name)).one()
    try:
        return vault.open(row.sealed, _purpose(name)) == _said(End(sequence=row.sequence, hash=row.hash))
    except VaultError:
        return False


def _said(end: End) -> str:
    return f"{end.sequence} {end.hash.hex()}"


def _purpose(name: str) -> str:
    return f"cloudtrail/{name}"
