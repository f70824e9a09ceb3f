"""New accounts: a form, a code by mail (and one by text message where those have a way out), then the account.

The answer is the same for an address that has an account already; only its owner learns of it, by mail.
"""

from datetime import timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection

from millpond import mail
from millpond.services import iam
from millpond.services.signin import letters, tables, throttle
from millpond.services.signin.desk import Desk, Writing, code_fits, pending_of
from millpond.services.signin.records import Pending, SignUp
from millpond.visit import Refused, Visitor

_PATIENCE = timedelta(hours=1)
_MOST_SENDS = 4
_LONGEST_NAME = 50
_OPEN = "sign-up"
_OVER = "This sign-up is over. Please start again."
_CLOSED = "The operator of this installation has closed sign-up. Ask them for an account."

Step = Literal["mail", "text"]


class SignUps:
    """Implements `pages.spec.SignUp`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def is_open(self) -> bool:
        """Whether anybody who reaches the page may make an account."""
        with self._desk.store.read() as transaction:
            return tables.setting(transaction, _OPEN) != "closed"

    def set_open(self, *, is_open: bool) -> None:
        """The operator's decision."""
        with self._desk.writing() as writing:
            tables.set_setting(writing.transaction, _OPEN, "open" if is_open else "closed")

    @property
    def asks_phone(self) -> bool:
        return self._desk.texts

    def begin(self, visitor: Visitor, *, email: str, name: str, password: str, phone: str = "") -> str:
        """Check the form, send the first code; returns the token that continues. Refused when something is wrong."""
        desk = self._desk
        if not self.is_open():
            raise Refused(_CLOSED, status=403)
        wanted = self._checked(email=email, name=name, password=password, phone=phone)
        limits = [throttle.by_address("sign-up", visitor.source_ip, free=10), _by_recipient(wanted.email)]
        with desk.writing() as writing:
            throttle.count(writing.transaction, limits, writing.now)
        wanted = msgspec.structs.replace(wanted, password_hash=desk.checks.hash(password))
        with desk.writing() as writing:
            taken = iam.account_by_email(writing.transaction, wanted.email) is not None
            wanted = msgspec.structs.replace(wanted, taken=taken)
            token, pending = writing.begin("sign-up", wanted, life=_PATIENCE)
            _send(writing, pending, wanted)
        return token

    def waits_for(self, token: str) -> tuple[Step, str] | None:
        """By which way the next code comes, and to where; None when the sign-up is over."""
        with self._desk.store.read() as transaction:
            found = self._find(transaction, token)
        if found is None:
            return None
        step = _next_step(found[1])
        return step, found[1].email if step == "mail" else found[1].phone

    def resend(self, visitor: Visitor, token: str) -> None:
        """Send another code; the one before stops to fit."""
        with self._desk.writing() as writing:
            found = self._find(writing.transaction, token)
            if found is None:
                raise Refused(_OVER, status=403)
            pending, wanted = found
            if pending.sends >= _MOST_SENDS:
                raise Refused("No more codes are sent for this sign-up. Please start again.", status=429)
            recipient = wanted.email if _next_step(wanted) == "mail" else wanted.phone
            limits = [throttle.by_address("sign-up", visitor.source_ip, free=10), _by_recipient(recipient)]
            throttle.count(writing.transaction, limits, writing.now)
            _send(writing, pending, wanted)

    def verify(self, visitor: Visitor, token: str, code: str) -> str | None:
        """Take a code. Returns the new account's id, or None when a second code is still to come."""
        desk = self._desk
        refused: Refused | None = None
        made: str | None = None
        with desk.writing() as writing:
            found = self._find(writing.transaction, token)
            if found is None:
                raise Refused(_OVER, status=403)
            pending, wanted = found
            throttle.check(writing.transaction, [throttle.by_address("code", visitor.source_ip)], writing.now)
            if not code_fits(desk, pending, code.replace(" ", ""), now=writing.now):
                throttle.count(writing.transaction, [throttle.by_address("code", visitor.source_ip)], writing.now)
                tables.replace_pending(writing.transaction, msgspec.structs.replace(pending, tries=pending.tries + 1))
                refused = Refused("That code is not valid, or no longer. Check it, or ask for a new one.", status=403)
            else:
                made = self._verified(writing, visitor, pending, wanted)
        if refused is not None:
            raise refused
        return made

    def _verified(self, writing: Writing, visitor: Visitor, pending: Pending, wanted: SignUp) -> str | None:
        wanted = msgspec.structs.replace(wanted, verified=(*wanted.verified, _next_step(wanted)))
        if wanted.phone and "text" not in wanted.verified:
            _send(writing, msgspec.structs.replace(writing.resealed(pending, wanted), sends=0), wanted)
            return None
        tables.delete_pending(writing.transaction, pending.id)
        account = make_account(writing, name=wanted.name, email=wanted.email, password_hash=wanted.password_hash)
        writing.record("AccountCreated", visitor, account=account, principal_id=account, user_name=wanted.email)
        return account

    def _find(self, transaction: Connection, token: str) -> tuple[Pending, SignUp] | None:
        return pending_of(self._desk, transaction, token, "sign-up", SignUp, now=self._desk.clock.now())

    def _checked(self, *, email: str, name: str, password: str, phone: str) -> SignUp:
        email, name, phone = email.strip(), " ".join(name.split()), phone.replace(" ", "")
        check_address(email)
        check_name(name)
        if self._desk.texts and not mail.is_phone_number(phone):
            raise Refused("Enter a phone number in international form, such as +49 151 2345678.")
        probe = iam.Account(id="", name=name, email=email, password_hash="", created_at=self._desk.clock.now())
        if len(password) > 128 or (refused := iam.password_violation(probe, password)):
            raise Refused("Password should have at most 128 characters." if len(password) > 128 else f"{refused}.")
        return SignUp(email=email, name=name, password_hash="", phone=phone if self._desk.texts else "")


def make_account(writing: Writing, *, name: str, email: str, password_hash: str) -> str:
    """Make an account and write its owner; returns its id. Refused when the address has one by now."""
    try:
        account = iam.create_account_with(
            writing.transaction, name=name, email=email, password_hash=password_hash, now=writing.now
        )
    except ValueError as error:
        raise Refused(_OVER, status=403) from error
    writing.say(email, *letters.welcome(account.id, name, writing.desk.base_url))
    return account.id


def check_address(email: str) -> None:
    if not mail.is_mail_address(email):
        raise Refused("Enter a valid e-mail address.")


def check_name(name: str) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refused(f"Enter an account name of at most {_LONGEST_NAME} characters.")


def _send(writing: Writing, pending: Pending, wanted: SignUp) -> None:
    """Send the next code. To an address that has an account goes a letter that says so, and no code will fit."""
    code, coded = writing.new_code(pending)
    if _next_step(wanted) == "text":
        writing.say(wanted.phone, "", letters.code_by_text(code), channel="text")
    elif wanted.taken:
        coded = msgspec.structs.replace(coded, code="")
        writing.say(wanted.email, *letters.address_taken(writing.desk.base_url))
    else:
        writing.say(wanted.email, *letters.code(code, "your new Millpond account"))
    tables.replace_pending(writing.transaction, coded)


def _next_step(wanted: SignUp) -> Step:
    return "text" if "mail" in wanted.verified else "mail"


def _by_recipient(recipient: str) -> throttle.Limit:
    return throttle.by_name("code-to", recipient, free=5)
