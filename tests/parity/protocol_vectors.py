"""Botocore's protocol vectors, read backwards: what a client would send, what a server should answer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from botocore.model import OperationModel, ServiceModel

from millpond.aws.models import Shape, Wire
from millpond.gateway.http import Request

HERE = Path(__file__).parent / "protocols"


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """One case, with the model it belongs to."""

    name: str
    file: str
    suite: dict[str, Any]
    case: dict[str, Any]

    @property
    def protocol(self) -> str:
        return str(self.suite["metadata"]["protocol"])

    @property
    def service(self) -> ServiceModel:
        given = self.case.get("given", {})
        description = {
            **{key: value for key, value in self.suite.items() if key != "cases"},
            "operations": {given.get("name", "OperationName"): {"name": "OperationName", **given}},
        }
        return ServiceModel(description, "vectors")

    @property
    def operation(self) -> OperationModel:
        return self.service.operation_model(self.case["given"].get("name", "OperationName"))

    @property
    def wire(self) -> Wire:
        metadata = self.suite["metadata"]
        return Wire(
            name="vectors",
            protocols=(self.protocol,),
            api_version=metadata.get("apiVersion", ""),
            namespace=metadata.get("xmlNamespace", "https://example.com/"),
            signing_name="vectors",
            target_prefix=metadata.get("targetPrefix", ""),
            json_version=metadata.get("jsonVersion", "1.1"),
            is_query_compatible="awsQueryCompatible" in metadata,
        )


def vectors(direction: str) -> Iterator[Vector]:
    for path in sorted((HERE / direction).glob("*.json")):
        for suite in json.loads(path.read_text()):
            for case in suite["cases"]:
                yield Vector(name=f"{path.stem}-{case['id']}", file=path.stem, suite=suite, case=case)


def request_of(serialized: dict[str, Any], *, body: bytes) -> Request:
    split = urlsplit(serialized["uri"])
    return Request(
        method=serialized["method"],
        raw_path=split.path.encode(),
        raw_query=split.query.encode(),
        headers=tuple((name.lower(), str(value)) for name, value in serialized.get("headers", {}).items()),
        body=body,
    )


def typed(value: Any, shape: Shape | None) -> Any:
    """Give the plain values of a vector the types that operations see: moments, bytes, special floats."""
    if shape is None or value is None or (shape.type_name == "structure" and shape.is_document_type):
        return value
    match shape.type_name:
        case "structure":
            return {name: typed(item, shape.members[name]) for name, item in value.items() if item is not None}
        case "list":
            return [typed(item, shape.member) for item in value if item is not None]
        case "map":
            return {key: typed(item, shape.value) for key, item in value.items() if item is not None}
        case "timestamp":
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
        case "blob":
            return value.encode() if isinstance(value, str) else value
        case "float" | "double":
            return float(value)
        case _:
            return value
