"""Sign up, verify, sign in as root, turn on MFA, be asked for it."""

import pytest

from tests.browser.conftest import Person

pytestmark = pytest.mark.browser

_PASSWORD = "Quiet-harbour-1"


def signs_up(person: Person, email: str, name: str = "Harbour") -> None:
    person.opens("/signup")
    person.fills(email=email, name=name, password=_PASSWORD, password_again=_PASSWORD)
    person.presses("Send the code")
    assert person.heading == "Enter the code"
    person.fills(code=person.code_for(email))
    person.presses("Verify")


def signs_in(person: Person, email: str) -> None:
    person.opens("/signin")
    person.fills(email=email)
    person.presses("Next")
    person.sees(email)
    person.fills(password=_PASSWORD)
    person.presses("Sign in")


def test_a_new_owner_signs_up_signs_in_and_turns_on_mfa(person: Person):
    email = "ann@example.com"

    signs_up(person, email)
    person.sees("Your account is ready")
    assert "The account Harbour was made" in person.newest_letter(email)

    signs_in(person, email)
    assert person.heading == "Account"
    person.sees("The root user has no second factor", "Harbour", email, "ConsoleLogin")

    person.follows("Security")
    person.follows("Add an MFA device")
    person.fills(name="ann-phone")
    person.presses("Next")
    device = person.scans()
    person.fills(first=device.code(), second=device.code())
    person.presses("Turn on")
    assert "error" in person.page.content()
    person.fills(first=device.code(), second=device.next_code())
    person.presses("Turn on")
    person.sees("The MFA device is on", "ann-phone")

    person.presses("Sign out")
    signs_in(person, email)
    assert person.heading == "Multi-factor authentication"
    person.fills(code=device.code())
    person.presses("Submit")
    person.sees("not valid")
    person.fills(code=device.next_code())
    person.presses("Submit")
    assert person.heading == "Account"
    person.sees("with MFA")


def test_a_wrong_code_makes_no_account(person: Person):
    person.opens("/signup")
    person.fills(email="bob@example.com", name="Bob", password=_PASSWORD, password_again=_PASSWORD)
    person.presses("Send the code")
    right = person.code_for("bob@example.com")
    person.fills(code=f"{(int(right) + 1) % 1_000_000:06d}")
    person.presses("Verify")
    person.sees("not valid")
    assert [each.email for each in person.millpond.door.accounts().accounts] == ["root@localhost"]
