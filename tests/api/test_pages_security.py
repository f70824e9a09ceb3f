"""Account security by the pages: MFA devices through IAM's own operations, access keys, `aws login`."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from millpond.services.iam import totp
from tests.support.pages_world import ORIGIN, Browser, PagesWorld, pages_world, sign_in_root, sign_in_user

EMAIL = "ann@example.com"
CALLBACK = "http://127.0.0.1:43210/oauth/callback"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PagesWorld]:
    with pages_world(tmp_path) as made:
        yield made


def statement(*actions: str) -> str:
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    })


def codes(world: PagesWorld, seed: str) -> tuple[str, str]:
    step = totp.step_at(world.clock.now())
    return totp.code_at(seed, step - 1), totp.code_at(seed, step)


def begins(browser: Browser, name: str = "phone") -> tuple[str, str]:
    """Serial and seed of a device that is being set up."""
    browser.get("/account/security/devices")
    shown = browser.post("/account/security/devices", name=name)
    assert 'src="data:image/png;base64,' in shown.text, shown.text
    return shown.hidden("serial"), shown.hidden("seed")


def enables(world: PagesWorld, browser: Browser, name: str = "phone") -> str:
    serial, seed = begins(browser, name)
    first, second = codes(world, seed)
    reply = browser.post("/account/security/devices/enable", serial=serial, seed=seed, first=first, second=second)
    assert reply.location == "/account/security?device-on", reply.text
    return seed


def test_a_device_takes_two_codes_in_a_row(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    serial, seed = begins(browser)
    first, second = codes(world, seed)
    for wrong in ((first, first), (second, first), ("000000", second), ("", ""), ("abcdef", "ghijkl")):
        reply = browser.post(
            "/account/security/devices/enable", serial=serial, seed=seed, first=wrong[0], second=wrong[1]
        )
        assert reply.status in {400, 403}
        assert not reply.location
    reply = browser.post("/account/security/devices/enable", serial=serial, seed=seed, first=first, second=second)
    assert reply.location == "/account/security?device-on"
    assert sign_in_root(world.browser(), EMAIL).location.startswith("/signin/mfa")


def test_the_codes_that_turned_a_device_on_are_used_up(world: PagesWorld):
    world.account()
    seed = enables(world, world.signed_in())
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    browser.get("/signin/mfa")
    assert browser.post("/signin/mfa", code=codes(world, seed)[1]).status == 403


def test_eight_devices_and_no_ninth(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    for number in range(8):
        enables(world, browser, f"phone-{number}")
    serial, seed = begins(browser, "phone-9")
    first, second = codes(world, seed)
    reply = browser.post("/account/security/devices/enable", serial=serial, seed=seed, first=first, second=second)
    assert reply.says("Cannot exceed quota for MfaDevicesPerUser: 8")


def test_a_device_is_brought_back_in_step_and_removed(world: PagesWorld):
    account = world.account()
    browser = world.signed_in()
    seed = enables(world, browser)
    serial = f"arn:aws:iam::{account}:mfa/phone"
    page = browser.get(f"/account/security/devices/resync?{urlencode({'serial': serial})}")
    assert page.hidden("serial") == serial
    step = totp.step_at(world.clock.now()) + 10
    reply = browser.post(
        "/account/security/devices/resync",
        serial=serial,
        first=totp.code_at(seed, step),
        second=totp.code_at(seed, step + 1),
    )
    assert reply.location == "/account/security?device-resynced"
    browser.get(f"/account/security/devices/remove?{urlencode({'serial': serial})}")
    assert browser.post("/account/security/devices/remove", serial=serial).location == "/account/security?device-off"
    assert sign_in_root(world.browser(), EMAIL).location == "/account"


def test_somebody_elses_device_is_out_of_reach(world: PagesWorld):
    victim = world.account("eve@example.com", "Other")
    world.device(victim)
    world.account()
    browser = world.signed_in()
    serial = f"arn:aws:iam::{victim}:mfa/phone"
    for page in ("resync", "remove"):
        assert browser.get(f"/account/security/devices/{page}?{urlencode({'serial': serial})}").status == 404
    browser.get("/account/security/devices")
    assert browser.post("/account/security/devices/remove", serial=serial).status in {403, 404}
    assert browser.post("/account/security/devices/enable", serial=serial, step="cancel").status in {403, 404}
    assert sign_in_root(world.browser(), "eve@example.com").location.startswith("/signin/mfa")


def test_only_a_seed_is_ever_drawn(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    browser.get("/account/security/devices")
    reply = browser.post("/account/security/devices/enable", serial="x", seed="<b>&evil", first="1", second="2")
    assert "data:image" not in reply.text
    assert "<b>" not in reply.text


def test_root_is_warned_before_it_gets_a_key(world: PagesWorld):
    account = world.account()
    browser = world.signed_in()
    assert browser.get("/account/security/keys").says("no policy can limit it")
    assert browser.post("/account/security/keys").status == 400
    shown = browser.post("/account/security/keys", understood="yes")
    found = re.search(r"AKIA[A-Z2-7]{16}", shown.text)
    assert found is not None
    with world.store.read() as transaction:
        credential = world.identity.credential(transaction, found[0])
    assert credential is not None
    assert credential.caller.arn == f"arn:aws:iam::{account}:root"
    assert shown.says(credential.secret)
    assert not browser.get("/account/security").says(credential.secret)
    assert browser.get("/account").says("The root user has access keys")


def test_keys_are_deactivated_and_deleted(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    browser.get("/account/security/keys")
    key = re.search(r"AKIA[A-Z2-7]{16}", browser.post("/account/security/keys", understood="yes").text)
    assert key is not None
    browser.get("/account/security")
    for step, words in (("deactivate", "Inactive"), ("activate", "Active"), ("delete", "Create access key")):
        assert browser.post("/account/security/keys/change", key=key[0], step=step).location == "/account/security"
        assert browser.get("/account/security").says(words)
    assert browser.post("/account/security/keys/change", key=key[0], step="burn").status == 400
    assert browser.post("/account/security/keys/change", key="AKIAAAAAAAAAAAAAAAAA", step="delete").status == 404


def test_a_user_sees_and_does_what_policies_allow(world: PagesWorld):
    account = world.user()
    browser = world.browser()
    sign_in_user(browser, account, "bob")
    assert browser.get("/account/security").says("is not authorized to perform: iam:ListMFADevices")
    browser.get("/account/security/keys")
    assert browser.post("/account/security/keys").status == 403
    world.admin("PutUserPolicy", UserName="bob", PolicyName="own", PolicyDocument=statement("iam:*"))
    assert browser.get("/account/security").status == 200
    enables(world, browser, "bob")
    again = world.browser()
    assert sign_in_user(again, account, "bob").location.startswith("/signin/mfa")


def login(**changed: str) -> str:
    return "/v1/authorize?" + urlencode(
        {
            "response_type": "code",
            "client_id": "arn:aws:signin:::devtools/same-device",
            "state": "s-1",
            "code_challenge_method": "SHA-256",
            "scope": "openid",
            "redirect_uri": CALLBACK,
            "code_challenge": "c" * 43,
        }
        | changed
    )


def fields(target: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def test_aws_login_needs_a_click_and_goes_to_the_loopback_only(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    page = browser.get(login())
    assert page.status == 200
    assert "form-action 'self' http://127.0.0.1:43210" in page.headers["content-security-policy"]
    denied = browser.post("/v1/authorize", step="deny", **fields(login()))
    assert denied.location == f"{CALLBACK}?error=access_denied&state=s-1"
    allowed = browser.post("/v1/authorize", step="allow", **fields(login()))
    assert allowed.location.startswith(f"{CALLBACK}?code=")
    assert allowed.location.endswith("&state=s-1")


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:1/other"},
        {"redirect_uri": "http://user@127.0.0.1/oauth/callback"},
        {"client_id": "someone-else"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"state": ""},
    ],
)
def test_what_is_not_aws_login_is_refused_on_the_spot(world: PagesWorld, changed: dict[str, str]):
    world.account()
    browser = world.signed_in()
    shown = browser.get(login(**changed))
    assert shown.status == 400
    assert not shown.location
    browser.get("/account")
    posted = browser.post("/v1/authorize", step="allow", **fields(login()) | changed)
    assert posted.status == 400
    assert not posted.location


def test_a_remote_login_shows_what_to_paste(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    page = f"{ORIGIN}/v1/sessions/confirmation"
    target = login(client_id="arn:aws:signin:::devtools/cross-device", redirect_uri=page)
    assert browser.get(target).says("on another machine")
    given = browser.post("/v1/authorize", step="allow", **fields(target))
    code = fields(given.location)["code"]
    shown = browser.get(given.location)
    pasted = re.search(r"<textarea[^>]*>([^<]+)</textarea>", shown.text)
    assert pasted is not None
    assert base64.b64decode(pasted[1]).decode() == f"state=s-1&code={code}"


def test_a_user_needs_the_permission_for_aws_login(world: PagesWorld):
    account = world.user()
    browser = world.browser()
    sign_in_user(browser, account, "bob")
    browser.get(login())
    refused = browser.post("/v1/authorize", step="allow", **fields(login()))
    assert refused.status == 403
    assert refused.says("signin:AuthorizeOAuth2Access")
    world.admin(
        "PutUserPolicy", UserName="bob", PolicyName="own", PolicyDocument=statement("signin:AuthorizeOAuth2Access")
    )
    assert browser.post("/v1/authorize", step="allow", **fields(login())).location.startswith(CALLBACK)
