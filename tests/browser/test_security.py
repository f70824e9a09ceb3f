"""The operator's root user at the screen: every page of the account, by mouse and by keyboard alone."""

import base64
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import Person
from tests.support.callback import Callback, callback

pytestmark = pytest.mark.browser

_PASSWORD = "Quiet-harbour-1"
_CHALLENGE = "c" * 43


@pytest.fixture
def root(person: Person) -> Person:
    """Root of the first account, signed in with what `millpond passwd` gave out."""
    given = person.millpond.door.passwd()
    person.opens("/signin")
    person.fills(email=given.name)
    person.presses("Next")
    person.fills(password=given.password)
    person.presses("Sign in")
    return person


@pytest.fixture
def waiting() -> Iterator[Callback]:
    with callback() as found:
        yield found


def login(**changed: str) -> str:
    return "/v1/authorize?" + urlencode(
        {
            "response_type": "code",
            "client_id": "arn:aws:signin:::devtools/same-device",
            "state": "s-1",
            "code_challenge_method": "SHA-256",
            "scope": "openid",
            "code_challenge": _CHALLENGE,
        }
        | changed
    )


def test_root_sees_every_page_of_the_account(root: Person):
    for path, heading in (
        ("/account", "Account"),
        ("/account/email", "Change e-mail address"),
        ("/account/close", "Close account"),
        ("/account/security", "Security"),
        ("/account/security/password", "Change password"),
        ("/account/security/keys", "Create access key"),
        ("/console", "Console"),
        ("/mailbox", "Outbox"),
        ("/signin/confirm", "Confirm that it is you"),
        ("/signout", "Sign out"),
        ("/forgot", "Forgot password"),
        ("/start", "Access portal"),
        ("/start/forgot", "Forgot password"),
        ("/signin?as=user", "Sign in"),
        ("/v1/authorize", "That did not work"),
    ):
        root.opens(path)
        assert root.heading == heading
    root.opens("/account/security/keys")
    root.page.check("#understood")
    root.presses("Create access key")
    root.sees("shown now and never again")
    assert root.page.locator("textarea").first.input_value().startswith("AKIA")


def test_the_operator_reads_codes_in_the_outbox(root: Person):
    root.opens("/account/email")
    root.fills(email="lake@example.com")
    root.presses("Send the code")
    root.opens("/mailbox")
    root.sees("lake@example.com", "Your Millpond verification code", "Your verification code is:")


def test_everything_can_be_done_with_the_keyboard(person: Person):
    given = person.millpond.door.passwd()
    person.opens("/signin")
    keyboard = person.page.keyboard
    keyboard.type(given.name)
    with person.page.expect_navigation():
        keyboard.press("Enter")
    keyboard.type(given.password)
    with person.page.expect_navigation():
        keyboard.press("Enter")
    assert person.heading == "Account"
    person.page.keyboard.press("Tab")
    assert person.page.evaluate("() => document.activeElement.textContent") == "Skip to content"


def test_every_field_has_a_label_and_every_page_a_title(root: Person):
    for path in (
        "/signin",
        "/signin?as=user",
        "/signup",
        "/account",
        "/account/security",
        "/account/email",
        "/start/signin",
    ):
        root.page.goto(path)
        for field in root.page.locator("input:not([type=hidden])").all():
            name = field.get_attribute("id")
            assert root.page.locator(f"label[for={name}]").count() == 1, f"{path} {name}"
        assert root.page.title().endswith("· Millpond")
        assert root.page.locator("h1").count() == 1
        assert root.page.locator("html").get_attribute("lang") == "en"


def test_aws_login_brings_its_code_to_the_program(root: Person, waiting: Callback):
    root.opens(login(redirect_uri=waiting.url))
    root.sees("on this machine", "Allow it only if")
    root.presses("Allow")
    assert waiting.answers[0]["state"] == ["s-1"]
    assert waiting.answers[0]["code"]


def test_aws_login_from_another_machine_shows_what_to_paste(root: Person):
    confirmation = f"{root.millpond.facts.endpoint}/v1/sessions/confirmation"
    root.opens(login(client_id="arn:aws:signin:::devtools/cross-device", redirect_uri=confirmation))
    root.presses("Allow")
    pasted = base64.b64decode(root.page.locator("textarea").input_value()).decode()
    assert pasted.startswith("state=s-1&code=")


def test_a_user_with_a_given_password_chooses_another(person: Person):
    iam = person.millpond.client("iam")
    iam.create_user(UserName="bob")
    iam.create_login_profile(UserName="bob", Password=_PASSWORD, PasswordResetRequired=True)
    person.opens("/signin?as=user")
    person.fills(account=person.millpond.facts.account, user="bob", password=_PASSWORD)
    person.presses("Sign in")
    assert person.heading == "Change password"
    person.fills(former=_PASSWORD, password="Other-harbour-2", password_again="Other-harbour-2")
    person.presses("Change password")
    assert person.heading == "Security"
    person.sees("not authorized to perform: iam:ListMFADevices")
