"""What other slices and the command line may do with instances: find one, let a key in, ask how to reach it."""

from datetime import timedelta

from sqlalchemy import Connection

from millpond.operation import Context
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance, PushedKey
from millpond.services.ec2.ssh_keys import imported_key
from millpond.services.ec2.tables import instance_access, records

PUSHED_FOR = timedelta(seconds=60)


def find_instance(transaction: Connection, account: str, region: str, instance_id: str) -> Instance | None:
    return records.get(transaction, Instance, account, region, instance_id)


def push_ssh_key(ctx: Context, instance: Instance, *, user: str, key: str) -> None:
    """Let a public key in as a user for a minute. Raises CommonFault InvalidKey.Format for what is no key."""
    checked = imported_key(key.encode())
    instance_access.forget_expired(ctx.transaction, instance.id, ctx.now)
    pushed = PushedKey(instance=instance.id, user=user, key=checked.public_key, expires_at=ctx.now + PUSHED_FOR)
    instance_access.push_key(ctx.transaction, pushed)
    ctx.wake(INSTANCE_CONTROLLER, instance.key)
