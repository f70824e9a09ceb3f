"""What other slices may do with instances: find one, let a key in."""

from datetime import timedelta

from sqlalchemy import Connection

from millpond.operation import Context
from millpond.services.ec2.records.instances import Instance, PushedKey
from millpond.services.ec2.ssh_keys import imported_key
from millpond.services.ec2.tables import instance_access, records

PUSHED_FOR = timedelta(seconds=60)


def find_instance(transaction: Connection, account: str, region: str, instance_id: str) -> Instance | None:
    return records.get(transaction, Instance, account, region, instance_id)


def recorded_instance_processes(transaction: Connection) -> frozenset[str]:
    """The names of the processes of every instance that there is a record of."""
    return frozenset(each.process_name for each in records.everywhere(transaction, Instance))


def push_ssh_key(ctx: Context, instance: Instance, *, user: str, key: str) -> None:
    """Let a public key in as a user for a minute: instances ask their metadata for such keys.

    Raises CommonFault InvalidKey.Format for what is no key.
    """
    checked = imported_key(key.encode())
    instance_access.forget_expired(ctx.transaction, instance.id, ctx.now)
    pushed = PushedKey(instance=instance.id, user=user, key=checked.public_key, expires_at=ctx.now + PUSHED_FOR)
    instance_access.push_key(ctx.transaction, pushed)
