"""Passwords and what an account asks of them."""

import pytest

from millpond.services.iam import passwords
from millpond.services.iam.records import PasswordPolicy


def test_a_hash_verifies_its_password_and_no_other():
    hashed = passwords.hash_password("Correct-horse-1")
    assert hashed.startswith("$argon2id$")
    assert "m=19456,t=2,p=1" in hashed
    assert passwords.verify_password("Correct-horse-1", hashed)
    assert not passwords.verify_password("Correct-horse-2", hashed)


@pytest.mark.parametrize("hashed", ["", "nonsense", "$argon2id$v=19$m=1"])
def test_a_damaged_hash_verifies_nothing(hashed):
    assert not passwords.verify_password("x", hashed)


def test_passphrases_have_sixty_bits_and_differ():
    first, second = passwords.new_passphrase(), passwords.new_passphrase()
    assert first != second
    words = first.split("-")
    assert len(words) == 7
    assert words[-1].isdigit()
    assert len(set(passwords._words())) ** 6 * 100 >= 2**60


@pytest.mark.parametrize(
    ("policy", "password", "words"),
    [
        (PasswordPolicy(minimum_length=12), "short", "minimum length of 12"),
        (PasswordPolicy(require_uppercase=True), "lower-case", "uppercase letter"),
        (PasswordPolicy(require_lowercase=True), "UPPER-CASE", "lowercase letter"),
        (PasswordPolicy(require_numbers=True), "no-number", "number"),
        (PasswordPolicy(require_symbols=True), "nosymbol1", "symbol"),
        (None, "aaaaaaaa", "three kinds"),
        (PasswordPolicy(), "simple", ""),
        (None, "Simple-1", ""),
    ],
)
def test_violations_are_told_in_awss_words(policy, password, words):
    refused = passwords.violation(password, policy)
    assert words in refused
    assert bool(words) == bool(refused)


def test_only_as_many_former_passwords_as_the_policy_says_are_refused():
    history = tuple(passwords.hash_password(each) for each in ("newest", "middle", "oldest"))
    policy = PasswordPolicy(minimum_length=6, reuse_prevention=2)
    assert passwords.violation("middle", policy, history)
    assert not passwords.violation("oldest", policy, history)
