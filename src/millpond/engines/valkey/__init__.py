"""Running Valkey and Redis OSS: parameters translated, users and command limits set, settings watched and mended."""

from millpond.engines.valkey.driver import ValkeyEngine

__all__ = ["ValkeyEngine"]
