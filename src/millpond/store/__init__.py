"""Durable intent: one database, one writer, migrations at start, sealed secrets. Knows no service by name."""

from millpond.store.database import Store, metadata
from millpond.store.errors import StoreDamagedError, StoreError, StoreFullError, StoreUnreachableError
from millpond.store.vault import Vault

__all__ = ["Store", "StoreDamagedError", "StoreError", "StoreFullError", "StoreUnreachableError", "Vault", "metadata"]
