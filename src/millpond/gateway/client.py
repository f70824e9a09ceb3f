"""The gateway's door without a socket, for callers inside the process: pages, the operator's socket, tests.

The same authorisation, validation and operations as over HTTP, for a caller who is already known. Imports nothing of
the gateway: `app.py` hands in what it calls.
"""

from typing import Any, Protocol

from millpond.operation import Caller, Request, Response


class Door(Protocol):
    """What the gateway offers here: `Gateway.call`."""

    def __call__(
        self, service: str, operation: str, params: Request, *, region: str, caller: Caller, source_ip: str
    ) -> Response: ...


class Client:
    """Calls operations by their AWS names."""

    def __init__(self, door: Door, *, source_ip: str = "127.0.0.1") -> None:
        self._door = door
        self._source_ip = source_ip

    def call(
        self,
        service: str,
        operation: str,
        params: dict[str, Any] | None = None,
        *,
        region: str,
        caller: Caller,
        source_ip: str = "",
    ) -> Response:
        """Call `operation` of `service` (`elasticache`, `CreateCacheCluster`) and return its output.

        Blocking: from a coroutine, call it in a thread. Raises Fault with AWS's code and words, as the API answers.
        `source_ip` is this process's own unless the call is made for somebody else.
        """
        return self._door(
            service, operation, params or {}, region=region, caller=caller, source_ip=source_ip or self._source_ip
        )
