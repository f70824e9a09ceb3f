"""AWS JSON 1.0 and 1.1: one JSON object each way, the operation in `X-Amz-Target`.

An error names its shape in `__type` and in a header; a service that used to speak the query protocol adds the old
code in `x-amzn-query-error` when the client asks for it with `x-amzn-query-mode`. Source: Smithy, "AWS JSON 1.1" and
"awsQueryCompatible".
"""

import json
from collections.abc import Mapping
from typing import Any

from millpond.aws.models import OperationModel, Wire
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols.document import Documents, malformed
from millpond.gateway.protocols.spec import Told

_TYPES = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")


class Json:
    """The protocol of IAM Identity Center, KMS, CloudWatch Logs and, since 2025, CloudWatch."""

    name = "json"

    def __init__(self) -> None:
        self.documents = Documents(is_binary=False)

    def parse(self, request: Request, operation: OperationModel, _parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read the body by the input shape. See `WireProtocol.parse`."""
        value = decode(request.body) if request.body else {}
        if not isinstance(value, dict):
            raise malformed("The request body must be a JSON object")
        if operation.input_shape is None:
            return {}
        found: dict[str, Any] = self.documents.read(value, operation.input_shape)
        return found

    def result(self, wire: Wire, operation: OperationModel, output: Mapping[str, Any], _request_id: str) -> Response:
        """Write the output as one object; `{}` where the operation has none."""
        if operation.output_shape is None:
            if output:
                raise ValueError(f"{operation.name} has no output")
            body = b"{}"
        else:
            body = encode(self.documents.write(output, operation.output_shape))
        return Response(status=200, headers=(("content-type", _content_type(wire)),), body=body)

    def fault(self, wire: Wire | None, told: Told, request: Request, _request_id: str) -> Response:
        """Write `__type`, the message and the members of a modelled error."""
        headers = [("content-type", _content_type(wire)), ("x-amzn-errortype", told.shape_name)]
        headers += query_error(wire, told, request)
        return Response(status=told.status, headers=tuple(headers), body=encode(error_body(self.documents, told)))


def decode(body: bytes) -> Any:
    """Decode JSON strictly: UTF-8, no key twice, no NaN. Raises CommonFault `SerializationException`."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except RecursionError as error:
        raise malformed("The request is nested too deeply") from error
    except ValueError as error:
        raise malformed("The request body is not valid JSON") from error


def encode(value: Any) -> bytes:
    """Encode compactly, as AWS does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def query_error(wire: Wire | None, told: Told, request: Request) -> list[tuple[str, str]]:
    """Give the header with the code of the former query protocol, where the client wants it."""
    if wire is None or not wire.is_query_compatible or request.header("x-amzn-query-mode") != "true":
        return []
    return [("x-amzn-query-error", f"{told.code};{'Sender' if told.sender else 'Receiver'}")]


def error_body(documents: Documents, told: Told) -> dict[str, Any]:
    """Make the body of an error: the message goes by the name the shape has for it."""
    message_name = "message"
    members: dict[str, Any] = {}
    if told.shape is not None:
        body_members = {
            name: each for name, each in told.shape.members.items() if not each.serialization.get("location")
        }
        message_name = next((each for each in body_members if each.lower() == "message"), message_name)
        given = {name: value for name, value in told.members.items() if name in body_members and name != message_name}
        members = documents.write(given, told.shape)
    return {"__type": told.shape_name, message_name: told.message, **members}


def is_json(request: Request) -> bool:
    """Whether a body is announced as AWS JSON, or there is none."""
    given = (request.header("content-type") or "").partition(";")[0].strip().lower()
    return given in _TYPES or not request.body


def _content_type(wire: Wire | None) -> str:
    return f"application/x-amz-json-{wire.json_version if wire is not None else '1.1'}"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise malformed("An object of the request body holds a key more than once")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
