"""Who tries too often waits, each time twice as long. Every attempt is counted before it is judged.

So a hundred guesses at once are a hundred guesses; what turns out right is taken back from the tally.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

import msgspec
from sqlalchemy import Connection

from millpond.services.signin import tables
from millpond.services.signin.records import Tally
from millpond.visit import Refused

FORGOTTEN_AFTER = timedelta(hours=1)
"""A tally that has been quiet for so long begins anew."""
LONGEST_BLOCK = timedelta(minutes=15)

_FIRST_BLOCK = timedelta(seconds=2)


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is counted, and how often it is free."""

    key: str
    free: int


def by_address(kind: str, source_ip: str, *, free: int = 30) -> Limit:
    """Counts by where it comes from; an IPv6 customer has a whole /64, so that counts as one."""
    try:
        address = ip_address(source_ip)
    except ValueError:
        return Limit(key=f"{kind}:ip:{_digest(source_ip)}", free=free)
    if isinstance(address, IPv6Address):
        return Limit(key=f"{kind}:ip:{ip_network((address, 64), strict=False)}", free=free)
    return Limit(key=f"{kind}:ip:{address}", free=free)


def by_name(kind: str, name: str, *, free: int = 5) -> Limit:
    """Counts by what is tried: an account, a user, a mail address; those that do not exist are counted as well."""
    return Limit(key=f"{kind}:{_digest(name.strip().lower())}", free=free)


def check(transaction: Connection, limits: Sequence[Limit], now: datetime) -> None:
    """Refuse whoever must still wait. Reads only, so that a flood costs little."""
    for limit in limits:
        found = tables.tally(transaction, limit.key)
        if found is not None and found.blocked_until is not None and found.blocked_until > now:
            seconds = int((found.blocked_until - now).total_seconds()) + 1
            raise Refused(f"Too many attempts. Try again in {_spoken(seconds)}.", status=429, retry_after=seconds)


def count(transaction: Connection, limits: Sequence[Limit], now: datetime) -> None:
    """Check again and count an attempt as a failure, until `take_back`."""
    check(transaction, limits, now)
    for limit in limits:
        tables.put_tally(transaction, counted(tables.tally(transaction, limit.key), limit, now))


def counted(former: Tally | None, limit: Limit, now: datetime) -> Tally:
    """The tally after one more failure: beyond the free ones each is followed by twice the pause of the one before."""
    is_old = former is None or now - former.last_at > FORGOTTEN_AFTER
    failures = 1 if former is None or is_old else former.failures + 1
    beyond = failures - limit.free
    block = min(_FIRST_BLOCK * 2 ** min(beyond, 20), LONGEST_BLOCK) if beyond >= 0 else None
    return Tally(key=limit.key, failures=failures, last_at=now, blocked_until=None if block is None else now + block)


def take_back(transaction: Connection, limit: Limit) -> None:
    """The last attempt counted was none."""
    found = tables.tally(transaction, limit.key)
    if found is not None:
        tables.put_tally(
            transaction, msgspec.structs.replace(found, failures=max(0, found.failures - 1), blocked_until=None)
        )


def forgive(transaction: Connection, limit: Limit) -> None:
    """Begin anew: the right password was shown."""
    tables.delete_tally(transaction, limit.key)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
