"""Tags on everything that has an id: many on many in one request, all or none."""

from collections.abc import Mapping, Sequence

import msgspec

from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response
from millpond.services.ec2.operating import change, describe
from millpond.services.ec2.resources import here, resource_tags
from millpond.services.ec2.selection import Filters, by_filters, page
from millpond.services.ec2.tagged import Tagged, find_tagged, tagged
from millpond.services.ec2.tagging import checked_tags, within_limit

_MOST_RESOURCES = 1000


def _resources(ctx: Context, request: Request) -> Sequence[Resource]:
    found = []
    for each in (request.get("Resources") or ())[:_MOST_RESOURCES]:
        try:
            thing = find_tagged(ctx, each)
        except CommonFault:
            # Whoever may not tag anything is not told what there is.
            found.append(Resource(arn=f"arn:aws:ec2:{ctx.region}:{ctx.account}:*/{each}", context=here(ctx)))
        else:
            found.append(Resource(arn=thing.arn, context={**here(ctx), **resource_tags(thing.tags)}))
    return found


@change(takes=("Resources", "Tags"), resources=_resources)
def create_tags(ctx: Context, request: Request) -> None:
    """Add tags to resources; a key that is there takes the new value."""
    tags = checked_tags(request["Tags"])
    if not tags:
        raise CommonFault("MissingParameter", "The request must contain the parameter tagSet")
    for each in _existing(ctx, request):
        each.write(within_limit({**each.tags, **tags}))


@change(takes=("Resources", "Tags"), resources=_resources)
def delete_tags(ctx: Context, request: Request) -> None:
    """Take tags from resources: every one without Tags; where a value is given, only if it is the tag's."""
    wanted = request.get("Tags")
    for each in _existing(ctx, request):
        gone = set(each.tags) if wanted is None else {tag.get("Key") for tag in wanted if _is(tag, each.tags)}
        if gone & set(each.tags):
            each.write({key: value for key, value in each.tags.items() if key not in gone})


class _Tag(msgspec.Struct, frozen=True):
    resource_id: str
    resource_type: str
    key: str
    value: str


_FILTERS: Filters[_Tag] = {
    "key": lambda tag: [tag.key],
    "resource-id": lambda tag: [tag.resource_id],
    "resource-type": lambda tag: [tag.resource_type],
    "value": lambda tag: [tag.value],
}


@describe
def describe_tags(ctx: Context, request: Request) -> Response:
    tags = [_Tag(each.id, each.type, key, value) for each in tagged(ctx) for key, value in each.tags.items()]
    found = by_filters(tags, request, _FILTERS, tags=lambda tag: {tag.key: tag.value})
    shown, token = page(ctx, found, request, lambda tag: f"{tag.resource_id}/{tag.key}", ids="Tags")
    return {
        "Tags": [
            {
                "ResourceId": each.resource_id,
                "ResourceType": each.resource_type,
                "Key": each.key,
                "Value": each.value,
            }
            for each in shown
        ],
        **token,
    }


def _existing(ctx: Context, request: Request) -> list[Tagged]:
    given = list(dict.fromkeys(request["Resources"]))
    if not given:
        raise CommonFault("MissingParameter", "The request must contain the parameter resourceIdSet")
    if len(given) > _MOST_RESOURCES:
        raise CommonFault("InvalidParameterValue", f"At most {_MOST_RESOURCES} resources can be tagged at once")
    return [find_tagged(ctx, each) for each in given]


def _is(tag: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    return tag.get("Value") is None or tags.get(tag.get("Key") or "") == tag["Value"]


OPERATIONS: Sequence[Operation] = (create_tags, delete_tags, describe_tags)
