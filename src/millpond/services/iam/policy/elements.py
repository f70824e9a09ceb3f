"""The elements of a statement, compiled: which actions, which resources, which principals it speaks of.

Each has its opposite (`NotAction`, `NotResource`, `NotPrincipal`), which is the same set with `is_exclusion`.
"""

import re
from collections.abc import Iterable

import msgspec

from millpond.services.iam.policy import principals
from millpond.services.iam.policy.match import Glob, arn_matches, plain
from millpond.services.iam.policy.principals import Caller, Closeness, Named
from millpond.services.iam.policy.variables import Context, Template, Token, read, split_at_colons, template

PRINCIPAL_KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})

_VENDOR = re.compile(r"[A-Za-z0-9.-]+")
_PARTITION = re.compile(r"aws(-[a-z]+)*|\*")
_IAM_PATH = re.compile(
    r"\*|(user|federated-user|role|group|instance-profile|mfa|server-certificate|policy|sms-mfa|saml-provider|"
    r"oidc-provider|report|access-report)/.*|root",
    re.DOTALL,
)
_IAM_PATHS = (
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, '
    "mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
)


class ActionSet(msgspec.Struct, frozen=True, kw_only=True):
    """Actions, lower case."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]
    """Of patterns with a single wildcard, at their end; by far the most."""
    globs: tuple[Glob, ...]
    is_exclusion: bool

    def covers(self, action: str) -> bool:
        """Whether the statement speaks of `action`, lower case."""
        return self._holds(action) != self.is_exclusion

    def _holds(self, action: str) -> bool:
        if action in self.exact or action.startswith(self.prefixes):
            return True
        return any(each.matches(action) for each in self.globs) if self.globs else False


class ArnPattern(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a policy: six segments, or `*` for everything."""

    segments: tuple[Template, ...]
    pattern: tuple[Glob, ...] | None
    """The segments as patterns, where there are no variables."""
    is_any: bool

    def matches(self, arn: str, context: Context) -> bool:
        """Whether it describes `arn`. With a variable that has no value in this request it describes nothing."""
        if self.pattern is not None:
            return arn_matches(self.pattern, arn)
        resolved = [each.resolved(context) for each in self.segments]
        known = [each for each in resolved if each is not None]
        return len(known) == len(resolved) and arn_matches(known, arn)


class ResourceSet(msgspec.Struct, frozen=True, kw_only=True):
    """Resources by their ARNs."""

    patterns: tuple[ArnPattern, ...]
    is_exclusion: bool

    def covers(self, arn: str, context: Context) -> bool:
        """Whether the statement speaks of the resource `arn` (`*` for actions that know none)."""
        for each in self.patterns:
            if each.is_any or each.matches(arn, context):
                return not self.is_exclusion
        return self.is_exclusion


class PrincipalSet(msgspec.Struct, frozen=True, kw_only=True):
    """Principals by name."""

    named: tuple[Named, ...]
    is_exclusion: bool

    def closeness(self, caller: Caller, principal_arn: str | None, *, is_bounded: bool) -> Closeness:
        """Say how closely the statement speaks of the caller; NONE if it does not.

        NotPrincipal spares a caller that is listed itself; its account alone does not spare it, and nothing spares a
        caller with a permissions boundary. (IAM user guide, "AWS JSON policy elements: NotPrincipal".)
        """
        found = max([principals.closeness(each, caller, principal_arn) for each in self.named])
        if not self.is_exclusion:
            return found
        is_listed = found > Closeness.ACCOUNT or (found == Closeness.ACCOUNT and caller.kind == "Root")
        return Closeness.NONE if is_listed and not is_bounded else Closeness.SELF


def action_set(actions: Iterable[str], *, is_exclusion: bool) -> ActionSet:
    """Compile actions; a wildcard may stand anywhere in them."""
    globs = [plain(each.lower()) for each in dict.fromkeys(actions)]
    return ActionSet(
        exact=frozenset([each.literal for each in globs if each.literal is not None]),
        prefixes=tuple([each.prefix for each in globs if each.prefix is not None]),
        globs=tuple([each for each in globs if each.literal is None and each.prefix is None]),
        is_exclusion=is_exclusion,
    )


def resource_set(resources: Iterable[str], *, is_exclusion: bool, has_variables: bool) -> ResourceSet:
    """Compile resources. An ARN with fewer than six segments is completed with `*`."""
    return ResourceSet(
        patterns=tuple([_arn_pattern(each, has_variables=has_variables) for each in dict.fromkeys(resources)]),
        is_exclusion=is_exclusion,
    )


def fault_of_action(action: str) -> str | None:
    """Say what IAM has against an action, None if nothing."""
    if action == "*":
        return None
    vendor, colon, name = action.partition(":")
    if not colon or not name:
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    if ":" in name:
        return "Actions/Conditions can contain only one colon."
    if vendor != "*" and not _VENDOR.fullmatch(vendor):
        return f"Vendor {vendor} is not valid"
    return None


def fault_of_resource(resource: str) -> str | None:
    """Say what IAM has against a resource, None if nothing."""
    if resource == "*":
        return None
    segments = [*resource.split(":", 5), *["*"] * 5]
    arn, partition, vendor, region, _account, path = segments[:6]
    kind, colon, _name = path.partition(":")
    faults = (
        (arn != "arn" or ":" not in resource, f'Resource {resource} must be in ARN format or "*".'),
        (not _PARTITION.fullmatch(partition), f'Partition "{partition}" is not valid for resource "{resource}".'),
        (not _VENDOR.fullmatch(vendor), "Resource vendor must be fully qualified and cannot contain regexes."),
        (vendor == "iam" and region not in {"", "*"}, f"IAM resource {resource} cannot contain region information."),
        (vendor == "iam" and not _IAM_PATH.fullmatch(path), _IAM_PATHS),
        (
            vendor == "elasticache" and bool(colon) and _is_wild(kind),
            f"Resource {resource} must name its resource type without wildcards.",
        ),
    )
    return next((message for is_fault, message in faults if is_fault), None)


def _is_wild(text: str) -> bool:
    return "*" in text or "?" in text


def _arn_pattern(text: str, *, has_variables: bool) -> ArnPattern:
    tokens = read(text, has_variables=has_variables, has_wildcards=True)
    parts: list[list[Token]] = split_at_colons(tokens, 5)
    star = read("*", has_variables=False, has_wildcards=True)
    segments = [template(part) for part in parts] + [template(star)] * (6 - len(parts))
    patterns = [each.pattern for each in segments if each.pattern is not None]
    return ArnPattern(
        segments=tuple(segments),
        pattern=tuple(patterns) if len(patterns) == len(segments) else None,
        is_any=text == "*",
    )


EVERY_RESOURCE = resource_set(["*"], is_exclusion=False, has_variables=False)
