"""A new password for root by a mailed link. Whoever asks is told the same, whether there is an account or not."""

from datetime import timedelta

from millpond.services import iam
from millpond.services.signin import letters, people, sessions, tables, throttle
from millpond.services.signin.desk import Desk, pending_of
from millpond.services.signin.records import Challenge, Reset
from millpond.services.signin.sign_in import SignIn
from millpond.visit import Refused, Visitor

_LIFE = timedelta(minutes=30)
_OVER = "This link is no longer valid. Ask for a new one."


class Recovery:
    """Implements `pages.spec.Recovery`."""

    def __init__(self, desk: Desk, sign_in: SignIn) -> None:
        self._desk = desk
        self._sign_in = sign_in

    def ask(self, visitor: Visitor, email: str) -> None:
        """Send a link to the owner of the address, if it has an account. Refused only for asking too often."""
        limits = [
            throttle.by_address("recovery", visitor.source_ip, free=10),
            throttle.by_name("recovery", email, free=3),
        ]
        with self._desk.writing() as writing:
            throttle.count(writing.transaction, limits, writing.now)
            account = iam.account_by_email(writing.transaction, email.strip())
            is_known = account is not None and account.closed_at is None
            # A stranger's address costs the same: the row is written for nobody, and no letter goes out.
            token, _ = writing.begin("reset", Reset(account=account.id if account and is_known else ""), life=_LIFE)
            if account is not None and is_known:
                writing.say(account.email, *letters.reset(self._desk.base_url, token))
                writing.record(
                    "PasswordRecoveryRequested", visitor, account=account.id, principal_id=account.id,
                    user_name=account.email,
                )  # fmt: skip

    def is_valid(self, token: str) -> bool:
        with self._desk.store.read() as transaction:
            found = pending_of(self._desk, transaction, token, "reset", Reset, now=self._desk.clock.now())
        return found is not None and bool(found[1].account)

    def reset(self, visitor: Visitor, token: str, password: str) -> None:
        """Set the password; the link is used up, and every session of root ends. Refused when it is no longer valid."""
        desk = self._desk
        with desk.store.read() as transaction:
            found = pending_of(desk, transaction, token, "reset", Reset, now=desk.clock.now())
            person = people.root_of(desk, transaction, found[1].account) if found and found[1].account else None
        if found is None or person is None:
            raise Refused(_OVER, status=403)
        who: Challenge = person.challenge
        hashed = self._sign_in.acceptable(who, password)
        with desk.writing() as writing:
            if not tables.delete_pending(writing.transaction, found[0].id):
                raise Refused(_OVER, status=403)
            people.set_password(desk, writing.transaction, who, hashed, now=writing.now)
            sessions.end_all(writing.transaction, who.principal_id)
            throttle.forgive(writing.transaction, throttle.by_name("sign-in:Root", who.name))
            writing.say(who.name, *letters.password_changed())
            writing.record(
                "PasswordRecoveryCompleted", visitor, account=who.account, principal_id=who.principal_id,
                user_name=who.name,
            )  # fmt: skip
