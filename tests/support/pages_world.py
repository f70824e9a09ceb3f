"""The pages in this process, without sockets: real store, sign-in and gateway; a clock that is set; browsers with jars."""

import asyncio
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from millpond.app.console_login import ConsoleLogins
from millpond.app.identity_center import PortalOfInstance, UsersOfDirectory
from millpond.app.sign_in import desk_of, pages_of
from millpond.app.state import State
from millpond.aws.models import Models
from millpond.config import Config
from millpond.gateway.client import Client
from millpond.gateway.server import Gateway
from millpond.kernel.clock import SettableClock
from millpond.mail import Senders
from millpond.services import cloudtrail, iam, signin, sso, sts
from millpond.services.iam import totp
from millpond.services.iam.records import MfaDevice
from millpond.services.iam.tables import devices, principals
from millpond.store import Store, Vault, metadata
from tests.api.operations_world import Machine

HOST = "127.0.0.1:8421"
ORIGIN = f"http://{HOST}"
PASSWORD = "Quiet-harbour-1"


class TickingClock(SettableClock):
    """No two moments are the same, as on a real machine."""

    def now(self) -> datetime:
        self.advance(timedelta(microseconds=1))
        return super().now()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser was answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def words(self) -> str:
        """The text without what differs from page to page: what somebody who compares two answers would look at."""
        return re.sub(r'name="form_token" value="[0-9a-f]*"', "", self.text)

    def says(self, words: str) -> bool:
        return words in unescape(self.text)

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        return unescape(found[1]) if found else ""


class Browser:
    """Keeps cookies, sends the forms it was shown, follows nothing by itself."""

    def __init__(self, world: "PagesWorld", *, ip: str = "192.0.2.1", secure: bool = False) -> None:
        self._world = world
        self.ip = ip
        self.secure = secure
        self.cookies: dict[str, str] = {}
        self.form_token = ""

    @property
    def origin(self) -> str:
        return f"{'https' if self.secure else 'http'}://{HOST}"

    def get(self, target: str, *, method: str = "GET", headers: Mapping[str, str] = {}) -> Reply:
        return self.send(method, target, headers=headers)

    def post(self, target: str, *, headers: Mapping[str, str] | None = None, **fields: str) -> Reply:
        """Send a form of the page that was shown last."""
        given = {"origin": self.origin, "sec-fetch-site": "same-origin"} if headers is None else dict(headers)
        body = urlencode({"form_token": self.form_token} | fields).encode()
        given.setdefault("content-type", "application/x-www-form-urlencoded")
        return self.send("POST", target, headers=given, body=body)

    def send(self, method: str, target: str, *, headers: Mapping[str, str] = {}, body: bytes = b"") -> Reply:
        parts = urlsplit(target)
        sent = {"host": HOST} | dict(headers)
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "method": method,
            "scheme": "https" if self.secure else "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": (self.ip, 50000),
        }
        reply = self._world.asked(scope, body)
        for name, value in re.findall(r"([\w-]+)=([^;]*); Path=/", reply.headers.get("set-cookie", "")):
            self.cookies[name] = value
        self.form_token = reply.hidden("form_token") or self.form_token
        return reply


class PagesWorld:
    """An installation of pages, sign-in, IAM, STS and Identity Center."""

    def __init__(self, directory: Path, store: Store, *, texts: bool = False) -> None:
        self.store = store
        self.vault = Vault(bytes(range(32)))
        self.clock = TickingClock(datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
        with store.begin() as transaction:
            made = iam.bootstrap(transaction, self.vault, now=self.clock.now())
        assert made is not None
        self.first = made
        self.config = Config(home=directory, engines=directory)
        self.identity = iam.IamIdentity(self.vault)
        self.trail = cloudtrail.Trail(store, self.vault)
        self.wakes: list[tuple[str, str]] = []
        state = State(store=store, vault=self.vault, account=made.account, first_run=None)
        desk = desk_of(
            self.config,
            state,
            identity=self.identity,
            clock=self.clock,
            deliver=self.wakes.extend,
            trail=self.trail,
            senders=Senders(),
            endpoint=ORIGIN,
            directory=UsersOfDirectory(self.vault),
        )
        self.verified: list[str] = []
        checks = signin.PasswordChecks(hash_password=_hash, verify=self._verify)
        self.desk = msgspec.structs.replace(desk, checks=checks, texts=texts)
        self.gateway = Gateway(
            services=(iam.SERVICE, sts.SERVICE, *sso.SERVICES, signin.SERVICE),
            models=_models(),
            store=store,
            identity=self.identity,
            platform=Machine(),
            clock=self.clock,
            deliver=self.wakes.extend,
            vault=self.vault,
        )
        self.client = Client(self.gateway.call)
        self.pages = pages_of(
            self.config,
            self.desk,
            client=self.client,
            portal=PortalOfInstance(self.desk),
            logins=ConsoleLogins(self.desk, "us-east-1"),
        )

    def browser(self, *, ip: str = "192.0.2.1", secure: bool = False) -> Browser:
        return Browser(self, ip=ip, secure=secure)

    def account(self, email: str = "ann@example.com", name: str = "Harbour") -> str:
        return signin.create(self.desk, name=name, email=email, password=PASSWORD)

    def user(self, name: str = "bob", *, must_change: bool = False, policy: str = "", password: str = PASSWORD) -> str:
        """An IAM user of the first account who may sign in; returns the account's id."""
        self.admin("CreateUser", UserName=name)
        self.admin("CreateLoginProfile", UserName=name, Password=password, PasswordResetRequired=must_change)
        if policy:
            self.admin("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=policy)
        # argon2 made that hash; the world's own is quicker.
        with self.store.begin() as transaction:
            found = iam.user_named(transaction, self.first.account, name)
            assert found is not None
            iam.set_user_password(transaction, found, _hash(password), now=self.clock.now())
            if must_change:
                found = iam.user_named(transaction, self.first.account, name)
                assert found is not None
                principals.replace(transaction, msgspec.structs.replace(found, password_reset_required=True))
        return self.first.account

    def admin(self, operation: str, *, service: str = "iam", **parameters: object) -> Mapping[str, object]:
        """Call the API as the first account's administrator."""
        with self.store.read() as transaction:
            caller = iam.administrator(transaction, self.first.account)
        assert caller is not None
        return self.client.call(service, operation, dict(parameters), region="us-east-1", caller=caller)

    def device(self, principal_id: str, *, account: str = "", name: str = "phone") -> "Device":
        """An MFA device, enabled for root (by the account's id) or a user."""
        account = account or principal_id
        seed, serial = totp_seed(), f"arn:aws:iam::{account}:mfa/{name}"
        with self.store.begin() as transaction:
            devices.insert(
                transaction,
                MfaDevice(
                    serial=serial,
                    account=account,
                    seed=self.vault.seal(seed, f"mfa/{serial}"),
                    created_at=self.clock.now(),
                    principal_id=principal_id,
                    enabled_at=self.clock.now(),
                ),
            )
        return Device(seed, self.clock)

    def signed_in(self, email: str = "ann@example.com", *, ip: str = "192.0.2.1") -> Browser:
        """Root of an account, signed in by password alone."""
        browser = self.browser(ip=ip)
        reply = sign_in_root(browser, email)
        assert reply.location == "/account", reply.text
        return browser

    def letters(self, recipient: str) -> list[str]:
        """What was written to somebody, the newest first."""
        with self.store.read() as transaction:
            return [each.body for each in signin.outbox(self.desk, transaction) if each.recipient == recipient]

    def code_for(self, recipient: str) -> str:
        found = re.search(r"\b(\d{6})\b", self.letters(recipient)[0])
        assert found is not None
        return found[1]

    def events(self, account: str) -> list[tuple[str, str]]:
        """Names and outcomes on an account's record, the newest first."""
        self.trail.flush()
        with self.store.read() as transaction:
            return [(each.name, each.error) for each in cloudtrail.recent_activity(transaction, account, limit=50)]

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def asked(self, scope: dict[str, object], body: bytes) -> Reply:
        sent: list[dict[str, object]] = []
        pieces = [body[start : start + 8192] for start in range(0, len(body), 8192)] or [b""]

        async def receive() -> dict[str, object]:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            sent.append(message)

        asyncio.run(self.pages(scope, receive, send))
        start, content = sent[0], sent[1]["body"]
        assert isinstance(content, bytes)
        raw = start["headers"]
        assert isinstance(raw, list)
        headers = {name.decode(): value.decode() for name, value in raw}
        status = start["status"]
        assert isinstance(status, int)
        return Reply(status=status, headers=headers, text=content.decode())

    def close(self) -> None:
        self.pages.close()
        self.gateway.close()
        self.trail.close()

    def _verify(self, password: str, hashed: str) -> bool:
        self.verified.append(hashed)
        return hashed == _hash(password)


class Device:
    """An authenticator app by the world's clock."""

    def __init__(self, seed: str, clock: SettableClock) -> None:
        self.seed = seed
        self._clock = clock

    def code(self) -> str:
        return totp.code_at(self.seed, totp.step_at(self._clock.now()))

    def next_code(self) -> str:
        self._clock.advance(timedelta(seconds=totp.STEP_SECONDS))
        return self.code()


@contextmanager
def pages_world(directory: Path, *, texts: bool = False) -> Iterator[PagesWorld]:
    (directory / "millpond.db").write_bytes(_empty_database())
    store = Store(f"sqlite:///{directory}/millpond.db")
    world = PagesWorld(directory, store, texts=texts)
    yield world
    world.close()
    store.close()


def sign_in_root(browser: Browser, email: str, password: str = PASSWORD, **fields: str) -> Reply:
    """Both pages of root's sign-in."""
    browser.get("/signin")
    shown = browser.post("/signin", step="email", email=email, **fields)
    assert shown.status == 200
    return browser.post("/signin", step="password", email=email, password=password, **fields)


def sign_in_user(browser: Browser, account: str, user: str, password: str = PASSWORD) -> Reply:
    browser.get("/signin?as=user")
    return browser.post("/signin?as=user", step="user", account=account, user=user, password=password)


@cache
def _models() -> Models:
    return Models()


@cache
def _empty_database() -> bytes:
    """Every table, made once for all tests of a worker."""
    with tempfile.TemporaryDirectory() as directory:
        store = Store(f"sqlite:///{directory}/millpond.db")
        metadata.create_all(store.engine)
        store.close()
        return (Path(directory) / "millpond.db").read_bytes()


def totp_seed() -> str:
    return "JBSWY3DPEHPK3PXP" * 4


def _hash(password: str) -> str:
    return f"quick:{password}"
