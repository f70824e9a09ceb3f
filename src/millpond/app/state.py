"""What an installation remembers, opened: the database, migrated, and the master key; made at the first start."""

from datetime import datetime

import msgspec

from millpond.config import Config
from millpond.operator.facts import SignIn
from millpond.operator.spec import CannotStart
from millpond.services import iam
from millpond.store import Store, StoreError, Vault
from millpond.store.migrations import upgrade
from millpond.store.vault import VaultError


class State(msgspec.Struct, frozen=True, kw_only=True):
    """An open installation."""

    store: Store
    vault: Vault
    account: str
    """Its first account."""
    first_run: SignIn | None
    """Only when this start made the installation."""


def open_state(config: Config, now: datetime) -> State:
    """Open or make. CannotStart when something is missing or damaged, in words that name the fix."""
    try:
        store = Store(config.database)
        try:
            upgrade(store, backup_dir=config.home / "backups", now=now)
            with store.read() as transaction:
                is_new = iam.default_account(transaction) is None
            vault = Vault.at(config.key_file, create=is_new)
            with store.begin() as transaction:
                made = iam.bootstrap(transaction, vault, now=now)
                account = iam.default_account(transaction)
        except BaseException:
            store.close()
            raise
    except (StoreError, VaultError) as error:
        raise CannotStart(str(error)) from error
    assert account is not None
    first_run = None if made is None else SignIn(name=made.root_email, password=made.root_password)
    return State(store=store, vault=vault, account=account, first_run=first_run)
