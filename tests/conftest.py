"""What all tests share."""

import asyncio


def pytest_configure() -> None:
    # Before Python 3.12, asking for "the" event loop of a thread that never had one makes one. pytest-asyncio asks and
    # leaves it open; a thread that was told it has none raises instead, which the plugin expects.
    asyncio.set_event_loop(None)
