"""EC2's variant of the query protocol: lists are always flattened, results have no wrapper, errors no type.

Source: Smithy, "AWS EC2 query protocol"; the EC2 API reference, "Error codes" (`UnknownParameter`,
`InvalidParameterValue`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from millpond.aws.models import OperationModel, Shape, Wire
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols.query import Query
from millpond.gateway.protocols.spec import Told
from millpond.gateway.protocols.xml import escape

_XML = (("content-type", "text/xml;charset=UTF-8"),)


class Ec2(Query):
    """The protocol of EC2 alone."""

    name = "ec2"
    unknown_code = "UnknownParameter"
    malformed_code = "InvalidParameterValue"

    def result(self, wire: Wire, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Response:
        """Write `<OpResponse><requestId>…`, the members right beside it."""
        name = operation.name
        out = [f'<{name}Response xmlns="{escape(_namespace(wire))}"><requestId>{request_id}</requestId>']
        if operation.output_shape is not None:
            self.xml(wire).members(operation.output_shape)(output, out)
        elif output:
            raise ValueError(f"{name} has no output")
        out.append(f"</{name}Response>")
        return Response(status=200, headers=_XML, body="".join(out).encode())

    def fault(self, wire: Wire | None, told: Told, _request: Request, request_id: str) -> Response:
        """Write `<Response><Errors><Error>`; here the last element is called RequestID."""
        out = [
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>',
            f"<Code>{escape(told.code)}</Code><Message>{escape(told.message)}</Message>",
        ]
        self._write_members(wire, told, out)
        out.append(f"</Error></Errors><RequestID>{request_id}</RequestID></Response>")
        return Response(status=told.status, headers=_XML, body="".join(out).encode())

    def wire_names(self, name: str, member: Shape) -> Iterable[str]:
        """Give the query name, or the location name or the member's own with a capital; botocore leaves the latter."""
        serialization = member.serialization
        if "queryName" in serialization:
            return (serialization["queryName"],)
        if "name" in serialization:
            return (_capital(serialization["name"]),)
        return (_capital(name), name)


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _namespace(wire: Wire) -> str:
    # The service answers with a closing slash that the model leaves out.
    return wire.namespace if wire.namespace.endswith("/") else wire.namespace + "/"
