"""Which service, which operation and which wire format a request is for; decided without believing any of it.

In this order: the path of RPC v2 CBOR, `X-Amz-Target`, the `Action` of a query or form, the path templates of REST.
The scope of the signature narrows the services; an unsigned request is looked up among all of them. What cannot be
found is a `Lost` with the fault to tell, so that the caller is authenticated before being told anything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

import msgspec

from millpond.aws.faults import CommonFault, Fault
from millpond.aws.models import Models, OperationModel, Wire
from millpond.gateway import form
from millpond.gateway.http import Request
from millpond.gateway.protocols import RestJson, WireProtocol
from millpond.gateway.protocols.cbor import CONTENT_TYPE as CBOR_TYPE
from millpond.gateway.protocols.json import is_json
from millpond.gateway.protocols.rest_json import is_rest_json, path_of, query_lists
from millpond.operation import Operation, Service

_RPC_PATH = re.compile(r"/service/([\w.]{1,128})/operation/(\w{1,128})", re.ASCII)
_LONGEST_NAME = 128
_CREDENTIAL = re.compile(r"Credential=[^/,\s]*/\d{8}/(?:[^/,\s]*/)?([a-z0-9-]+)/aws4_request", re.ASCII)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that is built here."""

    service: Service
    operation: Operation
    model: OperationModel
    wire: Wire
    protocol: WireProtocol
    parameters: Mapping[str, str]
    """Of a query or form; empty for the other protocols."""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A request that no operation here answers, and what to tell its signer."""

    protocol: WireProtocol
    fault: Fault
    wire: Wire | None = None
    """The service, when that much is known."""
    service: str = ""
    """Its name, and `name` the operation that was asked for, as far as they are known: for the audit record."""
    name: str = ""


Route = Found | Lost


class Router:
    """Routes requests among the services that are built. Loads their models as requests name them."""

    def __init__(self, services: Sequence[Service], models: Models, protocols: Mapping[str, WireProtocol]) -> None:
        self._services = tuple(services)
        self._models = models
        self._protocols = protocols

    def route(self, request: Request) -> Route:
        """Find the operation of a request. Never raises."""
        protocol = self._protocols["query"]
        try:
            scope = signing_scope(request)
            services = [each for each in self._services if scope is None or self._wire(each).signing_name == scope]
            protocol = self._protocol(request, services if scope is not None else [])
            if scope is not None and not services:
                return Lost(protocol=protocol, fault=_no_service(scope))
            match protocol.name:
                case "smithy-rpc-v2-cbor":
                    return self._by_path(request, services, protocol)
                case "json":
                    return self._by_target(request, services, protocol)
                case "rest-json":
                    return self._by_template(request, services, protocol)
                case _:
                    return self._by_action(request, services, protocol)
        except Fault as fault:
            return Lost(protocol=protocol, fault=fault)

    def refusing(self, request: Request) -> WireProtocol:
        """Tell the wire format of a request whose body was never read, for a fault to be told in it."""
        scope = signing_scope(request)
        services = [each for each in self._services if self._wire(each).signing_name == scope]
        return self._protocol(request, services)

    def _protocol(self, request: Request, signed_for: Sequence[Service]) -> WireProtocol:
        if _RPC_PATH.fullmatch(path_of(request)):
            return self._protocols["smithy-rpc-v2-cbor"]
        if request.header("x-amz-target") is not None:
            return self._protocols["json"]
        if signed_for:
            spoken = self._wire(signed_for[0]).protocols
            return self._protocols[next((each for each in ("ec2", "query", "rest-json") if each in spoken), "json")]
        is_rest = not (request.header("content-type") or "").startswith(form.CONTENT_TYPE) and self._is_rest(request)
        return self._protocols["rest-json" if is_rest else "query"]

    def _is_rest(self, request: Request) -> bool:
        return next(self._templates(request, self._services), None) is not None

    def _by_path(self, request: Request, services: Sequence[Service], protocol: WireProtocol) -> Route:
        found = _RPC_PATH.fullmatch(path_of(request))
        assert found is not None
        target, name = found.groups()
        for service in services:
            wire = self._wire(service)
            if wire.target_prefix == target and protocol.name in wire.protocols:
                if request.body and _media_type(request) != CBOR_TYPE:
                    return Lost(protocol=protocol, wire=wire, fault=_wrong_type(CBOR_TYPE))
                return self._named(service, name, protocol, {})
        return Lost(protocol=protocol, fault=_no_service(target))

    def _by_target(self, request: Request, services: Sequence[Service], protocol: WireProtocol) -> Route:
        target = request.header("x-amz-target") or ""
        prefix, _, name = target.rpartition(".")
        for service in services:
            wire = self._wire(service)
            if prefix and prefix in _targets(wire) and protocol.name in wire.protocols:
                if not is_json(request):
                    return Lost(
                        protocol=protocol, wire=wire, fault=_wrong_type(f"application/x-amz-json-{wire.json_version}")
                    )
                return self._named(service, name, protocol, {})
        fault = CommonFault("InvalidAction", f"Unknown operation: {target[:256]}")
        return Lost(protocol=protocol, fault=fault, name=name[:_LONGEST_NAME])

    def _by_action(self, request: Request, services: Sequence[Service], protocol: WireProtocol) -> Route:
        parameters = form.parameters(request)
        action, version = parameters.get("Action"), parameters.get("Version")
        spoken = [each for each in services if {"query", "ec2"} & set(self._wire(each).protocols)]
        wire = self._wire(spoken[0]) if len(spoken) == 1 else None
        if not action:
            return Lost(protocol=protocol, wire=wire, fault=_no_action(request))
        for service in spoken:
            if self._wire(service).api_version == version and self._models.operation(service.model, action):
                kind = "ec2" if "ec2" in self._wire(service).protocols else "query"
                return self._named(service, action, self._protocols[kind], parameters)
        said = f"for version {version[:32]}" if version else "without a version"
        fault = CommonFault("InvalidAction", f"Could not find operation {action[:128]} {said}")
        name = spoken[0].name if len(spoken) == 1 else ""
        return Lost(protocol=protocol, wire=wire, fault=fault, service=name, name=action[:_LONGEST_NAME])

    def _by_template(self, request: Request, services: Sequence[Service], protocol: WireProtocol) -> Route:
        found = next(self._templates(request, services), None)
        if found is None:
            wire = self._wire(services[0]) if len(services) == 1 else None
            fault = CommonFault("UnknownOperationException", "No operation has this method and path", status=404)
            return Lost(protocol=protocol, wire=wire, fault=fault)
        service, name = found
        if not is_rest_json(request) and "payload" not in _serialization(self._models.operation(service.model, name)):
            return Lost(protocol=protocol, wire=self._wire(service), fault=_wrong_type("application/json"))
        return self._named(service, name, protocol, {})

    def _templates(self, request: Request, services: Sequence[Service]) -> Iterator[tuple[Service, str]]:
        """Give the REST operations that a request fits, the most specific first."""
        rest = self._protocols["rest-json"]
        assert isinstance(rest, RestJson)
        path, query = path_of(request), query_lists(request)
        fitting = []
        for service in services:
            if rest.name not in self._wire(service).protocols:
                continue
            model = self._models.service(service.model)
            for name in model.operation_names:
                template = rest.template(model.operation_model(name))
                if template.match(request.method, path, query) is not None:
                    fitting.append((template.rank, service, name))
        for _, service, name in sorted(fitting, key=lambda each: each[0]):
            yield service, name

    def _named(self, service: Service, name: str, protocol: WireProtocol, parameters: Mapping[str, str]) -> Route:
        model, wire = self._models.operation(service.model, name), self._wire(service)
        if model is None:
            fault = CommonFault("InvalidAction", f"Could not find operation {name[:128]}")
            return Lost(protocol=protocol, wire=wire, fault=fault, service=service.name, name=name[:_LONGEST_NAME])
        operation = service.operations.get(name)
        if operation is None:
            fault = CommonFault("InvalidAction", f"The operation {service.name}:{name} is not built in Millpond yet")
            return Lost(protocol=protocol, wire=wire, fault=fault, service=service.name, name=name)
        return Found(
            service=service, operation=operation, model=model, wire=wire, protocol=protocol, parameters=parameters
        )

    def _wire(self, service: Service) -> Wire:
        return self._models.wire(service.model)


def signing_scope(request: Request) -> str | None:
    """Return the service that a credential scope names, unverified; None for an unsigned request."""
    authorization = request.header("authorization")
    if authorization is not None:
        found = _CREDENTIAL.search(authorization)
        return found.group(1) if found else None
    if b"X-Amz-Credential=" in request.raw_query:
        found = _CREDENTIAL.search(
            unquote(request.raw_query.decode("latin-1").replace("X-Amz-Credential", "Credential"))
        )
        return found.group(1) if found else None
    return None


def _targets(wire: Wire) -> tuple[str, str]:
    """The model's target prefix, and its last part, which SDKs made from Smithy models send (`CloudTrail_20131101`)."""
    return wire.target_prefix, wire.target_prefix.rpartition(".")[2]


def _serialization(model: OperationModel) -> Mapping[str, object]:
    found: Mapping[str, object] = model.input_shape.serialization if model.input_shape is not None else {}
    return found


def _media_type(request: Request) -> str:
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def _no_service(name: str) -> CommonFault:
    return CommonFault("InvalidAction", f"The service {name[:128]} is not built in Millpond")


def _wrong_type(wanted: str) -> CommonFault:
    return CommonFault("UnsupportedMediaType", f"The request body must be of the type {wanted}", status=415)


def _no_action(request: Request) -> CommonFault:
    if request.body and not form.is_form(request):
        return CommonFault(
            "MissingAction", f"The request is missing an action: its body must be of the type {form.CONTENT_TYPE}"
        )
    return CommonFault("MissingAction", "The request is missing an action or a required parameter")
