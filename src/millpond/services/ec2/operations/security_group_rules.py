"""The rules of security groups: authorized, revoked, changed, described. A request takes effect whole or not at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.groups import group_by_name, group_of_request
from millpond.services.ec2.operating import change, describe, every, existing, replace
from millpond.services.ec2.permissions import (
    Asked,
    asked_rules,
    checked_description,
    replaced_permission,
    sentence,
)
from millpond.services.ec2.records.networks import Vpc
from millpond.services.ec2.records.prefix_lists import PrefixList
from millpond.services.ec2.records.record import arn
from millpond.services.ec2.records.security_groups import Permission, Rule, SecurityGroup
from millpond.services.ec2.resources import created, here, named, resource_tags, security_group, touching
from millpond.services.ec2.selection import Filters, by_filters, by_id, page, word
from millpond.services.ec2.views import security_groups as views

_MOST_RULES = 60
"""Of each direction, counted apart for IPv4 and IPv6 (VPC user guide, "Amazon VPC quotas")."""
_LEGACY = ("CidrIp", "FromPort", "ToPort", "IpProtocol", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId")
_GROUP = ("GroupId", "GroupName")
_UNENFORCED = "enforcement: none; the rules are kept but this driver does not filter packets"
_NO_SUCH_RULE = "The specified rule does not exist in this security group."


def _authorizes(direction: str) -> Callable[[Callable[[Context, Request], Response]], Operation]:
    action = f"AuthorizeSecurityGroup{direction}"
    return change(
        takes=(*_GROUP, "IpPermissions", *_LEGACY, "TagSpecifications"),
        resources=touching(security_group, created(kinds.SECURITY_GROUP_RULE, action)),
    )


@_authorizes("Ingress")
def authorize_security_group_ingress(ctx: Context, request: Request) -> Response:
    return _authorize(ctx, request, egress=False)


@_authorizes("Egress")
def authorize_security_group_egress(ctx: Context, request: Request) -> Response:
    return _authorize(ctx, request, egress=True)


def _rules_of_request(ctx: Context, request: Request) -> Sequence[Resource]:
    """The rules that SecurityGroupRuleIds names, or those of SecurityGroupRules to be changed."""
    given = [
        *(request.get("SecurityGroupRuleIds") or ()),
        *(each.get("SecurityGroupRuleId") for each in request.get("SecurityGroupRules") or ()),
        *(each.get("SecurityGroupRuleId") for each in request.get("SecurityGroupRuleDescriptions") or ()),
    ]
    tags = {rule.id: rule.tags for group in every(ctx, SecurityGroup) for rule in group.rules} if given else {}
    return [
        Resource(
            arn=arn(ctx.account, ctx.region, kinds.SECURITY_GROUP_RULE, each),
            context={**here(ctx), **resource_tags(tags.get(each, {}))},
        )
        for each in given
    ]


_revokes = change(
    takes=(*_GROUP, "IpPermissions", *_LEGACY, "SecurityGroupRuleIds"),
    resources=touching(security_group, _rules_of_request),
)


@_revokes
def revoke_security_group_ingress(ctx: Context, request: Request) -> Response:
    return _revoke(ctx, request, egress=False)


@_revokes
def revoke_security_group_egress(ctx: Context, request: Request) -> Response:
    return _revoke(ctx, request, egress=True)


@change(takes=("GroupId", "SecurityGroupRules"), resources=touching(named(SecurityGroup, "GroupId"), _rules_of_request))
def modify_security_group_rules(ctx: Context, request: Request) -> Response:
    """Say anew what rules say; their ids, directions and tags stay."""
    group = existing(ctx, SecurityGroup, request["GroupId"])
    changed = {each.id: each for each in group.rules}
    for update in request["SecurityGroupRules"]:
        rule = _rule(group, update["SecurityGroupRuleId"])
        asked = replaced_permission(
            update.get("SecurityGroupRule") or {}, egress=rule.permission.egress, resolve=_resolver(ctx, group)
        )
        _check_prefix_lists(ctx, [asked])
        description = asked.description if asked.is_described else rule.description
        changed[rule.id] = msgspec.structs.replace(rule, permission=asked.permission, description=description)
    _write(ctx, group, changed.values())
    return {"Return": True}


_describes = change(
    takes=(*_GROUP, "IpPermissions", "SecurityGroupRuleDescriptions"),
    resources=touching(security_group, _rules_of_request),
)


@_describes
def update_security_group_rule_descriptions_ingress(ctx: Context, request: Request) -> Response:
    return _describe_anew(ctx, request, egress=False)


@_describes
def update_security_group_rule_descriptions_egress(ctx: Context, request: Request) -> Response:
    return _describe_anew(ctx, request, egress=True)


class _Found(msgspec.Struct, frozen=True):
    """A rule and its group."""

    group: SecurityGroup
    rule: Rule


_FILTERS: Filters[_Found] = {
    "group-id": lambda found: [found.group.id],
    "security-group-rule-id": lambda found: [found.rule.id],
    "is-egress": lambda found: [word(found.rule.permission.egress)],
}


@describe
def describe_security_group_rules(ctx: Context, request: Request) -> Response:
    wanted = request.get("SecurityGroupRuleIds")
    kind = kinds.SECURITY_GROUP_RULE
    for each in wanted or ():
        kind.check_form(each)
    rules = [_Found(group, rule) for group in every(ctx, SecurityGroup) for rule in group.rules]
    found = by_id(rules, wanted, lambda each: each.rule.id, code=kind.missing, sentence=kind.sentence)
    found = by_filters(found, request, _FILTERS, tags=lambda each: each.rule.tags)
    shown, token = page(ctx, found, request, lambda each: each.rule.id, ids="SecurityGroupRuleIds")
    return {"SecurityGroupRules": [views.security_group_rule(each.group, each.rule) for each in shown], **token}


def _authorize(ctx: Context, request: Request, *, egress: bool) -> Response:
    group = group_of_request(ctx, request)
    asked = _asked(ctx, request, group, egress=egress)
    tags = tagging.specified(request, kinds.SECURITY_GROUP_RULE)[kinds.SECURITY_GROUP_RULE.type]
    made = [
        Rule(
            id=f"sgr-{ids.resource_suffix()}",
            permission=each.permission,
            description=each.description,
            tags=tags,
        )
        for each in asked
    ]
    _write(ctx, group, [*group.rules, *made])
    return {"Return": True, "SecurityGroupRules": views.rules(group, made)}


def _revoke(ctx: Context, request: Request, *, egress: bool) -> Response:
    group = group_of_request(ctx, request)
    wanted = request.get("SecurityGroupRuleIds")
    unknown: list[Asked] = []
    if wanted:
        if any(request.get(member) is not None for member in ("IpPermissions", *_LEGACY)):
            raise CommonFault(
                "InvalidParameterCombination",
                "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions",
            )
        gone = {_rule(group, each, egress=egress).id for each in wanted}
    else:
        asked = _asked(ctx, request, group, egress=egress)
        known = {each.permission: each.id for each in group.rules}
        unknown = [each for each in asked if each.permission not in known]
        # In the default VPC AWS only tells which were not there (API reference, RevokeSecurityGroupIngress).
        if unknown and not _is_in_default_vpc(ctx, group):
            raise CommonFault("InvalidPermission.NotFound", _NO_SUCH_RULE)
        gone = {known[each.permission] for each in asked if each.permission in known}
    revoked = [each for each in group.rules if each.id in gone]
    if revoked:
        _write(ctx, group, [each for each in group.rules if each.id not in gone])
    unknown_rules = [Rule(id="", permission=each.permission, description=each.description) for each in unknown]
    return {
        "Return": True,
        "RevokedSecurityGroupRules": [views.revoked_rule(group, each) for each in revoked],
        "UnknownIpPermissions": views.ip_permissions(ctx.account, unknown_rules),
    }


def _describe_anew(ctx: Context, request: Request, *, egress: bool) -> Response:
    group = group_of_request(ctx, request)
    texts: dict[str, str] = {}
    for each in request.get("SecurityGroupRuleDescriptions") or ():
        rule = _rule(group, each.get("SecurityGroupRuleId") or "", egress=egress)
        texts[rule.id] = checked_description(each.get("Description") or "")
    if request.get("IpPermissions"):
        known = {each.permission: each.id for each in group.rules}
        for asked in asked_rules(request, egress=egress, resolve=_resolver(ctx, group)):
            if asked.permission not in known:
                raise CommonFault("InvalidPermission.NotFound", _NO_SUCH_RULE)
            texts[known[asked.permission]] = asked.description
    if not texts:
        raise CommonFault(
            "MissingParameter", "The request must contain the parameter ipPermissions or securityGroupRuleDescriptions"
        )
    rules = [msgspec.structs.replace(each, description=texts.get(each.id, each.description)) for each in group.rules]
    replace(ctx, msgspec.structs.replace(group, rules=tuple(rules)))
    return {"Return": True}


def _asked(ctx: Context, request: Request, group: SecurityGroup, *, egress: bool) -> list[Asked]:
    asked = asked_rules(request, egress=egress, resolve=_resolver(ctx, group))
    if not asked:
        raise CommonFault("MissingParameter", "The request must contain the parameter ipPermissions")
    _check_prefix_lists(ctx, asked)
    return asked


def _check_prefix_lists(ctx: Context, asked: Sequence[Asked]) -> None:
    for each in asked:
        if each.permission.peer.prefix_list:
            existing(ctx, PrefixList, each.permission.peer.prefix_list)


def _resolver(ctx: Context, group: SecurityGroup) -> Callable[[Mapping[str, Any]], str]:
    """How a rule's peer group is found: of the same account and VPC, for no VPC here is peered with another."""

    def resolve(pair: Mapping[str, Any]) -> str:
        if pair.get("VpcPeeringConnectionId"):
            raise CommonFault(
                "UnsupportedOperation", "The parameter VpcPeeringConnectionId is not supported by Millpond."
            )
        if not pair.get("GroupId") and not pair.get("GroupName"):
            raise CommonFault("MissingParameter", "The request must contain the parameter groupId")
        peer_id = pair.get("GroupId") or group_by_name(ctx, pair["GroupName"]).id
        if pair.get("UserId") not in {None, "", ctx.account}:
            raise kinds.SECURITY_GROUP.not_found(peer_id)
        peer = existing(ctx, SecurityGroup, peer_id)
        if peer.vpc != group.vpc or pair.get("VpcId") not in {None, "", group.vpc}:
            raise CommonFault(
                "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."
            )
        return peer.id

    return resolve


def _write(ctx: Context, group: SecurityGroup, rules: Iterable[Rule]) -> None:
    """Write a group with these rules, unless two say the same or they are too many."""
    rules = tuple(rules)
    seen: set[Permission] = set()
    for each in rules:
        if each.permission in seen:
            raise CommonFault(
                "InvalidPermission.Duplicate", f'the specified rule "{sentence(each.permission)}" already exists'
            )
        seen.add(each.permission)
    weights = {each.id: each for each in every(ctx, PrefixList)}
    for egress in (False, True):
        said = [each.permission.peer for each in rules if each.permission.egress == egress]
        lists = [weights[each.prefix_list] for each in said if each.prefix_list]
        groups = sum(bool(each.group) for each in said)
        for family, blocks in (("IPv4", sum(bool(p.cidr) for p in said)), ("IPv6", sum(bool(p.cidr6) for p in said))):
            if groups + blocks + sum(each.most_entries for each in lists if each.family == family) > _MOST_RULES:
                raise CommonFault(
                    "RulesPerSecurityGroupLimitExceeded",
                    "The maximum number of rules per security group has been reached.",
                )
    replace(ctx, msgspec.structs.replace(group, rules=rules))
    if ctx.platform.enforcement == "none":
        ctx.notices.append(_UNENFORCED)


def _rule(group: SecurityGroup, rule_id: str, *, egress: bool | None = None) -> Rule:
    kinds.SECURITY_GROUP_RULE.check_form(rule_id)
    rule = group.rule(rule_id)
    if rule is None or egress not in {None, rule.permission.egress}:
        raise kinds.SECURITY_GROUP_RULE.not_found(rule_id)
    return rule


def _is_in_default_vpc(ctx: Context, group: SecurityGroup) -> bool:
    return existing(ctx, Vpc, group.vpc).is_default


OPERATIONS: Sequence[Operation] = (
    authorize_security_group_egress,
    authorize_security_group_ingress,
    describe_security_group_rules,
    modify_security_group_rules,
    revoke_security_group_egress,
    revoke_security_group_ingress,
    update_security_group_rule_descriptions_egress,
    update_security_group_rule_descriptions_ingress,
)
