"""XML written from shapes: each shape is compiled once into a function that appends text.

The element names are the models': Go clients read only those. A structure or list that is given empty becomes an
empty element, one that is absent stays absent.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.aws.models import Shape
from millpond.gateway.protocols import scalars

Write = Callable[[Any, list[str]], None]

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"}
_SPECIAL = re.compile('[&<>"\r]')
_PLAIN = re.compile("[ !#-%'-;=?-~\t\n]*")


def escape(text: str) -> str:
    """Write text so that it is read back the same; carriage returns would not survive a parser bare."""
    if _PLAIN.fullmatch(text):
        return text
    if not scalars.is_writable_in_xml(text):
        text = scalars.in_xml(text)
    return _SPECIAL.sub(lambda match: _ESCAPED[match.group()], text)


class XmlWriter:
    """Compiles the shapes of one service and keeps what it compiled; other services use the same names."""

    def __init__(self) -> None:
        self._elements: dict[tuple[str, str, str], Write] = {}

    def members(self, shape: Shape) -> Write:
        """Return a function that writes the members of a structure, without an element around them."""
        compiled: list[tuple[str, Write]] = []

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            if not compiled:
                # Only now, because a structure may hold itself.
                compiled.extend([
                    (name, self.element(member, element_name(name, member)))
                    for name, member in shape.members.items()
                    if not member.serialization.get("xmlAttribute")
                ])
            known = 0
            for name, write_member in compiled:
                if name in value:
                    known += 1
                    if (member_value := value[name]) is not None:
                        write_member(member_value, out)
            if known < len(value):
                _refuse_unknown(shape, value)

        return write

    def element(self, shape: Shape, tag: str) -> Write:
        """Return a function that writes a value of `shape` as an element called `tag`."""
        key = (shape.name, tag, repr(sorted(shape.serialization.items())))
        if (found := self._elements.get(key)) is None:
            found = self._elements[key] = self._compile(shape, tag)
        return found

    def _compile(self, shape: Shape, tag: str) -> Write:
        match shape.type_name:
            case "structure":
                return self._structure(shape, tag)
            case "list":
                return self._list(shape, tag)
            case "map":
                return self._map(shape, tag)
            case _:
                return _scalar(shape, tag)

    def _structure(self, shape: Shape, tag: str) -> Write:
        attributes = [
            (name, member.serialization["name"])
            for name, member in shape.members.items()
            if member.serialization.get("xmlAttribute")
        ]
        write_members = self.members(shape)
        opening, closing, empty = f"<{tag}{_namespace(shape)}", f"</{tag}>", "/>"

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            _expect(value, Mapping, shape)
            given = [
                f' {wire_name}="{escape(value[name])}"' for name, wire_name in attributes if value.get(name) is not None
            ]
            out.append(opening + "".join(given))
            if not value:
                out.append(empty)
                return
            out.append(">")
            write_members(value, out)
            out.append(closing)

        return write

    def _list(self, shape: Shape, tag: str) -> Write:
        flattened = bool(shape.serialization.get("flattened"))
        item_tag = tag if flattened else shape.member.serialization.get("name", "member")
        opening, closing, empty = f"<{tag}{_namespace(shape)}>", f"</{tag}>", f"<{tag}{_namespace(shape)}/>"

        def write(value: Sequence[Any], out: list[str]) -> None:
            if isinstance(value, (str, bytes, Mapping)):
                raise TypeError(f"{shape.name} takes a list, not {type(value).__name__}")
            write_item = self.element(shape.member, item_tag)
            if flattened:
                for item in value:
                    write_item(item, out)
                return
            if not value:
                out.append(empty)
                return
            out.append(opening)
            for item in value:
                write_item(item, out)
            out.append(closing)

        return write

    def _map(self, shape: Shape, tag: str) -> Write:
        flattened = bool(shape.serialization.get("flattened"))
        entry = tag if flattened else "entry"
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            _expect(value, Mapping, shape)
            write_key = self.element(shape.key, key_tag)
            write_value = self.element(shape.value, value_tag)
            if not flattened:
                out.append(f"<{tag}{_namespace(shape)}>")
            for each, item in value.items():
                out.append(f"<{entry}>")
                write_key(each, out)
                write_value(item, out)
                out.append(f"</{entry}>")
            if not flattened:
                out.append(f"</{tag}>")

        return write


def element_name(member_name: str, member: Shape) -> str:
    """Return what the element of a structure's member is called; a flattened list goes by its items' name."""
    if member.type_name == "list" and member.serialization.get("flattened"):
        item_name = member.member.serialization.get("name")
        if item_name is not None:
            return str(item_name)
    return str(member.serialization.get("name", member_name))


def _scalar(shape: Shape, tag: str) -> Write:
    opening, closing, empty = f"<{tag}{_namespace(shape)}>", f"</{tag}>", f"<{tag}{_namespace(shape)}/>"

    def write(value: Any, out: list[str]) -> None:
        text = escape(scalars.write(value, shape))
        out.append(f"{opening}{text}{closing}" if text else empty)

    return write


def _namespace(shape: Shape) -> str:
    given = shape.serialization.get("xmlNamespace")
    if not given:
        return ""
    if isinstance(given, str):
        return f' xmlns="{escape(given)}"'
    prefix = f":{given['prefix']}" if given.get("prefix") else ""
    return f' xmlns{prefix}="{escape(given["uri"])}"'


def _expect(value: Any, kind: type, shape: Shape) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{shape.name} takes a {shape.type_name}, not {type(value).__name__}")


def _refuse_unknown(shape: Shape, value: Mapping[str, Any]) -> None:
    unknown = [name for name in value if name not in shape.members]
    if unknown:
        raise ValueError(f"{shape.name} has no member {', '.join(sorted(unknown))}")
