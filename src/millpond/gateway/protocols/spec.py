"""What a wire format can do, and how a fault is told in any of them."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from millpond.aws.models import OperationModel, Shape, Wire
from millpond.gateway.http import Request, Response


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as one protocol tells it."""

    code: str
    """The code of the query protocols."""
    shape_name: str
    """The error's name in JSON and CBOR."""
    status: int
    message: str
    sender: bool
    members: Mapping[str, Any] = {}
    shape: Shape | None = None
    """The modelled error shape, None for the errors common to all services."""


class WireProtocol(Protocol):
    """One wire format, both ways. Stateless but for what it compiles from shapes."""

    @property
    def name(self) -> str:
        """Botocore's name of it."""
        ...

    def parse(self, request: Request, operation: OperationModel, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read a request by the operation's input shape. `parameters` are those of a query or form body.

        Members that were not sent are absent. Raises CommonFault for what cannot be read.
        """
        ...

    def result(self, wire: Wire, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Response:
        """Write an operation's output by its output shape. Raises ValueError for what the shape does not allow."""
        ...

    def fault(self, wire: Wire | None, told: Told, request: Request, request_id: str) -> Response:
        """Write a fault. `wire` is None when no service could be made out."""
        ...
