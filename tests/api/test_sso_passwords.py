"""Invitations, passwords and MFA of directory users: what the pages call."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from millpond.services import iam, sso
from millpond.services.iam import totp
from tests.api.sso_world import SsoWorld, sso_world

_PASSWORD = "Correct-Horse-1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SsoWorld]:
    with sso_world(tmp_path) as made:
        yield made


def is_password(world: SsoWorld, user: sso.User, password: str) -> bool:
    with world.aws.store.read() as transaction:
        held = sso.held_password(transaction, user.id)
    return held is not None and iam.verify_password(password, held.hashed)


def invited(world: SsoWorld, user: sso.User) -> str:
    with world.aws.store.begin() as transaction:
        return sso.invite(transaction, user, world.aws.clock.now())


def violation(world: SsoWorld, user: sso.User, password: str) -> str:
    with world.aws.store.read() as transaction:
        return sso.password_violation(transaction, user.id, password)


def accept(world: SsoWorld, token: str, password: str = _PASSWORD) -> sso.User:
    with world.aws.store.begin() as transaction:
        return sso.redeem(transaction, token, iam.hash_password(password), world.aws.clock.now())


def test_an_invitation_sets_the_first_password_once(world):
    user = world.record(world.user("ann"))
    assert not is_password(world, user, _PASSWORD)
    token = invited(world, user)
    with world.aws.store.read() as transaction:
        assert sso.linked_user(transaction, token, world.aws.clock.now()) == (user, False)
    assert accept(world, token).id == user.id
    assert is_password(world, user, _PASSWORD)
    with pytest.raises(sso.LinkError):
        accept(world, token, "Another-Horse-2")


def test_an_invitation_lasts_seven_days_and_a_newer_one_replaces_it(world):
    user = world.record(world.user("ann"))
    first, second = invited(world, user), invited(world, user)
    with pytest.raises(sso.LinkError):
        accept(world, first)
    world.aws.clock.ahead += timedelta(days=7).total_seconds()
    with pytest.raises(sso.LinkError):
        accept(world, second)


@pytest.mark.parametrize(
    "password", ["Ab-1", "a" * 65 + "A-1", "lowercase-1", "UPPERCASE-1", "No-Numbers", "NoSymbols1"]
)
def test_a_weak_password_is_refused(world, password):
    assert violation(world, world.record(world.user("ann")), password)


def test_one_of_the_last_three_passwords_is_refused(world):
    user = world.record(world.user("ann"))
    for number in range(4):
        assert not violation(world, user, f"Correct-Horse-{number}")
        accept(world, invited(world, user), f"Correct-Horse-{number}")
    assert [bool(violation(world, user, f"Correct-Horse-{number}")) for number in range(4)] == [False, True, True, True]


def test_a_reset_link_works_once_and_ends_sessions(world):
    user = world.record(world.user("ann"))
    accept(world, invited(world, user))
    bearer = world.bearer(user.id)
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        token = sso.request_password_reset(transaction, user, now)
        assert sso.linked_user(transaction, token, now) == (user, True)
    accept(world, token, "Another-Horse-2")
    with world.aws.store.read() as transaction:
        assert sso.signed_in(transaction, bearer, now) is None
    assert is_password(world, user, "Another-Horse-2")
    with pytest.raises(sso.LinkError):
        accept(world, token)


def test_a_device_counts_from_its_first_code_on_and_a_code_works_once(world):
    user = world.record(world.user("ann"))
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        new = sso.begin_registration(transaction, world.aws.vault, user, now=now)
        assert new.uri.startswith("otpauth://totp/Millpond:ann?")
        assert sso.devices_of(transaction, user) == []
        step = iam.step_at(now)
        wrong = "000000" if totp.code_at(new.seed, step) != "000000" else "111111"
        assert not sso.finish_registration(transaction, world.aws.vault, user, device_id=new.id, code=wrong, now=now)
        code = totp.code_at(new.seed, step)
        assert sso.finish_registration(transaction, world.aws.vault, user, device_id=new.id, code=code, now=now)
        assert len(sso.devices_of(transaction, user)) == 1
        assert not sso.accept_code(transaction, world.aws.vault, user, code=code, now=now)
        following = totp.code_at(new.seed, step + 1)
        assert sso.accept_code(transaction, world.aws.vault, user, code=following, now=now)
        assert not sso.accept_code(transaction, world.aws.vault, user, code=following, now=now)


def test_a_device_of_someone_else_can_neither_be_registered_nor_removed(world):
    ann, beth = world.record(world.user("ann")), world.record(world.user("beth"))
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        new = sso.begin_registration(transaction, world.aws.vault, ann, now=now)
        code = totp.code_at(new.seed, iam.step_at(now))
        assert not sso.finish_registration(transaction, world.aws.vault, beth, device_id=new.id, code=code, now=now)
        with pytest.raises(sso.MfaError):
            sso.remove_device(transaction, beth, new.id)
        sso.remove_device(transaction, ann, new.id)


def test_eight_devices_are_the_most(world):
    user = world.record(world.user("ann"))
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        for _ in range(8):
            new = sso.begin_registration(transaction, world.aws.vault, user, now=now)
            code = totp.code_at(new.seed, iam.step_at(now))
            sso.finish_registration(transaction, world.aws.vault, user, device_id=new.id, code=code, now=now)
        with pytest.raises(sso.MfaError):
            sso.begin_registration(transaction, world.aws.vault, user, now=now)
