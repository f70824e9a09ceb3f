"""Botocore's service models: the specification of every wire format, loaded at first use and kept.

Only `botocore.loaders` and `botocore.model` are used; the client-side serialisers and parsers have no place here.
"""

import gzip
import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

Shape = Any
"""A `botocore.model.Shape`; botocore carries no types."""
OperationModel = Any
"""A `botocore.model.OperationModel`."""

_METADATA = re.compile(r'"metadata"\s*:\s*')
_HEAD = 8192
"""Characters of a model's file within which its metadata ends."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says about the way its service is spoken to."""

    name: str
    """The botocore service name."""
    protocols: tuple[str, ...]
    """As botocore spells them (`query`, `ec2`, `json`, `rest-json`, `smithy-rpc-v2-cbor`), the preferred one first."""
    api_version: str
    namespace: str
    """The XML namespace of answers; empty for JSON services."""
    signing_name: str
    """The service word of a credential scope."""
    target_prefix: str
    """What precedes the dot in `X-Amz-Target`; empty where there is none."""
    json_version: str
    is_query_compatible: bool
    """Whether JSON and CBOR errors name the code of the former query protocol too."""


class Models:
    """The models of one installation. Hand one instance around: loading ElastiCache's costs some 20 ms, once."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._services: dict[str, ServiceModel] = {}
        self._wires: dict[str, Wire] = {}
        self._errors: dict[str, Mapping[str, Shape]] = {}
        self._loading = threading.Lock()

    def add(self, name: str, description: Mapping[str, Any]) -> None:
        """Take a model that does not come from botocore's files."""
        self._services[name] = ServiceModel(description, name)

    def service(self, name: str) -> ServiceModel:
        """Return the model of a botocore service. Raises LookupError for a name botocore does not have."""
        if (found := self._services.get(name)) is not None:
            return found
        with self._loading:
            if name not in self._services:
                try:
                    description = self._loader.load_service_model(name, "service-2")
                except UnknownServiceError as error:
                    raise LookupError(f"botocore has no model of {name}") from error
                self._services[name] = ServiceModel(description, name)
        return self._services[name]

    def wire(self, name: str) -> Wire:
        """Return how a service is spoken to. Raises LookupError like `service`."""
        if (found := self._wires.get(name)) is None:
            found = self._wires[name] = _wire(name, self._metadata(name))
        return found

    def _metadata(self, name: str) -> Mapping[str, Any]:
        """Read only the head of a model that is not loaded yet: a request names one service, routing asks all."""
        if name not in self._services:
            try:
                version = self._loader.determine_latest_version(name, "service-2")
            except UnknownServiceError as error:
                raise LookupError(f"botocore has no model of {name}") from error
            for directory in self._loader.search_paths:
                path = Path(directory) / name / version / "service-2.json.gz"
                if path.exists() and (head := _head(path)):
                    return head
        return cast("Mapping[str, Any]", self.service(name).metadata)

    def operation(self, name: str, operation: str) -> OperationModel | None:
        """Return the model of one operation, None when the service has none of that name."""
        try:
            return self.service(name).operation_model(operation)
        except OperationNotFoundError:
            return None

    def errors(self, name: str) -> Mapping[str, Shape]:
        """Return the error shapes of a service by their names and by wire code; the two differ in many of them."""
        if (found := self._errors.get(name)) is None:
            service = self.service(name)
            shapes = [service.shape_for(each) for each in service.shape_names]
            found = {each.name: each for each in shapes if each.metadata.get("exception")}
            for each in list(found.values()):
                found.setdefault(each.error_code, each)
            self._errors[name] = found
        return found


def _head(path: Path) -> Mapping[str, Any] | None:
    """Read the `metadata` of a model's file, which stands at its beginning; None where it does not."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        text = file.read(_HEAD)
    found = _METADATA.search(text)
    if found is None:
        return None
    try:
        metadata, _ = json.JSONDecoder().raw_decode(text, found.end())
    except json.JSONDecodeError:
        return None
    return cast("Mapping[str, Any]", metadata)


def _wire(name: str, metadata: Mapping[str, Any]) -> Wire:
    return Wire(
        name=name,
        protocols=tuple(metadata.get("protocols") or [metadata["protocol"]]),
        api_version=metadata["apiVersion"],
        namespace=metadata.get("xmlNamespace", ""),
        signing_name=metadata.get("signingName") or metadata.get("endpointPrefix", name),
        target_prefix=metadata.get("targetPrefix", ""),
        json_version=metadata.get("jsonVersion", "1.0"),
        is_query_compatible="awsQueryCompatible" in metadata,
    )
