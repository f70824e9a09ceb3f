"""Joins the pages with what stands behind them: sign-in, the API in the name of whoever is signed in, the audit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import Connection

from millpond.app.state import State
from millpond.config import Config
from millpond.gateway import asgi
from millpond.gateway.client import Client
from millpond.kernel.clock import Clock
from millpond.mail import Senders
from millpond.operation import CommonFault
from millpond.pages.site import Pages
from millpond.pages.spec import Logins, Portal, Site
from millpond.services import cloudtrail, iam, signin
from millpond.services.signin import Desk, Directory
from millpond.visit import Activity, Kind, Occurrence, Session, Visitor

_KINDS: Mapping[Kind, Literal["Root", "IAMUser", "IdentityCenterUser"]] = {
    "Root": "Root",
    "User": "IAMUser",
    "Directory": "IdentityCenterUser",
}


class AuditOfSignIn:
    """Implements `services.signin.Recorder`: what lets somebody in is recorded with it, refusals a moment later."""

    def __init__(self, trail: cloudtrail.Trail, state: State) -> None:
        self._trail = trail
        self._vault = state.vault

    def __call__(self, transaction: Connection, occurrence: Occurrence) -> None:
        arn = f"arn:aws:iam::{occurrence.account}:root" if occurrence.kind == "Root" else ""
        if occurrence.kind == "User" and occurrence.principal_id:
            user = iam.user_by_id(transaction, occurrence.principal_id)
            arn = user.arn if user is not None else ""
        recorded = cloudtrail.SignIn(
            at=occurrence.at,
            account=occurrence.account,
            kind=_KINDS[occurrence.kind],
            source_ip=occurrence.visitor.source_ip,
            user_agent=occurrence.visitor.user_agent,
            succeeded=not occurrence.failure,
            name=occurrence.name,
            principal_id=occurrence.principal_id,
            arn=arn,
            user_name=occurrence.user_name,
            message=occurrence.failure or "Failed authentication",
            mfa_used=occurrence.mfa_used,
        )
        if occurrence.failure:
            self._trail.note_sign_in(recorded)
        else:
            cloudtrail.record_sign_in(transaction, self._vault, recorded)


class ApiInSession:
    """Implements `pages.spec.Api` over the gateway's own door."""

    def __init__(self, client: Client, region: str) -> None:
        self._client = client
        self._region = region

    def call(
        self, visitor: Visitor, session: Session, service: str, operation: str, parameters: dict[str, Any]
    ) -> Mapping[str, Any]:
        if session.caller is None:
            raise CommonFault("AccessDenied", "Choose an account and a role first.", status=403)
        return self._client.call(
            service,
            operation,
            parameters,
            region=self._region,
            caller=session.caller,
            source_ip=visitor.source_ip,
        )


def own_names(config: Config) -> frozenset[str]:
    """Host names, besides addresses and localhost, under which browsers may come here."""
    name = urlsplit(config.public_url).hostname if config.public_url else None
    return frozenset({name} if name else ())


def desk_of(
    config: Config,
    state: State,
    *,
    identity: iam.IamIdentity,
    clock: Clock,
    deliver: Callable[[Sequence[tuple[str, str]]], None],
    trail: cloudtrail.Trail,
    senders: Senders,
    endpoint: str,
    directory: Directory,
) -> Desk:
    """What sign-in works with. `endpoint` is what links in mails begin with unless the operator named a public URL."""
    return Desk(
        store=state.store,
        vault=state.vault,
        clock=clock,
        checks=signin.PasswordChecks(hash_password=iam.hash_password, verify=iam.verify_password),
        identity=identity,
        directory=directory,
        base_url=config.public_url or endpoint,
        deliver=deliver,
        record=AuditOfSignIn(trail, state),
        texts=senders.text is not None,
    )


def pages_of(config: Config, desk: Desk, *, client: Client, portal: Portal, logins: Logins) -> Pages:
    """The pages over what stands behind them."""
    names = own_names(config)

    def activities(account: str, limit: int) -> Sequence[Activity]:
        with desk.store.read() as transaction:
            found = cloudtrail.recent_activity(transaction, account, limit=limit)
        return [
            Activity(
                at=each.at,
                name=each.name,
                source=each.source,
                who=each.username,
                source_ip=each.source_ip,
                error=each.error,
            )
            for each in found
        ]

    sign_in = signin.SignIn(desk)
    site = Site(
        sign_in=sign_in,
        sign_ups=signin.SignUps(desk),
        recovery=signin.Recovery(desk, sign_in),
        accounts=signin.Accounts(desk, activities),
        api=ApiInSession(client, config.region),
        portal=portal,
        logins=logins,
        region=config.region,
    )
    return Pages(
        site,
        key=desk.vault.derive("pages/forms").encode(),
        is_own_name=lambda host: asgi.is_own_name(host, names),
        public_url=config.public_url,
    )
