"""The gateway: a signed AWS request in, an AWS answer out. `Gateway.handle` is the route of every request.

Reading the socket is `asgi.py`'s business; what each step does stands in the module of its name.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault, Fault
from millpond.aws.models import Models, OperationModel
from millpond.gateway import asgi, validate
from millpond.gateway.authenticate import Authenticator, SignatureAuthenticator, Signer
from millpond.gateway.authorize import Origin, authorize, global_keys
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import wire_protocols
from millpond.gateway.render import Renderer
from millpond.gateway.route import Found, Lost, Route, Router
from millpond.kernel import ids, log
from millpond.kernel.clock import Clock
from millpond.operation import Caller, Context, Identity, Operation, Platform, Resource, Service
from millpond.operation import Request as Params
from millpond.operation import Response as Output
from millpond.store.database import Store
from millpond.store.vault import Vault

Deliver = Callable[[Sequence[tuple[str, str]]], None]

_ANONYMOUS = Caller(account="", arn="anonymous", user_id="anonymous", kind="Anonymous", access_key_id="")


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
        threads: int = 8,
    ) -> None:
        """Join the parts. `deliver` gets the wakes of a committed operation, from a worker thread.

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
            signer = self._signer(route, request, now)
            if isinstance(route, Lost):
                raise route.fault  # noqa: TRY301 - told only to those who have proved who they are
            params = route.protocol.parse(request, route.model, route.parameters)
            call = Call(
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
                headers=_headers(request),
            )
            output = self._perform(call)
            response = render.result(route, output)
        except Fault as fault:
            return render.fault(fault, request, protocol=route.protocol, wire=route.wire)
        except sa.exc.OperationalError as error:
            self._log.exception("request.failed", request_id=request_id)
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
        render = Renderer(self._models, request_id=ids.request_id())
        return render.fault(fault, request, protocol=self._router.refusing(request), wire=None)

    def close(self) -> None:
        """Wait for the requests under way and let the threads go."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _signer(self, route: Route, request: Request, now: datetime) -> Signer:
        if isinstance(route, Found) and not route.operation.signed:
            return Signer(caller=_ANONYMOUS, region=self._region)
        words = None if route.wire is None else {route.wire.signing_name}
        with self._store.read() as transaction:
            return self._authenticate(transaction, request, services=words, now=now)

    def _perform(self, call: Call) -> Output:
        with self._transaction(call.operation) as transaction:
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
            if call.operation.authorized:
                self._authorize(call, context)
            self._validate(call)
            output = _handled(call, context)
        if context.wakes:
            self._deliver(context.wakes)
        if isinstance(output, Fault):
            raise output
        return output

    def _transaction(self, operation: Operation) -> AbstractContextManager[Connection]:
        return self._store.read() if operation.reads_only else self._store.begin()

    def _authorize(self, call: Call, context: Context) -> None:
        authorize(
            self._identity,
            service=call.service,
            operation=call.operation,
            context=context,
            request=call.params,
            resources=self._resources(call, context),
            origin=call.origin,
        )

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


def _handled(call: Call, context: Context) -> Output | Fault:
    """The answer, or the fault that is told only once the transaction is committed."""
    try:
        return call.operation.handler(context, call.params) or {}
    except Fault as fault:
        if not fault.keeps_changes:
            raise
        return fault


def _headers(request: Request) -> Mapping[str, str]:
    """The headers by name; one that came several times is a list, as HTTP says (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _origin(request: Request) -> Origin:
    return Origin(source_ip=request.source_ip, secure=request.secure, user_agent=request.header("user-agent") or "")


def _name(route: Route) -> str:
    return f"{route.service.name}:{route.operation.name}" if isinstance(route, Found) else ""


def _no_store(error: sa.exc.OperationalError) -> CommonFault:
    # A full disk or a lost database is nothing that a retry with another request would mend: say what it is.
    return CommonFault("ServiceUnavailable", f"The store cannot be used: {error.orig}", status=503, sender=False)
