"""Everything of a caller's that has tags, whatever it is: records, the rules of security groups."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from millpond.operation import CommonFault, Context
from millpond.services.ec2 import kinds
from millpond.services.ec2.operating import every
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.record import Record, arn
from millpond.services.ec2.records.security_groups import Rule, SecurityGroup
from millpond.services.ec2.tables import records


class Tagged(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has tags."""

    id: str
    type: str
    arn: str
    tags: Mapping[str, str]
    write: Callable[[Mapping[str, str]], None]
    """Replace its tags, in the transaction of the context that it was found in."""


def find_tagged(ctx: Context, resource_id: str) -> Tagged:
    """The thing of this id. Raises the error of its kind when there is none, InvalidID for an id of no kind."""
    prefix, _, rest = resource_id.rpartition("-")
    if not rest or prefix not in _PREFIXES:
        raise CommonFault("InvalidID", f"The ID '{resource_id[:64]}' is not valid")
    if prefix == kinds.SECURITY_GROUP_RULE.prefix:
        found = next((each for each in _rules(ctx) if each.id == resource_id), None)
        if found is None:
            raise kinds.SECURITY_GROUP_RULE.not_found(resource_id)
        return found
    if prefix == kinds.VOLUME.prefix:
        found = next((each for each in _volumes(ctx) if each.id == resource_id), None)
        if found is None:
            raise kinds.VOLUME.not_found(resource_id)
        return found
    kind = _PREFIXES[prefix]
    record = records.get(ctx.transaction, kind, ctx.account, ctx.region, resource_id)
    if record is None:
        raise kind.KIND.not_found(resource_id)
    return _record(ctx, record)


def tagged(ctx: Context) -> Iterator[Tagged]:
    """Everything of the caller's in the region that can have tags."""
    for kind in records.KINDS:
        for record in every(ctx, kind):
            yield _record(ctx, record)
    yield from _rules(ctx)
    yield from _volumes(ctx)


def _record(ctx: Context, record: Record) -> Tagged:
    return Tagged(
        id=record.id,
        type=record.KIND.type,
        arn=record.arn,
        tags=record.tags,
        write=lambda tags: _retag(ctx, record, tags),
    )


def _retag(ctx: Context, record: Record, tags: Mapping[str, str]) -> None:
    # Read anew: an earlier write of the same request may have tagged a rule or a volume of it.
    now = records.get(ctx.transaction, type(record), ctx.account, ctx.region, record.id)
    assert now is not None
    records.retag(ctx.transaction, msgspec.structs.replace(now, tags=tags))


def _rules(ctx: Context) -> Iterator[Tagged]:
    for group in every(ctx, SecurityGroup):
        for rule in group.rules:
            yield _rule(ctx, group.id, rule)


def _volumes(ctx: Context) -> Iterator[Tagged]:
    for instance in every(ctx, Instance):
        if instance.gone_at is None:
            yield _volume(ctx, instance)


def _volume(ctx: Context, instance: Instance) -> Tagged:
    def write(tags: Mapping[str, str]) -> None:
        # Read anew: an earlier write of the same request may have tagged the instance itself.
        now = records.get(ctx.transaction, Instance, ctx.account, ctx.region, instance.id)
        assert now is not None
        volume = msgspec.structs.replace(now.volume, tags=tags)
        records.retag(ctx.transaction, msgspec.structs.replace(now, volume=volume))

    return Tagged(
        id=instance.volume.id,
        type=kinds.VOLUME.type,
        arn=arn(ctx.account, ctx.region, kinds.VOLUME, instance.volume.id),
        tags=instance.volume.tags,
        write=write,
    )


def _rule(ctx: Context, group_id: str, rule: Rule) -> Tagged:
    def write(tags: Mapping[str, str]) -> None:
        # Read anew: an earlier write of the same request may have tagged another rule of the group.
        group = records.get(ctx.transaction, SecurityGroup, ctx.account, ctx.region, group_id)
        assert group is not None
        rules = (msgspec.structs.replace(each, tags=tags) if each.id == rule.id else each for each in group.rules)
        records.retag(ctx.transaction, msgspec.structs.replace(group, rules=tuple(rules)))

    return Tagged(
        id=rule.id,
        type=kinds.SECURITY_GROUP_RULE.type,
        arn=arn(ctx.account, ctx.region, kinds.SECURITY_GROUP_RULE, rule.id),
        tags=rule.tags,
        write=write,
    )


_PREFIXES: Mapping[str, type[Record]] = MappingProxyType({
    **{kind.KIND.prefix: kind for kind in records.KINDS},
    kinds.SECURITY_GROUP_RULE.prefix: SecurityGroup,
    kinds.VOLUME.prefix: Instance,
})
