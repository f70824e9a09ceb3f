"""Results and faults as HTTP responses: what the protocols write, with the request id that every answer carries."""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.aws.faults import CommonFault, Fault
from millpond.aws.models import Models, Shape, Wire
from millpond.gateway.dialect import told
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import WireProtocol
from millpond.gateway.route import Found


class Renderer:
    """Writes the response of one request, with its id. The date is the HTTP server's to add."""

    def __init__(self, models: Models, *, request_id: str) -> None:
        self._models = models
        self._request_id = request_id

    def result(self, route: Found, output: Mapping[str, Any], notices: Sequence[str] = ()) -> Response:
        """Write an operation's output. Raises ValueError or TypeError where it is not what the model says."""
        response = route.protocol.result(route.wire, route.model, output, self._request_id)
        return self._signed_off(response, tuple(("x-millpond-notice", each) for each in notices))

    def fault(self, fault: Fault, request: Request, *, protocol: WireProtocol, wire: Wire | None) -> Response:
        """Write a fault in the caller's protocol."""
        codes: Mapping[str, Shape] = self._models.errors(wire.name) if wire is not None else {}
        said = told(fault, protocol=protocol.name, codes=codes)
        return self._signed_off(protocol.fault(wire, said, request, self._request_id))

    def failure(self, request: Request, *, protocol: WireProtocol, wire: Wire | None) -> Response:
        """Write what a caller is told of a bug: nothing but the request's id, under which the log has the rest."""
        fault = CommonFault(
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
            status=500,
            sender=False,
        )
        return self.fault(fault, request, protocol=protocol, wire=wire)

    def _signed_off(self, response: Response, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        headers = (("x-amzn-requestid", self._request_id), *response.headers, *headers)
        return Response(status=response.status, headers=headers, body=response.body)
