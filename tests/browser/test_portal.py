"""Accept an invitation, see accounts and keys, let a program in: the access portal as its users meet it."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import boto3
import pytest

from tests.browser.conftest import Person
from tests.support.callback import Callback, callback
from tests.support.identity_center import Center, identity_center, invitation_link, unsigned

pytestmark = pytest.mark.browser

_PASSWORD = "Quiet-harbour-1"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def center(person: Person) -> Center:
    return identity_center(person.millpond)


@pytest.fixture
def waiting() -> Iterator[Callback]:
    with callback() as found:
        yield found


def accepts_invitation(person: Person, center: Center) -> None:
    person.opens(invitation_link(person.millpond, center.email))
    person.sees("Ann Lake", center.user_name)
    person.fills(password=_PASSWORD, password_again=_PASSWORD)
    person.presses("Set password")


def test_an_invited_user_sets_a_password_registers_an_app_and_takes_keys(person: Person, center: Center):
    accepts_invitation(person, center)
    assert person.heading == "Add an authenticator app"
    app = person.scans()
    person.fills(name="Ann's phone", code=app.code())
    person.presses("Register")
    assert person.heading == "Accounts"
    person.sees(person.millpond.facts.account, center.role)

    person.presses("Access keys")
    shown = person.page.locator("textarea").first.input_value()
    found = dict(re.findall(r'export (\w+)="([^"]+)"', shown))
    caller = boto3.client(
        "sts",
        endpoint_url=person.millpond.facts.endpoint,
        region_name="us-east-1",
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=found["AWS_SESSION_TOKEN"],
    ).get_caller_identity()
    assert re.search(rf"assumed-role/AWSReservedSSO_{center.role}_[0-9a-f]{{16}}/ann$", caller["Arn"])

    person.opens("/start/security")
    person.sees("Ann's phone")
    person.presses("Sign out")
    person.fills(user="ANN", password=_PASSWORD)
    person.presses("Sign in")
    assert person.heading == "Multi-factor authentication"
    person.fills(code=app.next_code())
    person.presses("Submit")
    assert person.heading == "Accounts"

    person.opens(invitation_link(person.millpond, center.email))
    person.sees("no longer valid")


def test_a_device_is_let_in_only_by_a_click(person: Person, center: Center):
    accepts_invitation(person, center)
    oidc = unsigned(person.millpond, "sso-oidc")
    client = oidc.register_client(clientName="botocore-client-dev", clientType="public", scopes=["sso:account:access"])
    known = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
    waiting = oidc.start_device_authorization(**known, startUrl=f"{person.millpond.facts.endpoint}/start")

    person.opens(f"/start/device?user_code={waiting['userCode']}")
    person.sees("Allow this device?", waiting["userCode"], "botocore-client-dev")
    with pytest.raises(oidc.exceptions.AuthorizationPendingException):
        oidc.create_token(**known, grantType=_DEVICE_GRANT, deviceCode=waiting["deviceCode"])
    person.presses("Allow")
    person.sees("Allowed")

    person.millpond.clock.by += timedelta(seconds=30)
    tokens = oidc.create_token(**known, grantType=_DEVICE_GRANT, deviceCode=waiting["deviceCode"])
    accounts = unsigned(person.millpond, "sso").list_accounts(accessToken=tokens["accessToken"])["accountList"]
    assert [each["accountId"] for each in accounts] == [person.millpond.facts.account]

    person.opens(f"/start/device?user_code={waiting['userCode']}")
    person.sees("No device waits")


def test_a_program_gets_its_code_at_its_own_loopback_address(person: Person, center: Center, waiting: Callback):
    accepts_invitation(person, center)
    oidc = unsigned(person.millpond, "sso-oidc")
    client = oidc.register_client(
        clientName="botocore-client-dev",
        clientType="public",
        scopes=["sso:account:access"],
        grantTypes=["authorization_code", "refresh_token"],
        redirectUris=["http://127.0.0.1/oauth/callback"],
        issuerUrl=f"{person.millpond.facts.endpoint}/start",
    )
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = urlencode({
        "response_type": "code",
        "client_id": client["clientId"],
        "redirect_uri": waiting.url,
        "state": "s-1",
        "code_challenge_method": "S256",
        "scopes": "sso:account:access",
        "code_challenge": challenge,
    })
    person.opens(f"/authorize?{asked}")
    person.sees("botocore-client-dev", waiting.url)
    person.presses("Allow access")

    assert waiting.answers[0]["state"] == ["s-1"]
    tokens = oidc.create_token(
        clientId=client["clientId"],
        clientSecret=client["clientSecret"],
        grantType="authorization_code",
        code=waiting.answers[0]["code"][0],
        codeVerifier=verifier,
        redirectUri=waiting.url,
    )
    assert tokens["accessToken"]
