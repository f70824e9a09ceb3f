"""First start, whose key is what, and decisions that follow every change at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from millpond.services import iam
from millpond.services.iam.records import User
from millpond.services.iam.tables import keys, principals
from millpond.store import Store, Vault, metadata
from millpond.store.vault import VaultError

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path):
    made = Store(f"sqlite:///{tmp_path}/millpond.db")
    metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def vault():
    return Vault(bytes(range(32)))


@pytest.fixture
def first(store, vault):
    with store.begin() as transaction:
        return iam.bootstrap(transaction, vault, now=NOW)


class TestFirstStart:
    def test_it_happens_once(self, store, vault, first):
        with store.begin() as transaction:
            assert iam.bootstrap(transaction, vault, now=NOW) is None
            assert iam.default_account(transaction) == first.account
            assert iam.administrator_credentials(transaction, vault) == (
                first.access_key_id,
                first.secret_access_key,
            )

    def test_nothing_in_it_is_a_default(self, store, vault, first, tmp_path):
        other = Store(f"sqlite:///{tmp_path}/other.db")
        metadata.create_all(other.engine)
        with other.begin() as transaction:
            second = iam.bootstrap(transaction, vault, now=NOW)
        other.close()
        for name in ("account", "root_password", "access_key_id", "secret_access_key"):
            assert getattr(first, name) != getattr(second, name)

    def test_secrets_are_nowhere_in_the_database(self, store, first):
        with store.read() as transaction:
            dump = "".join(transaction.connection.driver_connection.iterdump())
        assert first.root_password not in dump
        assert first.secret_access_key not in dump
        assert first.access_key_id in dump

    def test_without_a_key_left_the_operator_gets_none(self, store, vault, first):
        with store.begin() as transaction:
            keys.delete_access_key(transaction, keys.access_key(transaction, first.access_key_id))
            assert iam.administrator_credentials(transaction, vault) is None


class TestCredential:
    def test_a_key_stands_for_its_user(self, store, vault, first):
        with store.read() as transaction:
            credential = iam.IamIdentity(vault).credential(transaction, first.access_key_id)
        assert credential.secret == first.secret_access_key
        assert credential.caller.arn == f"arn:aws:iam::{first.account}:user/administrator"
        assert credential.session_token is None

    def test_an_unknown_key_stands_for_nobody(self, store, vault, first):
        with store.read() as transaction:
            assert iam.IamIdentity(vault).credential(transaction, "AKIAAAAAAAAAAAAAAAAA") is None

    def test_another_master_key_opens_nothing(self, store, first):
        with store.read() as transaction, pytest.raises(VaultError):
            iam.IamIdentity(Vault(bytes(32))).credential(transaction, first.access_key_id)

    def test_a_change_that_was_rolled_back_leaves_no_trace(self, store, vault, first):
        identity = iam.IamIdentity(vault)
        with pytest.raises(RuntimeError), store.begin() as transaction:
            keys.delete_access_key(transaction, keys.access_key(transaction, first.access_key_id))
            assert identity.credential(transaction, first.access_key_id) is None
            raise RuntimeError
        with store.read() as transaction:
            assert identity.credential(transaction, first.access_key_id) is not None


class TestAuthorize:
    def test_nobody_is_allowed_anything_by_default(self, store, vault, first):
        identity = iam.IamIdentity(vault)
        with store.begin() as transaction:
            from_before = identity.credential(transaction, first.access_key_id).caller
            assert identity.authorize(transaction, from_before, "iam:ListUsers", "*", {}).allowed
            gone = principals.by_id(transaction, User, from_before.user_id)
            keys.delete_access_key(transaction, keys.access_key(transaction, first.access_key_id))
            principals.delete(transaction, gone)
            verdict = identity.authorize(transaction, from_before, "iam:ListUsers", "*", {})
        assert not verdict.allowed
        assert verdict.reason == "because no identity-based policy allows the iam:ListUsers action"
