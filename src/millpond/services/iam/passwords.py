"""Passwords: argon2id hashes, the first-start passphrase, the account's password policy as a pure check."""

import string
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from millpond.kernel import ids
from millpond.services.iam.records import PasswordPolicy

_SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")
_WORDS_IN_PASSPHRASE = 6
"""Six of more than 512 words and two digits are over 60 bits."""


@cache
def _hasher() -> PasswordHasher:
    # OWASP's second choice for argon2id: about 60 ms, and memory that an attacker cannot turn against us.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _words() -> tuple[str, ...]:
    return tuple(files("millpond.services.iam").joinpath("words.txt").read_text().split())


def new_passphrase() -> str:
    """A random password for a person to read and type, of at least 60 bits."""
    return ids.passphrase(_words(), _WORDS_IN_PASSPHRASE)


def hash_password(password: str) -> str:
    """The argon2id hash in PHC form. Takes some 60 ms on purpose."""
    return _hasher().hash(password)


def verify_password(password: str, hashed: str) -> bool:
    """Whether the password is the one that was hashed; False for an empty or damaged hash."""
    try:
        return _hasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def violation(password: str, policy: PasswordPolicy | None, history: tuple[str, ...] = ()) -> str:
    """Why the policy refuses a password, in AWS's words; empty when it is accepted.

    Without a policy of the account's own AWS asks for 8 characters of at least three kinds.
    """
    kinds = {
        "uppercase letter": any(char in string.ascii_uppercase for char in password),
        "lowercase letter": any(char in string.ascii_lowercase for char in password),
        "number": any(char in string.digits for char in password),
        "symbol": any(char in _SYMBOLS for char in password),
    }
    if policy is None:
        if len(password) < 8:
            return "Password should have a minimum length of 8"
        return "" if sum(kinds.values()) >= 3 else "Password should have at least three kinds of characters"
    if len(password) < policy.minimum_length:
        return f"Password should have a minimum length of {policy.minimum_length}"
    required = {
        "uppercase letter": policy.require_uppercase,
        "lowercase letter": policy.require_lowercase,
        "number": policy.require_numbers,
        "symbol": policy.require_symbols,
    }
    for kind, is_required in required.items():
        if is_required and not kinds[kind]:
            return f"Password should have at least one {kind}"
    recent = history[: policy.reuse_prevention]
    if any(verify_password(password, former) for former in recent):
        return "Password has been used before; please choose another"
    return ""
