"""The access portal by the pages: invitations, passwords, second factors, keys, approvals, and what is refused."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from millpond.app.identity_center import Invitations
from millpond.operation import Caller
from millpond.services import sso
from tests.support.pages_world import PASSWORD, Browser, Device, PagesWorld, Reply, pages_world

EMAIL = "ann@example.com"
OTHER = "Other-harbour-2"
CALLBACK = "http://127.0.0.1:43210/oauth/callback"
_NOBODY = Caller(account="", arn="anonymous", user_id="anonymous", kind="Anonymous", access_key_id="")


class Portal(PagesWorld):
    """A world with Identity Center enabled and Ann invited."""

    def enable(self) -> None:
        instance = self.admin("CreateInstance", service="sso")["InstanceArn"]
        self.instance = str(instance)
        described = self.admin("DescribeInstance", service="sso", InstanceArn=instance)
        self.identity_store = str(described["IdentityStoreId"])
        self.ann = self.invite("ann", EMAIL)

    def invite(self, name: str, email: str) -> str:
        made = self.admin(
            "CreateUser",
            service="identitystore",
            IdentityStoreId=self.identity_store,
            UserName=name,
            DisplayName="Ann Lake",
            Name={"GivenName": "Ann", "FamilyName": "Lake"},
            Emails=[{"Value": email, "Primary": True}],
        )
        keeper = Invitations(self.desk)
        for key in keeper.keys():  # noqa: SIM118 - a controller's keys are no dict's
            asyncio.run(keeper.reconcile(key))
        return str(made["UserId"])

    def assign(self, user_id: str, role: str = "Reader") -> None:
        made: Any = self.admin("CreatePermissionSet", service="sso", InstanceArn=self.instance, Name=role)
        self.admin(
            "CreateAccountAssignment",
            service="sso",
            InstanceArn=self.instance,
            TargetId=self.first.account,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=made["PermissionSet"]["PermissionSetArn"],
            PrincipalType="USER",
            PrincipalId=user_id,
        )

    def anonymously(self, operation: str, **parameters: object) -> Mapping[str, Any]:
        return self.client.call("sso-oauth", operation, dict(parameters), region="us-east-1", caller=_NOBODY)

    def link(self, email: str = EMAIL) -> str:
        return self.letters(email)[0].partition("token=")[2].split()[0]

    def accepted(self, *, ip: str = "192.0.2.1") -> Browser:
        """Ann, with a password and signed in."""
        browser = self.browser(ip=ip)
        token = self.link()
        assert browser.get(f"/invitation?token={token}").says("Ann Lake")
        reply = browser.post("/invitation", link=token, password=PASSWORD, password_again=PASSWORD)
        assert reply.location == "/start/security/devices", reply.text
        return browser


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Portal]:
    with pages_world(tmp_path) as made:
        made.__class__ = Portal
        assert isinstance(made, Portal)
        made.enable()
        yield made


def sign_in(browser: Browser, user: str = "ann", password: str = PASSWORD) -> Reply:
    browser.get("/start/signin")
    return browser.post("/start/signin", user=user, password=password)


def registers(world: Portal, browser: Browser) -> Device:
    shown = browser.get("/start/security/devices")
    seed = re.search(r"<code>([A-Z2-7]{16,})</code>", shown.text)
    assert seed is not None
    device = Device(seed[1], world.clock)
    fields = {"device": shown.hidden("device"), "name": "phone"}
    assert browser.post("/start/security/devices", **fields, code="000000").status == 400
    assert browser.post("/start/security/devices", **fields, code=device.code()).status == 303
    return device


def test_a_new_user_is_invited_once(world: Portal):
    assert len(world.letters(EMAIL)) == 1
    assert not list(Invitations(world.desk).keys())


def test_an_invitation_works_once_and_signs_in(world: Portal):
    token = world.link()
    browser = world.accepted()
    assert browser.get("/start").status == 200
    assert browser.get(f"/invitation?token={token}").status == 403
    thief = world.browser(ip="192.0.2.66")
    thief.get("/start/signin")
    assert thief.post("/invitation", link=token, password=OTHER, password_again=OTHER).status == 403
    assert sign_in(thief, password=OTHER).status == 403
    assert list(Invitations(world.desk).keys()) == []


def test_an_invitation_ends_after_seven_days(world: Portal):
    token = world.link()
    world.later(days=7, seconds=1)
    assert world.browser().get(f"/invitation?token={token}").status == 403


@pytest.mark.parametrize("weak", ["short1A!", "nouppercase1!", "NoSymbols12", "A1!" + "x" * 70])
def test_identity_centers_rules_for_passwords_hold(world: Portal, weak: str):
    weak = weak[:7] if weak == "short1A!" else weak
    browser = world.browser()
    token = world.link()
    browser.get(f"/invitation?token={token}")
    assert browser.post("/invitation", link=token, password=weak, password_again=weak).status == 400
    assert browser.get(f"/invitation?token={token}").status == 200


def test_who_is_unknown_is_told_the_same(world: Portal):
    world.accepted()
    world.verified.clear()
    known, unknown = sign_in(world.browser(), password="wrong"), sign_in(world.browser(), "eve", "wrong")
    assert known.words.replace("ann", "") == unknown.words.replace("eve", "")
    assert len(world.verified) == 2


def test_guesses_are_rationed(world: Portal):
    world.accepted()
    replies = [sign_in(world.browser(ip=f"192.0.2.{number}"), password="wrong").status for number in range(6)]
    assert replies == [403] * 5 + [429]
    assert sign_in(world.browser()).status == 429


def test_a_registered_app_is_asked_for_and_its_codes_work_once(world: Portal):
    browser = world.accepted()
    device = registers(world, browser)
    assert browser.get("/start/security").says("phone")
    again = world.browser(ip="192.0.2.2")
    assert sign_in(again).location == "/start/mfa?next=%2Fstart"
    assert again.get("/start").location == "/start/signin"
    again.get("/start/mfa")
    assert again.post("/start/mfa", code=device.code()).status == 403
    assert again.post("/start/mfa", code=device.next_code()).location == "/start"
    other = world.browser(ip="192.0.2.3")
    sign_in(other)
    other.get("/start/mfa")
    assert other.post("/start/mfa", code=device.code()).status == 403


def test_second_factors_change_only_after_a_fresh_password_and_code(world: Portal):
    browser = world.accepted()
    device = registers(world, browser)
    world.later(minutes=11)
    device_id = browser.get("/start/security").hidden("device")
    assert browser.post("/start/security/devices/remove", device=device_id).location.startswith("/start/confirm")
    led = browser.get("/start/security/devices").location
    assert led == "/start/confirm?next=%2Fstart%2Fsecurity%2Fdevices"
    browser.get(led)
    assert browser.post("/start/confirm", password=PASSWORD, code="000000").status == 403
    confirmed = browser.post("/start/confirm", password=PASSWORD, code=device.next_code(), next="/start/security")
    assert confirmed.location == "/start/security"
    browser.get("/start/security")
    assert browser.post("/start/security/devices/remove", device=device_id).location == "/start/security"
    assert sign_in(world.browser(ip="192.0.2.2")).location == "/start"


def test_keys_are_given_for_what_is_assigned_and_nothing_else(world: Portal):
    browser = world.accepted()
    assert browser.get("/start").says("No account is assigned")
    account = world.first.account
    assert browser.post("/start/keys", account=account, role="Reader").status == 403
    world.assign(world.ann)
    page = browser.get("/start")
    assert page.says("Reader")
    assert page.says(account)
    shown = browser.post("/start/keys", account=account, role="Reader")
    found = re.search(r"ASIA[A-Z2-7]{16}", shown.text)
    assert found is not None
    with world.store.read() as transaction:
        credential = world.identity.credential(transaction, found[0])
    assert credential is not None
    assert re.search(r"assumed-role/AWSReservedSSO_Reader_[0-9a-f]{16}/ann", credential.caller.arn)
    assert browser.post("/start/keys", account="111122223333", role="Reader").status == 403
    assert browser.post("/start/keys", account=account, role="Admin").status == 403


def test_a_disabled_or_deleted_user_is_out_at_once(world: Portal):
    browser = world.accepted()
    world.admin("DeleteUser", service="identitystore", IdentityStoreId=world.identity_store, UserId=world.ann)
    assert browser.get("/start").location == "/start/signin"
    assert sign_in(world.browser()).status == 403


def test_a_forgotten_password_is_replaced_by_a_link(world: Portal):
    old = world.accepted()
    browser = world.browser(ip="192.0.2.2")
    browser.get("/start/forgot")
    known, unknown = browser.post("/start/forgot", user="ann"), browser.post("/start/forgot", user="eve")
    assert known.words == unknown.words
    token = world.link()
    browser.get(f"/invitation?token={token}")
    assert browser.post("/invitation", link=token, password=OTHER, password_again=OTHER).status == 303
    assert old.get("/start").location == "/start/signin"
    assert sign_in(world.browser(ip="192.0.2.3")).status == 403
    assert sign_in(world.browser(ip="192.0.2.3"), password=OTHER).status == 303


def test_the_start_url_leads_awss_tools_to_the_instance(world: Portal):
    reply = world.browser().get("/start", method="HEAD")
    assert reply.status == 302
    assert re.fullmatch(r"https://ssoins-[0-9a-f]{16}\.portal\.us-east-1\.app\.aws/start", reply.location)
    with world.store.read() as transaction:
        found = sso.instance_at(transaction, reply.location)
    assert found is not None
    assert found.arn == world.instance


def test_without_identity_center_the_portal_says_so(tmp_path: Path):
    with pages_world(tmp_path) as bare:
        assert bare.browser().get("/start").status == 404
        assert bare.browser().get("/start", method="HEAD").status == 404


def waiting_device(world: Portal) -> tuple[dict[str, str], Mapping[str, Any]]:
    client = world.anonymously("RegisterClient", clientName="dev <b>box</b>", clientType="public")
    known = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
    url = "http://127.0.0.1:8421/start"
    return known, world.anonymously("StartDeviceAuthorization", **known, startUrl=url)


def test_a_device_is_shown_by_name_and_code_and_let_in_by_a_click_only(world: Portal):
    browser = world.accepted()
    known, waiting = waiting_device(world)
    page = browser.get(f"/start/device?user_code={waiting['userCode'].lower().replace('-', '')}")
    assert page.says(waiting["userCode"])
    assert page.says("dev <b>box</b>")
    assert "<b>box" not in page.text
    assert page.says("Allow it only if you started it yourself")
    assert browser.post("/start/device", user_code=waiting["userCode"], step="allow").says("Allowed")
    tokens = world.anonymously(
        "CreateToken",
        **known,
        grantType="urn:ietf:params:oauth:grant-type:device_code",
        deviceCode=waiting["deviceCode"],
    )
    assert tokens["accessToken"]
    assert browser.post("/start/device", user_code=waiting["userCode"], step="allow").status == 403


def test_a_denied_device_gets_nothing(world: Portal):
    browser = world.accepted()
    _, waiting = waiting_device(world)
    browser.get(f"/start/device?user_code={waiting['userCode']}")
    assert browser.post("/start/device", user_code=waiting["userCode"], step="deny").says("Denied")
    assert browser.get(f"/start/device?user_code={waiting['userCode']}").status == 404


def test_user_codes_cannot_be_guessed_for_ever(world: Portal):
    browser = world.accepted()
    replies = [browser.get(f"/start/device?user_code=BCDF-GHJ{char}").status for char in "BCDFGHJKLMNP"]
    assert replies == [404] * 10 + [429] * 2


def test_a_stranger_is_led_through_the_sign_in_and_back_to_the_device(world: Portal):
    world.accepted()
    browser = world.browser(ip="192.0.2.2")
    led = browser.get("/start/device?user_code=BCDF-GHJK").location
    assert led == "/start/signin?next=%2Fstart%2Fdevice%3Fuser_code%3DBCDF-GHJK"
    page = browser.get(led)
    reply = browser.post("/start/signin", user="ann", password=PASSWORD, next=page.hidden("next"))
    assert reply.location == "/start/device?user_code=BCDF-GHJK"


def authorization(world: Portal, **changed: str) -> dict[str, str]:
    client = world.anonymously(
        "RegisterClient",
        clientName="dev",
        clientType="public",
        scopes=["sso:account:access"],
        grantTypes=["authorization_code", "refresh_token"],
        redirectUris=["http://127.0.0.1/oauth/callback"],
        issuerUrl="http://127.0.0.1:8421/start",
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        "client_id": client["clientId"],
        "redirect_uri": CALLBACK,
        "state": "s-1",
        "code_challenge_method": "S256",
        "scopes": "sso:account:access",
        "code_challenge": challenge,
    } | changed


def test_a_program_is_sent_its_code_or_a_no(world: Portal):
    browser = world.accepted()
    asked = authorization(world)
    page = browser.get(f"/authorize?{urlencode(asked)}")
    assert page.says(CALLBACK)
    assert "form-action 'self' http://127.0.0.1:43210" in page.headers["content-security-policy"]
    denied = browser.post("/authorize", **asked, step="deny")
    assert parse_qs(urlsplit(denied.location).query) == {"error": ["access_denied"], "state": ["s-1"]}
    allowed = browser.post("/authorize", **asked, step="allow")
    assert allowed.location.startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:43210/elsewhere"},
        {"redirect_uri": "http://localhost.evil.example/oauth/callback"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"client_id": "unknown"},
        {"response_type": "token"},
        {"scopes": "everything"},
    ],
)
def test_a_program_that_asks_wrongly_is_refused_on_the_spot(world: Portal, changed: dict[str, str]):
    browser = world.accepted()
    asked = authorization(world, **changed)
    for reply in (browser.get(f"/authorize?{urlencode(asked)}"), browser.post("/authorize", **asked, step="allow")):
        assert 400 <= reply.status < 500
        assert not reply.location


def test_a_portal_user_is_nobody_in_the_console(world: Portal):
    browser = world.accepted()
    assert browser.get("/account").location.startswith("/signin")
    swapped = world.browser()
    swapped.cookies = {"millpond-console": browser.cookies["millpond-portal"]}
    assert swapped.get("/account").location.startswith("/signin")
