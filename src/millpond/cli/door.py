"""The client's side of the operator's door. Standard library only; every answer is decoded into its facts."""

from http.client import HTTPConnection, HTTPException
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.operator import home
from millpond.operator.facts import (
    Accounts,
    Call,
    Check,
    Credentials,
    EngineFacts,
    Explanation,
    FlowLine,
    LogFile,
    NewAccount,
    OutboxMessage,
    RunFacts,
    SignIn,
    Tunnel,
    ZoneLine,
)

T = TypeVar("T")

_PATIENCE = 60.0
_INSTALL_PATIENCE = 1800.0


class NotRunning(Failure):
    """No control plane answers in this home."""


class Refused(Failure):
    """The control plane said no. `code` is AWS's code, or one of the door's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Said(msgspec.Struct):
    code: str
    message: str


class _Error(msgspec.Struct):
    error: _Said


class _Stopping(msgspec.Struct):
    caches: int


class _Connection(HTTPConnection):
    """HTTP over the unix socket of a home."""

    def __init__(self, config: Config, seconds: float) -> None:
        super().__init__("operator", timeout=seconds)
        self._socket = config.operator_socket
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = home.connect(self._socket, seconds=self._seconds)


class Door:
    """What the operator may ask. Every method raises NotRunning or Refused, whose text names the fix."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def status(self, *, seconds: float = 10.0) -> RunFacts:
        return self._ask("GET", "/status", RunFacts, seconds=seconds)

    def call(
        self,
        operation: str,
        parameters: dict[str, Any] | None = None,
        *,
        service: str = "elasticache",
        region: str | None = None,
    ) -> dict[str, Any]:
        """Run an AWS operation; members come back as the model names them, times as ISO 8601."""
        call = Call(
            service=service,
            operation=operation,
            parameters=parameters or {},
            region=region or self._config.region,
        )
        return self._ask("POST", "/call", dict[str, Any], body=call)

    def explain(self, name: str, *, region: str | None = None) -> list[Explanation]:
        query = {"name": name, "region": region or ""}
        return self._ask("GET", f"/explain?{urlencode(query)}", list[Explanation])

    def credentials(self) -> Credentials:
        return self._ask("GET", "/credentials", Credentials)

    def engines(self) -> list[EngineFacts]:
        return self._ask("GET", "/engines", list[EngineFacts])

    def install_engine(self, engine: str, version: str) -> EngineFacts:
        wanted = {"engine": engine, "version": version}
        return self._ask("POST", "/engines/install", EngineFacts, body=wanted, seconds=_INSTALL_PATIENCE)

    def logs(self, name: str, *, region: str | None = None) -> list[LogFile]:
        query = {"name": name, "region": region or ""}
        return self._ask("GET", f"/logs?{urlencode(query)}", list[LogFile])

    def doctor(self) -> list[Check]:
        return self._ask("GET", "/doctor", list[Check])

    def passwd(self) -> SignIn:
        return self._ask("POST", "/passwd", SignIn)

    def accounts(self) -> Accounts:
        return self._ask("GET", "/accounts", Accounts)

    def create_account(self, *, name: str, email: str) -> NewAccount:
        return self._ask("POST", "/accounts", NewAccount, body={"name": name, "email": email})

    def reopen_account(self, account: str) -> None:
        self._ask("POST", "/accounts/reopen", dict[str, Any], body={"account": account})

    def open_signup(self, *, is_open: bool) -> None:
        self._ask("POST", "/signup", dict[str, Any], body={"open": is_open})

    def outbox(self) -> list[OutboxMessage]:
        return self._ask("GET", "/outbox", list[OutboxMessage])

    def flows(self, vpc: str, *, region: str | None = None) -> list[FlowLine]:
        query = {"vpc": vpc, "region": region or self._config.region}
        return self._ask("GET", f"/flows?{urlencode(query)}", list[FlowLine])

    def zones(self, *, region: str | None = None) -> list[ZoneLine]:
        query = {"region": region or self._config.region}
        return self._ask("GET", f"/zones?{urlencode(query)}", list[ZoneLine])

    def set_power(self, zone: str, *, is_on: bool, region: str | None = None) -> None:
        wanted = {"zone": zone, "on": is_on, "region": region or self._config.region}
        self._ask("POST", "/zones/power", dict[str, Any], body=wanted)

    def tunnel(self, instance: str, *, region: str | None = None) -> Tunnel:
        wanted = {"instance": instance, "region": region or self._config.region}
        return self._ask("POST", "/tunnel", Tunnel, body=wanted)

    def way(self, cache: str, *, region: str | None = None) -> Tunnel:
        wanted = {"cache": cache, "region": region or self._config.region}
        return self._ask("POST", "/way", Tunnel, body=wanted)

    def down(self, *, keep_caches: bool) -> int:
        return self._ask("POST", "/down", _Stopping, body={"keep_caches": keep_caches}).caches

    def _ask(self, method: str, target: str, answer: type[T], *, body: object = None, seconds: float = _PATIENCE) -> T:
        connection = _Connection(self._config, seconds)
        try:
            connection.request(method, target, body=None if body is None else msgspec.json.encode(body))
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()
        if response.status != 200:
            said = msgspec.json.decode(content, type=_Error).error
            raise Refused(said.code, said.message)
        return msgspec.json.decode(content, type=answer)

    def _silent(self, error: Exception) -> NotRunning:
        """Say why nobody answered."""
        if isinstance(error, PermissionError):
            return NotRunning(
                f"{self._config.operator_socket} belongs to another user; run this as the user who started Millpond."
            )
        if not home.is_held(self._config):
            return NotRunning(f"Millpond is not running in {self._config.home}. Start it: millpond up --detach")
        if isinstance(error, TimeoutError):
            return NotRunning("Millpond runs but does not answer; look: millpond logs")
        return NotRunning("Millpond is starting or stopping; try again in a moment, or look: millpond logs")
