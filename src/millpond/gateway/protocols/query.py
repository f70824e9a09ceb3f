"""The query protocol: `Action` and dotted parameters in, an XML document with a result and its metadata out.

    Tags.Tag.1.Key=a        a list goes by its items' modelled name; `Tags.member.1` and the flat `Tags.1` are read too
    Tags=                   an empty list or structure

Source: Smithy, "AWS query protocol"; botocore's vectors. Two things AWS does not publish are inferred here: a
parameter that the model does not know is refused (`InvalidQueryParameter` of the page "Common Errors"), because one
that is not honoured must not be swallowed; and the words for values of the wrong type are Coral's `MalformedInput`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from millpond.aws.faults import CommonFault
from millpond.aws.models import OperationModel, Shape, Wire
from millpond.gateway import form
from millpond.gateway.form import Node
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import scalars
from millpond.gateway.protocols.spec import Told
from millpond.gateway.protocols.xml import XmlWriter, escape

_INDEX = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_XML = (("content-type", "text/xml;charset=UTF-8"),)


class Query:
    """The protocol of ElastiCache, IAM and STS."""

    name = "query"
    unknown_code = "InvalidQueryParameter"
    malformed_code = "MalformedInput"

    def __init__(self) -> None:
        self._writers: dict[str, XmlWriter] = {}
        self._names: dict[Shape, dict[str, tuple[str, Shape]]] = {}

    def parse(self, _request: Request, operation: OperationModel, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read parameters by the input shape. See `WireProtocol.parse`."""
        given = {name: value for name, value in parameters.items() if name not in {"Action", "Version"}}
        root = form.tree(given)
        if operation.input_shape is None:
            self._refuse_unknown(root.children, "")
            return {}
        return self._structure(root, operation.input_shape, "")

    def result(self, wire: Wire, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Response:
        """Write `<OpResponse><OpResult>…`; an operation without output has no result element."""
        name = operation.name
        out = [f'<{name}Response xmlns="{escape(wire.namespace)}">']
        if (shape := operation.output_shape) is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            if output:
                out.append(f"<{wrapper}>")
                self.xml(wire).members(shape)(output, out)
                out.append(f"</{wrapper}>")
            else:
                out.append(f"<{wrapper}/>")
        elif output:
            raise ValueError(f"{name} has no output")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        return Response(status=200, headers=_XML, body="".join(out).encode())

    def fault(self, wire: Wire | None, told: Told, _request: Request, request_id: str) -> Response:
        """Write `<ErrorResponse>`; the request id stands at the top, not in ResponseMetadata."""
        namespace = f' xmlns="{escape(wire.namespace)}"' if wire is not None and wire.namespace else ""
        out = [
            f"<ErrorResponse{namespace}><Error><Type>{'Sender' if told.sender else 'Receiver'}</Type>",
            f"<Code>{escape(told.code)}</Code><Message>{escape(told.message)}</Message>",
        ]
        self._write_members(wire, told, out)
        out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return Response(status=told.status, headers=_XML, body="".join(out).encode())

    def wire_names(self, name: str, member: Shape) -> Iterable[str]:
        """Give the names under which a member may be sent, the proper one first."""
        own = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            item = member.member.serialization.get("name")
            return (item, own) if item else (own,)
        return (own,)

    def xml(self, wire: Wire) -> XmlWriter:
        """Return the writer of a service."""
        if (found := self._writers.get(wire.name)) is None:
            found = self._writers[wire.name] = XmlWriter()
        return found

    def _write_members(self, wire: Wire | None, told: Told, out: list[str]) -> None:
        if wire is None or told.shape is None:
            return
        known = {
            each for each in told.members if each in told.shape.members and each.lower() not in {"message", "code"}
        }
        if known:
            self.xml(wire).members(told.shape)({each: told.members[each] for each in known}, out)

    def _read(self, node: Node, shape: Shape, path: str) -> Any:
        match shape.type_name:
            case "structure":
                return self._structure(node, shape, path)
            case "list":
                return self._list(node, shape, path)
            case "map":
                return self._map(node, shape, path)
            case _:
                return self._scalar(node, shape, path)

    def _structure(self, node: Node, shape: Shape, path: str) -> dict[str, Any]:
        if node.value:
            raise self._malformed(f"Unexpected value at {path}: a structure belongs there")
        if (names := self._names.get(shape)) is None:
            names = self._names[shape] = {
                wire_name: (name, member)
                for name, member in reversed(shape.members.items())
                for wire_name in self.wire_names(name, member)
            }
        found: dict[str, Any] = {}
        unknown = {}
        for part, child in node.children.items():
            if (known := names.get(part)) is None:
                unknown[part] = child
                continue
            name, member = known
            if name in found:
                raise self._malformed(f"{_join(path, part)} was given in more than one form")
            found[name] = self._read(child, member, _join(path, part))
        self._refuse_unknown(unknown, path)
        return found

    def _list(self, node: Node, shape: Shape, path: str) -> list[Any]:
        if node.value:
            raise self._malformed(f"Start of list found where not expected: {path}")
        items = node.children
        if len(items) == 1:
            ((part, child),) = items.items()
            if part in {shape.member.serialization.get("name", "member"), "member"} and not _INDEX.fullmatch(part):
                if child.value:
                    raise self._malformed(f"Unexpected value at {path}.{part}: a list belongs there")
                items, path = child.children, f"{path}.{part}"
        return [self._read(child, shape.member, f"{path}.{index}") for index, child in self._indexed(items, path)]

    def _map(self, node: Node, shape: Shape, path: str) -> dict[str, Any]:
        if node.value:
            raise self._malformed(f"Unexpected value at {path}: a map belongs there")
        entries = node.children
        if set(entries) == {"entry"}:
            entries, path = entries["entry"].children, f"{path}.entry"
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        found: dict[str, Any] = {}
        for index, entry in self._indexed(entries, path):
            here = f"{path}.{index}"
            key, value = entry.children.get(key_name), entry.children.get(value_name)
            if key is None or value is None or len(entry.children) > 2:
                raise self._malformed(f"{here} must have a {key_name} and a {value_name}")
            text = self._scalar(key, shape.key, f"{here}.{key_name}")
            if text in found:
                raise self._malformed(f"{path} holds a key more than once")
            found[text] = self._read(value, shape.value, f"{here}.{value_name}")
        return found

    def _scalar(self, node: Node, shape: Shape, path: str) -> Any:
        if node.children or node.value is None:
            raise self._malformed(f"Unexpected complex element at {path}")
        if not scalars.is_writable_in_xml(node.value):
            raise self._malformed(f"{path} holds a character which XML does not allow")
        try:
            return scalars.read(node.value, shape)
        except ValueError as error:
            raise self._malformed(f"{path}: {error}") from error

    def _indexed(self, items: Mapping[str, Node], path: str) -> list[tuple[int, Node]]:
        """Put the items of a list in order; clients may send them in any, and with gaps."""
        for part in items:
            if not _INDEX.fullmatch(part):
                raise self._malformed(f"{_join(path, part)[:128]}: expected a list index")
        return sorted((int(part), child) for part, child in items.items())

    def _refuse_unknown(self, unknown: Mapping[str, Node], path: str) -> None:
        if not unknown:
            return
        name, node = next(iter(unknown.items()))
        while node.value is None and node.children:
            part, node = next(iter(node.children.items()))
            name = f"{name}.{part}"
        raise CommonFault(self.unknown_code, f"The parameter {_join(path, name)[:256]} is not recognized", status=400)

    def _malformed(self, message: str) -> CommonFault:
        return CommonFault(self.malformed_code, message, status=400)


def _join(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part
