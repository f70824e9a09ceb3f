"""What the operator asks about accounts and messages; blocking, in the operator's words."""

from collections.abc import Sequence

from millpond.kernel.clock import iso8601
from millpond.operator.facts import AccountLine, Accounts, NewAccount, OutboxMessage
from millpond.operator.spec import Refusal
from millpond.services import iam, signin
from millpond.services.signin import Desk
from millpond.visit import Refused


class PeopleOfInstallation:
    """The accounts of an installation, for its operator."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sign_ups = signin.SignUps(desk)

    def accounts(self) -> Accounts:
        with self._desk.store.read() as transaction:
            found = signin.listed(transaction)
        return Accounts(
            accounts=[
                AccountLine(
                    id=each.id,
                    name=each.name,
                    email=each.email,
                    created=iso8601(each.created_at),
                    closed=iso8601(each.closed_at) if each.closed_at else "",
                )
                for each in found
            ],
            signup_open=self._sign_ups.is_open(),
        )

    def create(self, *, name: str, email: str) -> NewAccount:
        password = iam.new_passphrase()
        try:
            account = signin.create(self._desk, name=name, email=email, password=password)
        except Refused as refused:
            raise Refusal(refused.message) from refused
        return NewAccount(id=account, email=email, password=password)

    def reopen(self, account: str) -> None:
        try:
            signin.reopen(self._desk, account)
        except Refused as refused:
            raise Refusal(refused.message) from refused

    def open_signup(self, *, is_open: bool) -> None:
        self._sign_ups.set_open(is_open=is_open)

    def outbox(self) -> Sequence[OutboxMessage]:
        with self._desk.store.read() as transaction:
            found = signin.outbox(self._desk, transaction)
        return [
            OutboxMessage(
                at=iso8601(each.at),
                channel=each.channel,
                recipient=each.recipient,
                subject=each.subject,
                body=each.body,
                state=each.state,
                last_error=each.last_error,
            )
            for each in found
        ]

    def sign_out_everywhere(self, account: str) -> None:
        """After root's password was replaced: nobody who knew the old one stays, and nobody is locked out."""
        signin.sign_out_root(self._desk, account)
