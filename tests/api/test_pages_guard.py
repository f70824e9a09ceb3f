"""What every page refuses and carries: foreign forms, foreign names, oversized bodies, redirects out, framing, caching."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.pages.routes import ROUTES
from tests.support.pages_world import HOST, ORIGIN, PASSWORD, PagesWorld, Reply, pages_world, sign_in_root

EMAIL = "ann@example.com"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PagesWorld]:
    with pages_world(tmp_path) as made:
        made.account()
        yield made


def paths(method: str) -> list[str]:
    return sorted(path for path, route in ROUTES.items() if method in route.methods)


def test_every_page_forbids_scripts_frames_and_caching(world: PagesWorld):
    browser = world.signed_in()
    for path in paths("GET"):
        forbids_scripts_frames_and_caching(browser.get(path))


def forbids_scripts_frames_and_caching(reply: Reply) -> None:
    assert reply.status < 500
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert "<script" not in reply.text
    assert " style=" not in reply.text
    assert " on" + "click" not in reply.text


def test_every_closed_page_sends_strangers_to_sign_in(world: PagesWorld):
    stranger = world.browser()
    for path, route in ROUTES.items():
        if route.signed_in:
            way_in = "/start/signin" if route.realm == "portal" else "/signin"
            stranger.get(way_in)
            for method in route.methods:
                reply = stranger.post(path) if method == "POST" else stranger.get(path, method=method)
                assert reply.status == 303, path
                assert reply.location.startswith(way_in)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ORIGIN.replace("http:", "https:")},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    ],
)
def test_every_form_of_another_site_is_refused(world: PagesWorld, headers: dict[str, str]):
    browser = world.signed_in()
    browser.get("/account")
    for path in paths("POST"):
        assert browser.post(path, headers=headers, step="email").status == 403, path


def test_every_form_needs_the_token_of_this_very_browser(world: PagesWorld):
    victim, attacker = world.signed_in(), world.browser(ip="192.0.2.66")
    attacker.get("/signin")
    cookies = dict(victim.cookies)
    for path in paths("POST"):
        victim.cookies = dict(cookies)
        for token in ("", attacker.form_token):
            victim.form_token = token
            assert victim.post(path).status == 403, path
        victim.cookies = {}
        victim.form_token = attacker.form_token
        assert victim.post(path).status == 403, path


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "millpond.internal:8421"])
def test_names_that_are_not_ours_are_refused(world: PagesWorld, host: str):
    reply = world.browser().get("/signin", headers={"host": host})
    assert reply.status == 421
    assert "form_token" not in reply.text


def test_a_body_beyond_the_limit_is_not_read(world: PagesWorld):
    browser = world.browser()
    browser.get("/signin")
    assert browser.send("POST", "/signin", headers=FORM, body=b"email=" + b"x" * 40_000).status == 413


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "text/plain"}, b"email=x", 415),
        ({}, b"email=x", 415),
        (FORM, b"&".join(b"f%d=1" % number for number in range(100)), 400),
        (FORM, b"email=%ff%fe", 400),
        (FORM, b"email=\xff", 400),
        (FORM | {"content-length": "5", "transfer-encoding": "chunked"}, b"email", 400),
    ],
)
def test_what_no_form_of_ours_sends_is_not_looked_at(
    world: PagesWorld, headers: dict[str, str], body: bytes, status: int
):
    reply = world.browser().send("POST", "/signin", headers=headers, body=body)
    assert reply.status == status
    assert "set-cookie" not in reply.headers


def test_an_endless_query_is_refused(world: PagesWorld):
    assert world.browser().get("/signin?next=" + "x" * 9000).status == 414


def test_a_password_beyond_the_limit_is_wrong_and_costs_no_more(world: PagesWorld):
    world.verified.clear()
    assert sign_in_root(world.browser(), EMAIL, PASSWORD + "x" * 5000).status == 403
    assert len(world.verified) == 1


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/%0d%0aset-cookie:x=y\r\n",
        "javascript:alert(1)",
        "account",
        "/" + "x" * 3000,
    ],
)
def test_a_sign_in_never_leads_out(world: PagesWorld, target: str):
    browser = world.browser()
    assert sign_in_root(browser, EMAIL, next=target).location == "/account"


def test_a_sign_in_leads_where_one_wanted_to_go(world: PagesWorld):
    browser = world.browser()
    reply = browser.get("/account/security")
    assert reply.location == "/signin?next=%2Faccount%2Fsecurity"
    assert browser.get(reply.location).hidden("next") == "/account/security"
    assert sign_in_root(browser, EMAIL, next="/account/security").location == "/account/security"


def test_what_is_typed_is_never_markup(world: PagesWorld):
    browser = world.browser()
    browser.get("/signin")
    reply = browser.post("/signin", step="email", email="<script>alert(1)</script>@example.com")
    assert "<script>" not in reply.text
    assert reply.says("<script>alert(1)</script>@example.com")


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(world: PagesWorld, secure: bool):
    cookie = world.browser(secure=secure).get("/signin").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/;" in cookie
    assert "Domain" not in cookie
    assert cookie.startswith("__Host-millpond-console=" if secure else "millpond-console=")
    assert cookie.endswith("Secure") == secure


def test_under_tls_the_browser_is_told_to_stay_there(world: PagesWorld):
    assert "strict-transport-security" in world.browser(secure=True).get("/signin").headers
    assert "strict-transport-security" not in world.browser().get("/signin").headers


def test_a_session_made_without_tls_is_none_under_tls(world: PagesWorld):
    browser = world.signed_in()
    browser.secure = True
    assert browser.get("/account").location.startswith("/signin")


def test_a_bug_is_told_without_a_traceback(world: PagesWorld, monkeypatch: pytest.MonkeyPatch):
    browser = world.signed_in()
    monkeypatch.setattr(type(world.pages._site.accounts), "facts", lambda *_: 1 / 0)
    reply = browser.get("/account")
    assert reply.status == 500
    assert "ZeroDivisionError" not in reply.text


def test_unknown_paths_and_methods_are_refused(world: PagesWorld):
    browser = world.signed_in()
    assert browser.get("/account", method="DELETE").status == 405
    assert browser.get("/account/close/..").status == 404


def test_the_style_sheet_may_be_kept_for_ever(world: PagesWorld):
    browser = world.browser()
    page = browser.get("/signin").text
    path = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    reply = browser.get(path)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/css")
    assert "immutable" in reply.headers["cache-control"]


def test_head_is_get_without_a_body(world: PagesWorld):
    reply = world.browser().get("/signin", method="HEAD", headers={"host": HOST})
    assert reply.status == 200
    assert not reply.text
