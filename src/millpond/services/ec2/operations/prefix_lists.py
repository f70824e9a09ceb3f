"""Customer-managed prefix lists: made with their entries, read, deleted when no rule names them."""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import cidr, kinds, tagging
from millpond.services.ec2.operating import change, delete, describe, every, existing, insert
from millpond.services.ec2.records.prefix_lists import Entry, PrefixList
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.resources import created, named
from millpond.services.ec2.selection import Filters, described, page
from millpond.services.ec2.views import prefix_lists as views

_MOST_LISTS = 100
_MOST_ENTRIES = 1000
_FAMILIES = ("IPv4", "IPv6")


@change(
    takes=("PrefixListName", "Entries", "MaxEntries", "AddressFamily", "TagSpecifications", "ClientToken"),
    resources=created(kinds.PREFIX_LIST, "CreateManagedPrefixList"),
)
def create_managed_prefix_list(ctx: Context, request: Request) -> Response:
    token, name, most = request.get("ClientToken") or "", request["PrefixListName"], request["MaxEntries"]
    known = every(ctx, PrefixList)
    for each in known:
        if token and each.client_token == token:
            return {"PrefixList": views.prefix_list(each)}
    family = request["AddressFamily"]
    if family not in _FAMILIES:
        raise CommonFault("InvalidParameterValue", f"Value ({family[:64]}) for parameter addressFamily is invalid.")
    if not name or len(name) > 255 or name.startswith("com.amazonaws"):
        raise CommonFault("InvalidParameterValue", f"Value ({name[:255]}) for parameter prefixListName is invalid.")
    if not 1 <= most <= _MOST_ENTRIES:
        raise CommonFault("InvalidParameterValue", f"Value ({most}) for parameter maxEntries is invalid.")
    entries = tuple(_entry(each, family) for each in request.get("Entries") or ())
    if len({each.cidr for each in entries}) < len(entries):
        raise CommonFault("InvalidParameterValue", "The same CIDR block must not appear multiple times")
    if len(entries) > most:
        raise CommonFault(
            "PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list."
        )
    if len(known) >= _MOST_LISTS:
        raise CommonFault("PrefixListLimitExceeded", "The maximum number of prefix lists has been reached.")
    made = PrefixList(
        id=f"pl-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        tags=tagging.specified(request, kinds.PREFIX_LIST)[kinds.PREFIX_LIST.type],
        name=name,
        family=family,
        most_entries=most,
        entries=entries,
        client_token=token,
    )
    insert(ctx, made)
    return {"PrefixList": views.prefix_list(made)}


@describe
def describe_managed_prefix_lists(ctx: Context, request: Request) -> Response:
    return described(
        ctx,
        request,
        every(ctx, PrefixList),
        kind=kinds.PREFIX_LIST,
        ids="PrefixListIds",
        member="PrefixLists",
        filters=_FILTERS,
        view=views.prefix_list,
    )


@describe
def get_managed_prefix_list_entries(ctx: Context, request: Request) -> Response:
    found = existing(ctx, PrefixList, request["PrefixListId"])
    if request.get("TargetVersion") not in {None, 1}:
        raise CommonFault("InvalidPrefixListVersion", "The specified prefix list version does not exist")
    shown, token = page(ctx, found.entries, request, lambda each: each.cidr, ids="PrefixListId/Entries")
    return {
        "Entries": [
            {"Cidr": each.cidr, **({"Description": each.description} if each.description else {})} for each in shown
        ],
        **token,
    }


@change(takes=("PrefixListId",), resources=named(PrefixList, "PrefixListId"))
def delete_managed_prefix_list(ctx: Context, request: Request) -> Response:
    found = existing(ctx, PrefixList, request["PrefixListId"])
    named_by = [
        group.id
        for group in every(ctx, SecurityGroup)
        if any(rule.permission.peer.prefix_list == found.id for rule in group.rules)
    ]
    if named_by:
        raise CommonFault("PrefixListInUse", f"The prefix list '{found.id}' is in use by {', '.join(named_by)}")
    delete(ctx, found)
    return {"PrefixList": {**views.prefix_list(found), "State": "delete-complete"}}


def _entry(given: Mapping[str, Any], family: str) -> Entry:
    text = given["Cidr"]
    block = cidr.ipv4(text) if family == "IPv4" else cidr.ipv6(text)
    if block is None:
        raise CommonFault("InvalidParameterValue", f"CIDR block {text[:64]} is malformed")
    return Entry(cidr=str(block), description=given.get("Description") or "")


_FILTERS: Filters[PrefixList] = {
    "owner-id": lambda each: [each.account],
    "prefix-list-id": lambda each: [each.id],
    "prefix-list-name": lambda each: [each.name],
}

OPERATIONS: Sequence[Operation] = (
    create_managed_prefix_list,
    delete_managed_prefix_list,
    describe_managed_prefix_lists,
    get_managed_prefix_list_entries,
)
