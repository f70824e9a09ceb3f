"""REST-JSON: members travel in the path, the query string, headers, the status, and a JSON body.

    PathTemplate    `/users/{UserId}/keys/{Name+}?list`: does a request match, and what are its labels
    RestJson        the protocol, on top of JSON documents

Source: Smithy, "AWS REST JSON 1.0" and its HTTP bindings.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from millpond.aws.faults import CommonFault
from millpond.aws.models import OperationModel, Shape, Wire
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import headers, scalars
from millpond.gateway.protocols.document import Documents, malformed
from millpond.gateway.protocols.json import decode, encode, error_body
from millpond.gateway.protocols.spec import Told

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_MOST_QUERY_PAIRS = 2000
_JSON = ("content-type", "application/json")


class PathTemplate:
    """A `requestUri` of a model, compiled."""

    def __init__(self, method: str, uri: str) -> None:
        path, _, query = uri.partition("?")
        self.method = method
        self.constants = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        self.labels = [label for label, _ in _LABEL.findall(path)]
        pattern, at = "", 0
        for match in _LABEL.finditer(path):
            pattern += re.escape(path[at : match.start()]) + ("(.+)" if match.group(2) else "([^/]+)")
            at = match.end()
        self._pattern = re.compile(pattern + re.escape(path[at:]))
        self.rank = (-len(self.constants), len(self.labels), -len(path))
        """Smaller is more specific: literals win over labels."""

    def match(self, method: str, path: str, query: Mapping[str, list[str]]) -> dict[str, str] | None:
        """Return the labels, still percent-encoded, or None when this is another operation's request."""
        if method != self.method:
            return None
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        if any(value not in query.get(name, []) for name, value in self.constants.items()):
            return None
        return dict(zip(self.labels, found.groups(), strict=True))


class RestJson:
    """The protocol of the IAM Identity Center portal and its OIDC service."""

    name = "rest-json"

    def __init__(self) -> None:
        self.documents = Documents(is_binary=False)
        self._templates: dict[str, PathTemplate] = {}

    def template(self, operation: OperationModel) -> PathTemplate:
        """Return the path template of an operation."""
        http = operation.http
        key = f"{http.get('method', 'POST')} {http['requestUri']}"
        if (found := self._templates.get(key)) is None:
            found = self._templates[key] = PathTemplate(http.get("method", "POST"), http["requestUri"])
        return found

    def parse(self, request: Request, operation: OperationModel, _parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read every part of the request by the input shape. See `WireProtocol.parse`."""
        shape = operation.input_shape
        if shape is None:
            return {}
        query = query_lists(request)
        template = self.template(operation)
        labels = template.match(request.method, path_of(request), query) or {}
        found: dict[str, Any] = {}
        for name, member in shape.members.items():
            value = self._located(request, member, name, labels, query, template)
            if value is not None:
                found[name] = value
        payload = shape.serialization.get("payload")
        if payload is not None:
            if (value := self._payload(request, shape.members[payload])) is not None:
                found[payload] = value
        elif any("location" not in member.serialization for member in shape.members.values()):
            body = decode(request.body) if request.body else {}
            read = self.documents.read(body, shape)
            found |= {name: read[name] for name in read if "location" not in shape.members[name].serialization}
        return found

    def result(self, _wire: Wire, operation: OperationModel, output: Mapping[str, Any], _request_id: str) -> Response:
        """Write headers, status and body by the output shape."""
        shape, status = operation.output_shape, operation.http.get("responseCode", 200)
        if shape is None:
            if output:
                raise ValueError(f"{operation.name} has no output")
            return Response(status=status, headers=(_JSON,), body=b"{}")
        if unknown := sorted(set(output) - set(shape.members)):
            raise ValueError(f"{shape.name} has no member {', '.join(unknown)}")
        sent: list[tuple[str, str]] = []
        in_body: dict[str, Any] = {}
        for name, value in output.items():
            member = shape.members[name]
            location = member.serialization.get("location")
            if value is None:
                continue
            if location == "statusCode":
                status = int(value)
            elif location == "header":
                sent += headers.write(member.serialization.get("name", name), value, member)
            elif location == "headers":
                prefix = member.serialization.get("name", "")
                sent += [(prefix.lower() + key.lower(), headers.checked(text)) for key, text in value.items()]
            else:
                in_body[name] = value
        content_type, body = self._body(shape, in_body)
        if not any(name == "content-type" for name, _ in sent):
            sent.insert(0, ("content-type", content_type))
        return Response(status=status, headers=tuple(sent), body=body)

    def fault(self, _wire: Wire | None, told: Told, _request: Request, _request_id: str) -> Response:
        """Write the error's name in `x-amzn-ErrorType`, its members in the body and in headers."""
        sent = [_JSON, ("x-amzn-errortype", told.shape_name)]
        if told.shape is not None:
            for name, value in told.members.items():
                member = told.shape.members.get(name)
                if member is not None and member.serialization.get("location") == "header" and value is not None:
                    sent += headers.write(member.serialization.get("name", name), value, member)
        return Response(status=told.status, headers=tuple(sent), body=encode(error_body(self.documents, told)))

    def _located(
        self,
        request: Request,
        member: Shape,
        name: str,
        labels: Mapping[str, str],
        query: Mapping[str, list[str]],
        template: PathTemplate,
    ) -> Any:
        wire_name = member.serialization.get("name", name)
        try:
            match member.serialization.get("location"):
                case "uri":
                    return scalars.read(_decoded(labels[wire_name]), member) if wire_name in labels else None
                case "querystring":
                    return _from_query(member, wire_name, query, template)
                case "header":
                    return headers.read(request.headers_named(wire_name.lower()), member)
                case "headers":
                    return headers.read_map(request, wire_name)
                case _:
                    return None
        except ValueError as error:
            raise malformed(f"{name}: {error}") from error

    def _payload(self, request: Request, member: Shape) -> Any:
        if member.type_name == "blob":
            return request.body or None
        if member.type_name == "string":
            try:
                return request.body.decode() or None
            except UnicodeDecodeError as error:
                raise malformed("The request body is not UTF-8") from error
        if not request.body:
            return None
        value = decode(request.body)
        return None if value is None else self.documents.read(value, member)

    def _body(self, shape: Shape, output: Mapping[str, Any]) -> tuple[str, bytes]:
        payload = shape.serialization.get("payload")
        if payload is None:
            return _JSON[1], encode(self.documents.write(output, shape))
        member, value = shape.members[payload], output.get(payload)
        match member.type_name:
            case "blob":
                return "application/octet-stream", value.encode() if isinstance(value, str) else bytes(value or b"")
            case "string":
                return "text/plain", (value or "").encode()
            case _:
                return _JSON[1], b"" if value is None else encode(self.documents.write(value, member))


def path_of(request: Request) -> str:
    """Return the path as text, percent-encoding kept."""
    return request.raw_path.decode("latin-1")


def query_lists(request: Request) -> dict[str, list[str]]:
    """Read the query string; a name may come several times. Raises CommonFault `SerializationException`."""
    found: dict[str, list[str]] = {}
    pieces = request.raw_query.split(b"&") if request.raw_query else []
    if len(pieces) > _MOST_QUERY_PAIRS:
        raise malformed("The query string holds too many parameters")
    for piece in pieces:
        if piece:
            name, _, value = piece.partition(b"=")
            found.setdefault(_plus(name), []).append(_plus(value))
    return found


def _from_query(member: Shape, wire_name: str, query: Mapping[str, list[str]], template: PathTemplate) -> Any:
    if member.type_name == "map":
        return _query_map(member, query, template)
    values = query.get(wire_name)
    if values is None:
        return None
    if member.type_name == "list":
        return [scalars.read(value, member.member) for value in values]
    if len(values) > 1:
        raise ValueError("given more than once")
    return scalars.read(values[0], member)


def _query_map(member: Shape, query: Mapping[str, list[str]], template: PathTemplate) -> dict[str, Any] | None:
    """Gather the parameters that no other member claims."""
    free = {name: values for name, values in query.items() if name not in template.constants}
    if member.value.type_name == "list":
        return {name: [scalars.read(each, member.value.member) for each in values] for name, values in free.items()}
    return {name: values[0] for name, values in free.items()} or None


def _plus(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise malformed("The query string is not UTF-8") from error


def _decoded(label: str) -> str:
    try:
        return unquote(label, errors="strict")
    except UnicodeDecodeError as error:
        raise CommonFault("SerializationException", "The path is not UTF-8", status=400) from error


def is_rest_json(request: Request) -> bool:
    """Whether a body is announced as JSON, or not announced."""
    given = request.header("content-type")
    return given is None or not request.body or given.partition(";")[0].strip().lower() == "application/json"
