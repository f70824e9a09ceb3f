"""Accounts by the pages: sign-up and its codes, the account page, what only root may do, recovery, the outbox."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.services import iam, signin
from tests.support.pages_world import (
    ORIGIN,
    PASSWORD,
    Browser,
    PagesWorld,
    Reply,
    pages_world,
    sign_in_root,
    sign_in_user,
)

EMAIL = "ann@example.com"
OTHER = "Other-harbour-2"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PagesWorld]:
    with pages_world(tmp_path) as made:
        yield made


def sign_up(browser: Browser, *, email: str = EMAIL, name: str = "Harbour", **changed: str) -> Reply:
    browser.get("/signup")
    fields = {"email": email, "name": name, "password": PASSWORD, "password_again": PASSWORD} | changed
    return browser.post("/signup", **fields)


def verify(browser: Browser, code: str) -> Reply:
    browser.get("/signup/verify")
    return browser.post("/signup/verify", code=code)


def account_of(world: PagesWorld, email: str) -> iam.Account | None:
    with world.store.read() as transaction:
        return iam.account_by_email(transaction, email)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_an_account_is_made_with_the_code_and_not_before(world: PagesWorld):
    browser = world.browser()
    assert sign_up(browser).location == "/signup/verify"
    assert account_of(world, EMAIL) is None
    assert verify(browser, world.code_for(EMAIL)).location == "/signin?welcome"
    account = account_of(world, EMAIL)
    assert account is not None
    assert re.fullmatch(r"[1-9]\d{11}", account.id)
    assert account.id in world.letters(EMAIL)[0]
    assert sign_in_root(browser, EMAIL).location == "/account"
    assert ("AccountCreated", "") in world.events(account.id)


def test_a_code_is_used_once(world: PagesWorld):
    browser = world.browser()
    sign_up(browser)
    code, before = world.code_for(EMAIL), dict(browser.cookies)
    verify(browser, code)
    browser.cookies = before
    browser.get("/signup")
    assert browser.post("/signup/verify", code=code).location == "/signup"


def test_a_code_is_worth_nothing_in_another_browser(world: PagesWorld):
    sign_up(world.browser())
    other = world.browser(ip="192.0.2.2")
    sign_up(other, email="eve@example.com")
    assert verify(other, world.code_for(EMAIL)).status == 403
    assert account_of(world, EMAIL) is None


def test_after_five_wrong_codes_the_right_one_is_wrong_too(world: PagesWorld):
    browser = world.browser()
    sign_up(browser)
    code = world.code_for(EMAIL)
    for _ in range(5):
        assert verify(browser, wrong(code)).status == 403
    assert verify(browser, code).status == 403
    assert account_of(world, EMAIL) is None


def test_a_code_is_worth_nothing_after_ten_minutes(world: PagesWorld):
    browser = world.browser()
    sign_up(browser)
    world.later(minutes=10)
    assert verify(browser, world.code_for(EMAIL)).status == 403


def test_another_code_replaces_the_first_and_there_are_four_at_most(world: PagesWorld):
    browser = world.browser()
    sign_up(browser)
    first = world.code_for(EMAIL)
    browser.get("/signup/verify")
    replies = [browser.post("/signup/verify", step="resend") for _ in range(4)]
    assert [each.status for each in replies] == [303, 303, 303, 429]
    world.later(seconds=1)
    codes = [re.search(r"\d{6}", each)[0] for each in world.letters(EMAIL)]  # type: ignore[index]
    assert verify(browser, first).status == 403 or first in codes[:-1]
    assert len(codes) == 4


def test_codes_to_one_address_are_rationed_wherever_they_are_asked_from(world: PagesWorld):
    replies = [sign_up(world.browser(ip=f"192.0.2.{number}")).status for number in range(1, 8)]
    assert replies == [303] * 5 + [429] * 2


def test_an_address_that_has_an_account_is_told_by_mail_only(world: PagesWorld):
    world.account()
    fresh, taken = world.browser(), world.browser(ip="192.0.2.2")
    first, second = sign_up(fresh, email="new@example.com"), sign_up(taken)
    assert (first.status, first.location) == (second.status, second.location)
    first, second = fresh.get("/signup/verify"), taken.get("/signup/verify")
    assert first.words.replace("new@example.com", "") == second.words.replace(EMAIL, "")
    assert "already" in world.letters(EMAIL)[0]
    assert not re.search(r"\b\d{6}\b", world.letters(EMAIL)[0])
    assert taken.post("/signup/verify", code="000000").words == fresh.post(
        "/signup/verify", code="000000"
    ).words.replace("new@example.com", EMAIL)


@pytest.mark.parametrize(
    "email",
    [
        "", "ann", "ann@", "@example.com", "ann@example.com\r\nBcc: eve@example.com", "ann@example.com\nx", "a b@example.com",
        "ann@example.com,eve@example.com", "<ann@example.com>", "ann@exa mple.com", "x" * 65 + "@example.com",
        "ann@" + "x" * 260, "ann@-example.com", "änn@example.com", "ann@example.com\x00",
    ],
)  # fmt: skip
def test_addresses_that_could_break_a_header_are_refused(world: PagesWorld, email: str):
    assert sign_up(world.browser(), email=email).status == 400
    with world.store.read() as transaction:
        assert not signin.outbox(world.desk, transaction)


@pytest.mark.parametrize("changed", [{"name": ""}, {"name": "x" * 51}, {"name": "a\x07b"}, {"password": "short1A"}])
def test_forms_that_make_no_sense_are_shown_again(world: PagesWorld, changed: dict[str, str]):
    again = {"password_again": changed["password"]} if "password" in changed else {}
    reply = sign_up(world.browser(), **changed, **again)
    assert reply.status == 400
    assert reply.says(EMAIL)


def test_two_passwords_that_differ_are_refused(world: PagesWorld):
    assert sign_up(world.browser(), password_again=OTHER).says("not the same")


def test_where_there_is_a_way_for_texts_a_second_code_is_asked_for(tmp_path: Path):
    with pages_world(tmp_path, texts=True) as world:
        browser, phone = world.browser(), "+491512345678"
        assert sign_up(browser).status == 400
        assert sign_up(browser, phone="+49 151 2345678").location == "/signup/verify"
        assert verify(browser, world.code_for(EMAIL)).location == "/signup/verify"
        assert account_of(world, EMAIL) is None
        assert browser.get("/signup/verify").says(phone)
        assert verify(browser, wrong(world.code_for(phone))).status == 403
        assert verify(browser, world.code_for(phone)).location == "/signin?welcome"
        assert account_of(world, EMAIL) is not None


def test_the_operator_closes_sign_up(world: PagesWorld):
    signin.SignUps(world.desk).set_open(is_open=False)
    browser = world.browser()
    assert browser.get("/signup").says("closed sign-up")
    assert browser.post("/signup", email=EMAIL, name="x", password=PASSWORD, password_again=PASSWORD).status == 403
    signin.SignUps(world.desk).set_open(is_open=True)
    assert sign_up(browser).status == 303


def test_root_renames_the_account_and_a_user_does_not(world: PagesWorld):
    world.account()
    root = world.signed_in()
    root.get("/account")
    assert root.post("/account", name="Lake").status == 303
    assert root.get("/account").says("Lake")
    user = world.browser()
    sign_in_user(user, world.user(), "bob")
    user.get("/account")
    assert user.post("/account", name="Mine").status == 403


def test_what_only_root_does_needs_a_fresh_password(world: PagesWorld):
    account = world.account()
    device = world.device(account)
    browser = world.browser()
    sign_in_root(browser, EMAIL)
    browser.get("/signin/mfa")
    browser.post("/signin/mfa", code=device.code())
    world.later(minutes=11)
    for path in ("/account/email", "/account/close", "/account/security/keys", "/account/security/devices"):
        assert browser.get(path).location.startswith("/signin/confirm?next=")
    browser.get("/signin/confirm?next=/account/email")
    assert browser.post("/signin/confirm", password=PASSWORD, code="000000").status == 403
    assert browser.post("/signin/confirm", password="wrong", code=device.next_code()).status == 403
    before = dict(browser.cookies)
    confirmed = browser.post("/signin/confirm", password=PASSWORD, code=device.next_code(), next="/account/email")
    assert confirmed.location == "/account/email"
    assert browser.cookies != before
    assert browser.get("/account/email").status == 200
    old = world.browser()
    old.cookies = before
    assert old.get("/account").location.startswith("/signin")


def test_posting_without_a_fresh_password_changes_nothing(world: PagesWorld):
    account = world.account("eve@example.com")
    browser = world.signed_in("eve@example.com")
    browser.get("/account/close")
    world.later(minutes=11)
    assert browser.post("/account/close", typed=account).location.startswith("/signin/confirm")
    found = account_of(world, "eve@example.com")
    assert found is not None
    assert found.closed_at is None


def test_root_changes_its_address_with_a_code_from_the_new_one(world: PagesWorld):
    world.account()
    browser = world.signed_in()
    browser.get("/account/email")
    asked = browser.post("/account/email", email="lake@example.com")
    journey, code = asked.hidden("journey"), world.code_for("lake@example.com")
    assert browser.post("/account/email", journey=journey, email="lake@example.com", code=wrong(code)).status == 403
    assert browser.post("/account/email", journey=journey, email="x@example.com", code=code).status == 303
    assert sign_in_root(world.browser(), EMAIL).status == 403
    assert sign_in_root(world.browser(), "lake@example.com").status == 303
    assert "lake@example.com" in world.letters(EMAIL)[0]


def test_a_code_for_one_account_changes_no_other(world: PagesWorld):
    world.account()
    world.account("eve@example.com")
    mine, theirs = world.signed_in(), world.signed_in("eve@example.com", ip="192.0.2.2")
    mine.get("/account/email")
    journey = mine.post("/account/email", email="lake@example.com").hidden("journey")
    theirs.get("/account/email")
    code = world.code_for("lake@example.com")
    assert theirs.post("/account/email", journey=journey, email="lake@example.com", code=code).status == 403


def test_an_address_of_another_account_cannot_be_taken(world: PagesWorld):
    world.account()
    world.account("eve@example.com")
    browser = world.signed_in()
    browser.get("/account/email")
    asked = browser.post("/account/email", email="eve@example.com")
    assert asked.status == 200
    assert not re.search(r"\b\d{6}\b", world.letters("eve@example.com")[0])


def test_a_closed_account_is_closed_for_everybody(world: PagesWorld):
    account = world.account()
    with world.store.begin() as transaction:
        key = iam.new_access_key(transaction, world.vault, account=account, principal_id=account, now=world.clock.now())
    here, elsewhere = world.signed_in(), world.signed_in(ip="192.0.2.2")
    here.get("/account/close")
    assert here.post("/account/close", typed="111122223333").status == 400
    assert here.post("/account/close", typed=account).status == 200
    assert elsewhere.get("/account").location.startswith("/signin")
    assert sign_in_root(world.browser(ip="192.0.2.3"), EMAIL).status == 403
    with world.store.read() as transaction:
        assert world.identity.credential(transaction, key.access_key_id) is None
    signin.reopen(world.desk, account)
    assert sign_in_root(world.browser(ip="192.0.2.3"), EMAIL).status == 303


def test_the_installations_first_account_stays_open(world: PagesWorld):
    first = world.first
    with world.store.begin() as transaction:
        account = iam.account(transaction, first.account)
        assert account is not None
        iam.replace_account(
            transaction,
            iam.Account(**{
                **{name: getattr(account, name) for name in account.__struct_fields__},
                "password_hash": f"quick:{PASSWORD}",
            }),
        )
    browser = world.browser()
    assert sign_in_root(browser, first.root_email).status == 303
    browser.get("/account/close")
    assert browser.post("/account/close", typed=first.account).status == 400
    assert browser.get("/mailbox").status == 200


def test_nobody_else_reads_the_outbox(world: PagesWorld):
    world.account()
    assert world.signed_in().get("/mailbox").status == 403
    user = world.browser()
    sign_in_user(user, world.user(), "bob")
    assert user.get("/mailbox").status == 403


def test_a_forgotten_password_is_replaced_by_a_mailed_link_once(world: PagesWorld):
    world.account()
    signed_in = world.signed_in(ip="192.0.2.9")
    browser = world.browser()
    browser.get("/forgot", headers={"host": "localhost:8421"})
    assert browser.post("/forgot", email=EMAIL).says("If that address belongs to an account")
    link = re.search(r"\S+/forgot/reset\?token=(\S+)", world.letters(EMAIL)[0])
    assert link is not None
    assert link[0].startswith(ORIGIN)
    assert browser.get(f"/forgot/reset?token={link[1]}").status == 200
    assert browser.post("/forgot/reset", link=link[1], password="weak", password_again="weak").status == 400
    assert browser.post("/forgot/reset", link=link[1], password=OTHER, password_again=OTHER).status == 303
    assert signed_in.get("/account").location.startswith("/signin")
    assert sign_in_root(world.browser(), EMAIL).status == 403
    assert sign_in_root(world.browser(), EMAIL, OTHER).status == 303
    assert browser.get(f"/forgot/reset?token={link[1]}").status == 403
    assert browser.post("/forgot/reset", link=link[1], password=PASSWORD, password_again=PASSWORD).status == 403


def test_who_is_unknown_gets_the_same_page_and_no_letter(world: PagesWorld):
    world.account()
    browser = world.browser()
    browser.get("/forgot")
    known, unknown = browser.post("/forgot", email=EMAIL), browser.post("/forgot", email="eve@example.com")
    assert known.words == unknown.words
    assert not world.letters("eve@example.com")


def test_a_reset_link_ends_after_half_an_hour(world: PagesWorld):
    world.account()
    browser = world.browser()
    browser.get("/forgot")
    browser.post("/forgot", email=EMAIL)
    token = world.letters(EMAIL)[0].partition("token=")[2].split()[0]
    world.later(minutes=31)
    assert browser.get(f"/forgot/reset?token={token}").status == 403


def test_letters_to_one_address_are_rationed(world: PagesWorld):
    world.account()
    replies = []
    for number in range(1, 6):
        browser = world.browser(ip=f"192.0.2.{number}")
        browser.get("/forgot")
        replies.append(browser.post("/forgot", email=EMAIL).status)
    assert replies == [200, 200, 200, 429, 429]
