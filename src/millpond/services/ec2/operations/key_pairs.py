"""Key pairs: made, imported, described, deleted."""

from collections.abc import Sequence

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.operating import change, delete, describe, every, insert
from millpond.services.ec2.records.key_pairs import KeyPair
from millpond.services.ec2.records.record import arn
from millpond.services.ec2.resources import created, here, of
from millpond.services.ec2.selection import Filters, by_filters, by_id
from millpond.services.ec2.ssh_keys import SshKey, imported_key, new_key

_MOST_KEY_PAIRS = 5000
_LONGEST_NAME = 255


@change(
    takes=("KeyName", "KeyType", "KeyFormat", "TagSpecifications"),
    resources=created(kinds.KEY_PAIR, "CreateKeyPair"),
)
def create_key_pair(ctx: Context, request: Request) -> Response:
    """Make a key pair; the private key is in the answer and nowhere else."""
    if request.get("KeyFormat") == "ppk":
        raise CommonFault("UnsupportedOperation", "The key format ppk is not supported by Millpond; use pem.")
    _check_name(ctx, request["KeyName"])
    made = new_key(request.get("KeyType") or "rsa")
    return {**_insert(ctx, request, made), "KeyMaterial": made.private_key}


@change(
    takes=("KeyName", "PublicKeyMaterial", "TagSpecifications"),
    resources=created(kinds.KEY_PAIR, "ImportKeyPair"),
)
def import_key_pair(ctx: Context, request: Request) -> Response:
    _check_name(ctx, request["KeyName"])
    return _insert(ctx, request, imported_key(request["PublicKeyMaterial"]))


@describe
def describe_key_pairs(ctx: Context, request: Request) -> Response:
    kind = kinds.KEY_PAIR
    found = by_id(
        every(ctx, KeyPair),
        request.get("KeyNames"),
        lambda each: each.name,
        code=kind.missing,
        sentence=kind.sentence,
    )
    found = by_id(
        found,
        request.get("KeyPairIds"),
        lambda each: each.id,
        code=kind.missing,
        sentence="The key pair ID '{}' does not exist",
    )
    found = by_filters(found, request, _FILTERS, tags=lambda each: each.tags)
    return {
        "KeyPairs": [
            {
                "KeyPairId": each.id,
                "KeyName": each.name,
                "KeyType": each.type,
                "KeyFingerprint": each.fingerprint,
                "CreateTime": each.created_at,
                "Tags": tagging.view(each.tags),
                **({"PublicKey": f"{each.public_key} {each.name}\n"} if request.get("IncludePublicKey") else {}),
            }
            for each in sorted(found, key=lambda each: each.name)
        ]
    }


def _of_request(ctx: Context, request: Request) -> Sequence[Resource]:
    found = _named(ctx, request)
    if found is not None:
        return (of(ctx, found),)
    name = request.get("KeyName") or "*"
    return (Resource(arn=arn(ctx.account, ctx.region, kinds.KEY_PAIR, str(name)), context=here(ctx)),)


@change(takes=("KeyName", "KeyPairId"), resources=_of_request)
def delete_key_pair(ctx: Context, request: Request) -> Response:
    """Delete a key pair. AWS is content when there is none."""
    if not request.get("KeyName") and not request.get("KeyPairId"):
        raise CommonFault("MissingParameter", "The request must contain the parameter keyName or keyPairId")
    found = _named(ctx, request)
    if found is None:
        return {"Return": True}
    delete(ctx, found)
    return {"Return": True, "KeyPairId": found.id}


def _named(ctx: Context, request: Request) -> KeyPair | None:
    name, key_id = request.get("KeyName"), request.get("KeyPairId")
    return next((each for each in every(ctx, KeyPair) if each.name == name or each.id == key_id), None)


def _check_name(ctx: Context, name: str) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isascii() or name != name.strip():
        raise CommonFault("InvalidParameterValue", "Value for parameter keyName is invalid: 1 to 255 ASCII characters.")
    known = every(ctx, KeyPair)
    if any(each.name == name for each in known):
        raise CommonFault("InvalidKeyPair.Duplicate", "The keypair already exists")
    if len(known) >= _MOST_KEY_PAIRS:
        raise CommonFault("KeyPairLimitExceeded", "The maximum number of key pairs has been reached.")


def _insert(ctx: Context, request: Request, key: SshKey) -> Response:
    pair = KeyPair(
        id=f"key-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        tags=tagging.specified(request, kinds.KEY_PAIR)[kinds.KEY_PAIR.type],
        name=request["KeyName"],
        type=key.type,
        fingerprint=key.fingerprint,
        public_key=key.public_key,
        created_at=ctx.now,
    )
    insert(ctx, pair)
    return {
        "KeyPairId": pair.id,
        "KeyName": pair.name,
        "KeyFingerprint": pair.fingerprint,
        "Tags": tagging.view(pair.tags),
    }


_FILTERS: Filters[KeyPair] = {
    "fingerprint": lambda pair: [pair.fingerprint],
    "key-name": lambda pair: [pair.name],
    "key-pair-id": lambda pair: [pair.id],
}

OPERATIONS: Sequence[Operation] = (create_key_pair, delete_key_pair, describe_key_pairs, import_key_pair)
