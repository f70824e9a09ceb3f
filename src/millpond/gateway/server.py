"""The gateway: a signed AWS request in, an AWS answer out. `Gateway.handle` is the route of every request.

Reading the socket is `asgi.py`'s business; what each step does stands in the module of its name.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault, Fault
from millpond.aws.models import Models, OperationModel
from millpond.gateway import asgi, validate
from millpond.gateway.authenticate import Authenticator, SignatureAuthenticator, Signer
from millpond.gateway.authorize import Origin, authorize, global_keys, is_allowed
from millpond.gateway.encoding import decoded
from millpond.gateway.http import Request, Response, headers_by_name
from millpond.gateway.protocols import wire_protocols
from millpond.gateway.recording import ANONYMOUS, suspect, unperformed
from millpond.gateway.render import Renderer
from millpond.gateway.route import Found, Lost, Route, Router
from millpond.kernel import ids, log
from millpond.kernel.clock import Clock
from millpond.operation import Attempt, Caller, Context, Identity, Operation, Platform, Recorder, Resource, Service
from millpond.operation import Request as Params
from millpond.operation import Response as Output
from millpond.store.database import Store
from millpond.store.errors import StoreError
from millpond.store.vault import Vault

Deliver = Callable[[Sequence[tuple[str, str]]], None]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that someone known asks for, with its parameters read."""

    service: Service
    operation: Operation
    model: OperationModel
    protocol: str
    """Botocore's name of it: faults of validation are worded by it."""
    caller: Caller
    region: str
    origin: Origin
    params: Params
    request_id: str
    now: datetime
    headers: Mapping[str, str] = {}
    size: int = 0
    """Octets of the request's body."""


class Gateway:
    """Every service of one installation, at one origin. An ASGI application; `handle` is the same without a socket."""

    def __init__(
        self,
        *,
        services: Sequence[Service],
        models: Models,
        store: Store,
        identity: Identity,
        platform: Platform,
        clock: Clock,
        deliver: Deliver,
        region: str = "us-east-1",
        names: Collection[str] = (),
        authenticator: Authenticator | None = None,
        vault: Vault | None = None,
        recorder: Recorder | None = None,
        threads: int = 8,
    ) -> None:
        """Join the parts. `deliver` gets the wakes of a committed operation, from a worker thread.

        Every call is told to the `recorder`; without one nothing is, which is for trying out operations only.

        `region` is what unsigned requests are served in; `names` are the host names, besides addresses and
        localhost, under which a browser may reach this origin.
        """
        self._models = models
        self._store = store
        self._identity = identity
        self._platform = platform
        self._clock = clock
        self._deliver = deliver
        self._region = region
        self._vault = vault
        self._recorder = recorder
        self._names = frozenset(names)
        self._services = {each.name: each for each in services}
        self._router = Router(services, models, wire_protocols())
        self._authenticate = authenticator or SignatureAuthenticator(identity)
        self._constraints = validate.Constraints()
        self._workers = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="gateway")
        self._places = threading.BoundedSemaphore(threads * asgi.WAITING_PER_THREAD)
        self._log = log.get(__name__)

    def handle(self, request: Request) -> Response:
        """Answer one request. Blocking; never raises."""
        request_id, now = ids.request_id(), self._clock.now()
        render = Renderer(self._models, request_id=request_id)
        route = self._router.route(request)
        try:
            call = self._call(route, request, request_id=request_id, now=now)
            assert isinstance(route, Found)
            notices: list[str] = []
            output = self._perform(call, notices)
            response = render.result(route, output, notices)
        except Fault as fault:
            return render.fault(fault, request, protocol=route.protocol, wire=route.wire)
        except StoreError as error:
            self._log.exception("request.failed", request_id=request_id, operation=_name(route))
            return render.fault(_no_store(error), request, protocol=route.protocol, wire=route.wire)
        except Exception:  # noqa: BLE001 - the edge: a bug here is an InternalFailure there
            self._log.exception("request.failed", request_id=request_id, operation=_name(route))
            return render.failure(request, protocol=route.protocol, wire=route.wire)
        return response

    def call(
        self,
        service: str,
        operation: str,
        params: Params,
        *,
        region: str,
        caller: Caller,
        source_ip: str = "127.0.0.1",
    ) -> Output:
        """Perform an operation for a known caller, without HTTP. Raises Fault as the API answers."""
        serving = self._services.get(service)
        built = serving.operations.get(operation) if serving is not None else None
        if serving is None or built is None:
            raise CommonFault("InvalidAction", f"The operation {service}:{operation} is not built in Millpond")
        return self._perform(
            Call(
                service=serving,
                operation=built,
                model=self._models.operation(serving.model, operation),
                protocol=self._models.wire(serving.model).protocols[0],
                caller=caller,
                region=region,
                origin=Origin(source_ip=source_ip, user_agent="millpond"),
                params=params,
                request_id=ids.request_id(),
                now=self._clock.now(),
            )
        )

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve one ASGI connection; anything but HTTP is ignored."""
        if scope["type"] == "http":
            door = asgi.Door(handle=self.handle, refuse=self.refuse, names=self._names)
            await door.serve(scope, receive, send, workers=self._workers, places=self._places)

    def refuse(self, request: Request, fault: Fault) -> Response:
        """Answer a request that is not even read to its end."""
        request_id, protocol = ids.request_id(), self._router.refusing(request)
        route = Lost(protocol=protocol, fault=fault)
        nobody = Signer(caller=ANONYMOUS, region=self._region)
        self._note_unperformed(route, request, nobody, fault, request_id=request_id, now=self._clock.now())
        return Renderer(self._models, request_id=request_id).fault(fault, request, protocol=protocol, wire=None)

    def close(self) -> None:
        """Wait for the requests under way and let the threads go."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _call(self, route: Route, request: Request, *, request_id: str, now: datetime) -> Call:
        """Find out who asks for what. What is refused here is noted; what is performed is recorded by `_perform`."""
        signer, refusal = self._signer(route, request, now)
        try:
            if refusal is not None:
                raise refusal
            if isinstance(route, Lost):
                raise route.fault  # told only to those who have proved who they are
            params = route.protocol.parse(decoded(request), route.model, route.parameters)
        except Fault as fault:
            self._note_unperformed(route, request, signer, fault, request_id=request_id, now=now)
            raise
        return Call(
            service=route.service,
            operation=route.operation,
            model=route.model,
            protocol=route.protocol.name,
            caller=signer.caller,
            region=signer.region,
            origin=_origin(request),
            params=params,
            request_id=request_id,
            now=now,
            headers=headers_by_name(request),
            size=len(request.body),
        )

    def _signer(self, route: Route, request: Request, now: datetime) -> tuple[Signer, Fault | None]:
        """Who signed; with a fault, who is said to have signed."""
        if isinstance(route, Found) and not route.operation.signed:
            return Signer(caller=ANONYMOUS, region=self._region), None
        words = None if route.wire is None else {route.wire.signing_name}
        with self._store.read() as transaction:
            try:
                return self._authenticate(transaction, request, services=words, now=now), None
            except Fault as fault:
                return suspect(request, self._identity, transaction, region=self._region), fault

    def _perform(self, call: Call, notices: list[str] | None = None) -> Output:
        resources: list[Resource] = []
        refused: Fault | None = None
        output: Output = {}
        context: Context | None = None
        try:
            with self._transaction(call.operation) as transaction:
                context = self._context(call, transaction)
                try:
                    if call.operation.authorized:
                        resources += self._resources(call, context)
                        authorize(
                            self._identity,
                            service=call.service,
                            operation=call.operation,
                            context=context,
                            resources=resources,
                        )
                    self._validate(call)
                    output = call.operation.handler(context, call.params) or {}
                except Fault as fault:
                    if not fault.remembered:
                        raise
                    refused = fault
                finally:
                    # Where there is no signature, the operation may have found out by a token who asks.
                    call = msgspec.structs.replace(call, caller=context.caller)
                if self._recorder is not None and not call.operation.reads_only:
                    self._recorder.record(transaction, _attempt(call, context, resources, output=output, error=refused))
        except Exception as error:
            self._note(_attempt(call, context, resources, error=error))
            raise
        if refused is not None:
            raise refused
        if call.operation.reads_only:
            self._note(_attempt(call, context, resources))
        if context.wakes:
            self._deliver(context.wakes)
        if notices is not None:
            notices += context.notices
        return output

    def _context(self, call: Call, transaction: Connection) -> Context:
        context = Context(
            caller=call.caller,
            account=call.caller.account,
            region=call.region,
            now=call.now,
            request_id=call.request_id,
            transaction=transaction,
            platform=self._platform,
            wakes=[],
            vault=self._vault,
            headers=call.headers,
        )
        context.conditions = global_keys(context, call.params, call.origin)
        context.allows = lambda resource: is_allowed(self._identity, call.service, context, resource)
        return context

    def _note(self, attempt: Attempt) -> None:
        if self._recorder is not None:
            self._recorder.note(attempt)

    def _note_unperformed(
        self, route: Route, request: Request, signer: Signer, fault: Fault, *, request_id: str, now: datetime
    ) -> None:
        self._note(
            unperformed(
                route, request, origin=_origin(request), signer=signer, request_id=request_id, now=now, fault=fault
            )
        )

    def _transaction(self, operation: Operation) -> AbstractContextManager[Connection]:
        return self._store.read() if operation.reads_only else self._store.begin()

    def _resources(self, call: Call, context: Context) -> Sequence[Resource]:
        try:
            return call.operation.resources(context, call.params)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError):
            # They see what has not been validated yet. If that is why, the caller is told so; if not, it is a bug.
            self._validate(call)
            raise

    def _validate(self, call: Call) -> None:
        violations = self._constraints.violations(call.model.input_shape, call.params)
        if violations:
            codes = self._models.errors(call.service.model)
            raise validate.fault(violations, protocol=call.protocol, codes=codes)


def _origin(request: Request) -> Origin:
    return Origin(
        source_ip=request.source_ip,
        vpc=request.vpc,
        secure=request.secure,
        user_agent=request.header("user-agent") or "",
    )


def _attempt(
    call: Call,
    context: Context | None,
    resources: Sequence[Resource],
    *,
    output: Output | None = None,
    error: Exception | None = None,
) -> Attempt:
    """A call as it came out."""
    return Attempt(
        request_id=call.request_id,
        at=call.now,
        source=call.service.name,
        name=call.operation.name,
        caller=context.caller if context is not None else call.caller,
        region=call.region,
        source_ip=call.origin.source_ip,
        user_agent=call.origin.user_agent,
        reads_only=call.operation.reads_only,
        size=call.size,
        request=call.params,
        response=output,
        request_shape=call.model.input_shape,
        response_shape=call.model.output_shape,
        resources=resources,
        error_code=_code(error),
        error_message=error.message if isinstance(error, Fault) else "",
    )


def _code(error: Exception | None) -> str:
    match error:
        case None:
            return ""
        case Fault():
            return error.code
        case StoreError():
            return "ServiceUnavailable"
        case _:
            return "InternalFailure"


def _name(route: Route) -> str:
    return f"{route.service.name}:{route.operation.name}" if isinstance(route, Found) else ""


def _no_store(error: StoreError) -> CommonFault:
    # A full disk or a lost database is nothing that another request would mend; the text names what would.
    return CommonFault("ServiceUnavailable", str(error), status=503, sender=False)
