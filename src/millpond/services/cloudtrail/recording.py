"""Writing records in the caller's own transaction: what is recorded stands or falls with what it is about."""

from sqlalchemy import Connection

from millpond.operation import Attempt
from millpond.services import iam
from millpond.services.cloudtrail import record
from millpond.services.cloudtrail.chain import append
from millpond.services.cloudtrail.record import Body, OperatorAct, ServiceAct, SignIn
from millpond.store import Vault


def record_call(transaction: Connection, vault: Vault, attempt: Attempt) -> None:
    """Record a call. With a service's name as `source_ip` it was the service's, in the caller's name."""
    append(transaction, vault, bodies_of_call(transaction, attempt))


def record_sign_in(transaction: Connection, vault: Vault, sign_in: SignIn) -> None:
    """Record a sign-in together with the session that it opens."""
    append(transaction, vault, [record.of_sign_in(sign_in)])


def record_service_act(transaction: Connection, vault: Vault, act: ServiceAct) -> None:
    """Record what a service did as its role."""
    append(transaction, vault, [record.of_service_act(act)])


def record_operator_act(transaction: Connection, vault: Vault, act: OperatorAct) -> None:
    """Record what the operator did."""
    append(transaction, vault, [record.of_operator_act(act)])


def bodies_of_call(transaction: Connection, attempt: Attempt) -> list[Body]:
    """A call as a record, with what is known of the session behind its credentials.

    Who takes on another account's role is on record in both accounts.
    """
    key = attempt.caller.session
    body = record.of_call(attempt, iam.session(transaction, key) if key else None)
    other = record.other_account(attempt)
    return [body] if other is None else list(record.shared(body, other))
