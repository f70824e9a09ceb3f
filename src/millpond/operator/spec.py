"""What a running control plane answers its operator. Implemented in `app`, served by `door`.

Two errors cross it, each one sentence that names the fix: Refusal (the operator asked what cannot be done) and
CannotStart (the control plane cannot run here).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from millpond.config import Config
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


class Refusal(Exception):  # noqa: N818 - it is an answer
    """What was asked cannot be done; the text is for people and names the fix."""


class CannotStart(Exception):  # noqa: N818 - it is an answer
    """The control plane cannot run with this configuration; the text is for people and names the fix."""


class Operator(Protocol):
    """What the operator of an installation may ask. Whoever reaches the socket is the operator (mode 0600)."""

    async def status(self) -> RunFacts: ...

    async def call(self, call: Call) -> Mapping[str, Any]:
        """Run an AWS operation as the bootstrap administrator, through the gateway's own authorisation and audit.

        Raises Fault as any caller would get it.
        """
        ...

    async def explain(self, name: str, region: str) -> Sequence[Explanation]:
        """The last pass for every resource of that name, for all when the name is empty. Refusal when unknown."""
        ...

    async def credentials(self) -> Credentials: ...

    async def engines(self) -> Sequence[EngineFacts]:
        """The whole catalogue, newest last within an engine."""
        ...

    async def install_engine(self, engine: str, version: str) -> EngineFacts:
        """Obtain a version and return once it is usable. Refusal when it cannot be had."""
        ...

    async def logs(self, name: str, region: str) -> Sequence[LogFile]:
        """Where the nodes of a cache write their logs. Refusal when there is no such cache."""
        ...

    async def doctor(self) -> Sequence[Check]: ...

    async def passwd(self) -> SignIn:
        """Give the root user a new password."""
        ...

    async def accounts(self) -> Accounts: ...

    async def create_account(self, *, name: str, email: str) -> NewAccount:
        """Make an account with a password of its own, without a code. Refusal when the address has one."""
        ...

    async def reopen_account(self, account: str) -> None:
        """Open an account again that its root user closed. Refusal when there is none to open."""
        ...

    async def open_signup(self, *, is_open: bool) -> None:
        """Let anybody who reaches the pages make an account, or nobody."""
        ...

    async def outbox(self) -> Sequence[OutboxMessage]:
        """The newest messages, codes and links in the clear."""
        ...

    async def flows(self, vpc: str, region: str) -> Sequence[FlowLine]:
        """What was counted in a VPC, the default one when it is empty. Refusal where nothing counts."""
        ...

    async def zones(self, region: str) -> Sequence[ZoneLine]:
        """The availability zones of a region, as the first account has them."""
        ...

    async def set_power(self, zone: str, region: str, *, is_on: bool) -> None:
        """Interrupt the power of an availability zone, for tests, or bring it back. Refusal when there is none such."""
        ...

    async def tunnel(self, instance: str, region: str) -> Tunnel:
        """Open a way to an instance's port 22, whatever its security groups say. Refusal when it does not run."""
        ...

    async def way(self, cache: str, region: str) -> Tunnel:
        """Open a way to a cache, its primary, whatever its security groups say. Refusal when there is none."""
        ...

    async def down(self, *, keep_caches: bool) -> int:
        """Begin to stop; return how many caches stop too (or, kept, how many go on)."""
        ...


class ControlPlane(Protocol):
    """`millpond.app.run`: everything built, joined and run until cancelled or told `down`."""

    async def __call__(self, config: Config, *, ready: Callable[[RunFacts], None]) -> None:
        """Call `ready` once the API answers. When cancelled: stop gracefully, leave the engines running, return.

        Raises CannotStart.
        """
        ...
