"""Principals: who asks, whom a `Principal` element names, and how closely the two agree.

How closely matters: a grant to an account only lets that account decide, a grant to a role is still held by the role's
boundary and session policy, a grant to the very session is not. Source: IAM user guide, "AWS JSON policy elements:
Principal" and "Permissions boundaries for IAM entities".
"""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Literal

import msgspec

Kind = Literal["Root", "User", "Role", "AssumedRole", "FederatedUser", "Other", "Anonymous"]

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?:"
    r"iam::(?P<iam>\d{12}):(?P<entity>root|user|role)(?:/(?P<name>[^*?]+))?"
    r"|sts::(?P<sts>\d{12}):(?P<session>assumed-role|federated-user)/(?P<path>[^*?]+))"
)
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?:saml-provider|oidc-provider)/[^*?]+")
_ACCOUNT = re.compile(r"\d{12}")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,124}")


class Closeness(IntEnum):
    """How closely a `Principal` element names the caller; the higher, the less else limits a grant."""

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    USER = 3
    SELF = 4
    """The very session, everyone, a service or a provider."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A principal of a request, read from its ARN or its name."""

    arn: str
    kind: Kind
    account: str
    """Empty for services, providers and anonymous callers."""
    role: str = ""
    """For a session of a role: what stands between `assumed-role/` and the session's name."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a `Principal` element."""

    kind: Literal["Everyone", "Account", "User", "Role", "Session", "Other"]
    text: str
    """The ARN, the account id, or the name of a service or provider."""
    account: str = ""


@lru_cache(maxsize=4096)
def caller(principal: str) -> Caller:
    """Read who asks: an ARN of IAM or STS, the name of a service or provider, or `*` for nobody in particular."""
    if principal in {"*", "", "anonymous"}:
        return Caller(arn=principal, kind="Anonymous", account="")
    found = _ARN.fullmatch(principal)
    if found is None:
        return Caller(arn=principal, kind="Other", account="")
    if found["sts"]:
        if found["session"] == "federated-user":
            return Caller(arn=principal, kind="FederatedUser", account=found["sts"])
        role = found["path"].rpartition("/")[0]
        return Caller(arn=principal, kind="AssumedRole", account=found["sts"], role=role)
    kinds: dict[str, Kind] = {"root": "Root", "user": "User", "role": "Role"}
    return Caller(arn=principal, kind=kinds[found["entity"]], account=found["iam"])


def named(kind: str, text: str) -> Named | None:
    """Read an entry of `Principal`; None if IAM refuses it. `kind`: AWS, Service, Federated or CanonicalUser."""
    if kind == "AWS":
        return _named_aws(text)
    if not text or "*" in text or "?" in text:
        return None
    if kind == "Federated" and text.startswith("arn:") and not _PROVIDER.fullmatch(text):
        return None
    return Named(kind="Other", text=text)


def closeness(one: Named, asking: Caller, principal_arn: str | None) -> Closeness:
    """Say how closely an entry names the caller. `principal_arn` is the request's `aws:PrincipalArn`, if known."""
    match one.kind:
        case "Everyone":
            return Closeness.SELF
        case "Account":
            return Closeness.ACCOUNT if one.account == asking.account else Closeness.NONE
        case "User" if one.text == asking.arn:
            return Closeness.USER
        case "Role" if one.text == asking.arn or _is_session_of(one, asking, principal_arn):
            return Closeness.ROLE
        case "Session" | "Other" if one.text == asking.arn:
            return Closeness.SELF
        case _:
            return Closeness.NONE


def _named_aws(text: str) -> Named | None:
    if text == "*":
        return Named(kind="Everyone", text=text)
    if _ACCOUNT.fullmatch(text):
        return Named(kind="Account", text=text, account=text)
    found = _ARN.fullmatch(text)
    if found is None:
        # A unique id is what IAM shows of a deleted principal: it names nobody, even if the name is used again.
        return Named(kind="Other", text=text) if _UNIQUE_ID.fullmatch(text) else None
    kinds: dict[tuple[str, bool], Literal["Account", "User", "Role"]] = {
        ("root", False): "Account",
        ("user", True): "User",
        ("role", True): "Role",
    }
    kind = "Session" if found["sts"] else kinds.get((found["entity"], found["name"] is not None))
    return None if kind is None else Named(kind=kind, text=text, account=found["sts"] or found["iam"])


def _is_session_of(role: Named, asking: Caller, principal_arn: str | None) -> bool:
    """Whether the caller is a session of this role. The ARN of a session lacks the role's path; names are unique."""
    if asking.kind != "AssumedRole" or role.account != asking.account:
        return False
    path = role.text.partition(":role/")[2]
    if principal_arn is not None and ":role/" in principal_arn:
        return role.text == principal_arn
    return path == asking.role or path.rpartition("/")[2] == asking.role
