"""Signing in: what is told to whom, how often one may try, what a code is worth, when a session ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages_world import PASSWORD, PagesWorld, pages_world, sign_in_root, sign_in_user

EMAIL = "ann@example.com"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PagesWorld]:
    with pages_world(tmp_path) as made:
        yield made


def test_root_signs_in_in_two_pages_and_it_is_recorded(world: PagesWorld):
    account = world.account()
    browser = world.signed_in()
    assert browser.get("/account").says(account)
    assert ("ConsoleLogin", "") in world.events(account)


def test_who_is_unknown_is_told_the_same_after_the_same_work(world: PagesWorld):
    world.account()
    known, unknown = world.browser(), world.browser(ip="192.0.2.2")
    world.verified.clear()
    first = sign_in_root(known, EMAIL, "wrong")
    for_known = len(world.verified)
    second = sign_in_root(unknown, "eve@example.com", "wrong")
    assert first.status == second.status == 403
    assert first.words.replace(EMAIL, "") == second.words.replace("eve@example.com", "")
    assert len(world.verified) - for_known == for_known == 1


def test_the_page_after_the_address_is_the_same_for_everybody(world: PagesWorld):
    world.account()
    browser = world.browser()
    browser.get("/signin")
    first = browser.post("/signin", step="email", email=EMAIL)
    second = browser.post("/signin", step="email", email="eve@example.com")
    assert first.words.replace(EMAIL, "") == second.words.replace("eve@example.com", "")


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_after_five_wrong_passwords_one_waits_twice_as_long_each_time(world: PagesWorld, email: str):
    world.account()
    browser = world.browser()
    waits = []
    for _ in range(8):
        reply = sign_in_root(browser, email, "wrong")
        if reply.status == 429:
            waits.append(int(reply.headers["retry-after"]))
            world.later(seconds=waits[-1])
            reply = sign_in_root(browser, email, "wrong")
        assert reply.status == 403
    assert waits == [2, 4, 8]


def test_who_is_locked_out_is_not_let_in_with_the_right_password_until_the_time_is_over(world: PagesWorld):
    world.account()
    for _ in range(5):
        sign_in_root(world.browser(), EMAIL, "wrong")
    assert sign_in_root(world.browser(), EMAIL).status == 429
    world.later(seconds=3)
    assert sign_in_root(world.browser(), EMAIL).status == 303


def test_one_address_cannot_try_one_password_on_many_accounts(world: PagesWorld):
    browser = world.browser(ip="192.0.2.66")
    replies = [sign_in_root(browser, f"user{number}@example.com", "wrong").status for number in range(32)]
    assert replies[:30] == [403] * 30
    assert replies[30:] == [429] * 2
    world.account()
    assert sign_in_root(world.browser(ip="192.0.2.67"), EMAIL).status == 303


def test_an_ipv6_customer_counts_as_one(world: PagesWorld):
    for number in range(30):
        sign_in_root(world.browser(ip=f"2001:db8:0:1::{number:x}"), f"user{number}@example.com", "wrong")
    assert sign_in_root(world.browser(ip="2001:db8:0:1:ffff::1"), EMAIL, "wrong").status == 429
    assert sign_in_root(world.browser(ip="2001:db8:0:2::1"), EMAIL, "wrong").status == 403


def test_a_cookie_from_before_the_sign_in_is_worth_nothing_after_it(world: PagesWorld):
    world.account()
    browser = world.browser()
    browser.get("/signin")
    planted = dict(browser.cookies)
    assert sign_in_root(browser, EMAIL).status == 303
    assert browser.cookies != planted
    attacker = world.browser()
    attacker.cookies = planted
    assert attacker.get("/account").location.startswith("/signin")


def test_the_cookie_changes_at_every_step_and_old_ones_end(world: PagesWorld):
    account = world.account()
    device = world.device(account)
    browser = world.browser()
    assert sign_in_root(browser, EMAIL).location.startswith("/signin/mfa")
    half_way = dict(browser.cookies)
    browser.get("/signin/mfa")
    assert browser.post("/signin/mfa", code=device.code()).location == "/account"
    assert browser.cookies != half_way
    replay = world.browser()
    replay.cookies = half_way
    assert replay.get("/signin/mfa").location == "/signin"
    assert replay.get("/account").location.startswith("/signin")


def test_the_right_password_alone_opens_nothing_where_there_is_a_device(world: PagesWorld):
    world.device(world.account())
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    assert browser.get("/account").location.startswith("/signin")


def test_a_code_works_once(world: PagesWorld):
    device = world.device(world.account())
    code = device.code()
    for attempt, status in ((0, 303), (1, 403)):
        browser = world.browser(ip=f"192.0.2.{attempt + 1}")
        sign_in_root(browser, EMAIL)
        browser.get("/signin/mfa")
        assert browser.post("/signin/mfa", code=code).status == status


def test_after_five_wrong_codes_it_begins_anew_and_the_sixth_waits(world: PagesWorld):
    account = world.account()
    device = world.device(account)
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    browser.get("/signin/mfa")
    replies = [browser.post("/signin/mfa", code="000000") for _ in range(5)]
    assert [each.status for each in replies] == [403] * 5
    assert browser.get("/signin/mfa").location == "/signin"
    again = world.browser(ip="192.0.2.2")
    sign_in_root(again, EMAIL)
    again.get("/signin/mfa")
    assert again.post("/signin/mfa", code=device.code()).status == 429
    assert world.events(account).count(("ConsoleLogin", "Failed authentication")) == 5


def test_half_a_sign_in_ends_after_ten_minutes(world: PagesWorld):
    device = world.device(world.account())
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    browser.get("/signin/mfa")
    world.later(minutes=11)
    assert browser.post("/signin/mfa", code=device.code()).status == 403


def test_a_code_of_somebody_elses_device_is_refused(world: PagesWorld):
    world.device(world.account())
    other = world.account("eve@example.com", "Other")
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    browser.get("/signin/mfa")
    device = world.device(other, name="eve")
    world.later(seconds=60)
    same_seed_same_code = device.code()
    assert browser.post("/signin/mfa", code=same_seed_same_code[::-1]).status == 403


def test_an_idle_session_ends_after_an_hour_and_every_session_after_twelve(world: PagesWorld):
    world.account()
    idle = world.signed_in()
    world.later(minutes=61)
    assert idle.get("/account").location.startswith("/signin")
    busy = world.signed_in()
    for _ in range(14):
        world.later(minutes=50)
        busy.get("/account")
    assert busy.get("/account").status == 200
    world.later(minutes=50)
    assert busy.get("/account").location.startswith("/signin")


def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    copied = dict(browser.cookies)
    browser.get("/account")
    assert browser.post("/signout").location == "/signin"
    thief = world.browser()
    thief.cookies = copied
    assert thief.get("/account").location.startswith("/signin")


def test_a_user_signs_in_by_account_id_or_alias(world: PagesWorld):
    account = world.user()
    assert sign_in_user(world.browser(), account, "BOB").location == "/account"
    world.admin("CreateAccountAlias", AccountAlias="pond")
    assert sign_in_user(world.browser(), "pond", "bob").location == "/account"
    assert sign_in_user(world.browser(), "pond", "bob", "wrong").status == 403
    assert sign_in_user(world.browser(), "111122223333", "bob").status == 403


def test_a_user_whose_password_was_given_must_choose_another_first(world: PagesWorld):
    account = world.user(must_change=True)
    browser = world.browser()
    sign_in_user(browser, account, "bob")
    assert browser.get("/account").location == "/signin/new-password"
    browser.get("/signin/new-password")
    changed = browser.post(
        "/signin/new-password", former=PASSWORD, password="Other-harbour-2", password_again="Other-harbour-2"
    )
    assert changed.status == 303
    assert browser.get("/account").status == 200
    assert sign_in_user(world.browser(), account, "bob").status == 403
    assert sign_in_user(world.browser(), account, "bob", "Other-harbour-2").location == "/account"


def test_a_user_whose_login_profile_is_gone_is_out_at_once(world: PagesWorld):
    account = world.user()
    browser = world.browser()
    sign_in_user(browser, account, "bob")
    world.admin("DeleteLoginProfile", UserName="bob")
    assert browser.get("/account").location.startswith("/signin")


def test_a_changed_password_ends_every_other_session(world: PagesWorld):
    world.account()
    here, elsewhere = world.signed_in(), world.signed_in(ip="192.0.2.9")
    here.get("/account/security/password")
    world.later(seconds=1)
    changed = here.post(
        "/account/security/password", former=PASSWORD, password="Other-harbour-2", password_again="Other-harbour-2"
    )
    assert changed.status == 303
    assert here.get("/account").status == 200
    assert elsewhere.get("/account").location.startswith("/signin")


@pytest.mark.parametrize("weak", ["short1A", "alllowercase", "", "x" * 129 + "A1", EMAIL])
def test_weak_and_endless_passwords_are_refused(world: PagesWorld, weak: str):
    world.account()
    browser = world.signed_in()
    browser.get("/account/security/password")
    refused = browser.post("/account/security/password", former=PASSWORD, password=weak, password_again=weak)
    assert refused.status == 400
    assert sign_in_root(world.browser(), EMAIL).status == 303


def test_the_wrong_old_password_changes_nothing(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    browser.get("/account/security/password")
    wanted = "Other-harbour-2"
    assert browser.post("/account/security/password", former="no", password=wanted, password_again=wanted).status == 403
    assert sign_in_root(world.browser(), EMAIL, wanted).status == 403
