"""`aws login` through boto3: codes and refresh tokens become short credentials, for the holder of a DPoP key only."""

import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from millpond.kernel.digests import pkce_challenge
from millpond.operation import Fault
from millpond.services import iam, signin, sts
from tests.api.aws_world import AwsWorld, aws_world, refused
from tests.support.stores import everything_kept

_SAME = "arn:aws:signin:::devtools/same-device"
_CROSS = "arn:aws:signin:::devtools/cross-device"
_CALLBACK = "http://127.0.0.1:40123/oauth/callback"
_CONFIRMATION = "http://127.0.0.1:8421/v1/sessions/confirmation"
_URL = "http://127.0.0.1:8421/v1/token"
_VERIFIER = "v" * 64


class Login:
    """A program that logs in: its key, and its client of the API."""

    def __init__(self, world: AwsWorld) -> None:
        self.world = world
        self.key = ECKey.generate_key("P-256")
        self.client = world.anonymous("signin")
        self.client.meta.events.register("before-call.signin.CreateOAuth2Token", self._prove)
        self.header: str | None = None
        self.changes: dict[str, Any] = {}

    def proof(self, **changes: Any) -> str:
        claims = {
            "htm": "POST",
            "htu": _URL,
            "iat": int(self.world.clock.now().timestamp()),
            "jti": str(uuid.uuid4()),
        }
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}, kept, self.key)

    def code(self, principal_id: str, *, client_id: str = _SAME, mfa: bool = False) -> str:
        """What the page does once the user allows it."""
        now = self.world.clock.now()
        with self.world.store.begin() as transaction:
            principal = signin.LoginPrincipal(
                account=self.world.account, principal_id=principal_id, mfa_at=now if mfa else None
            )
            return signin.issue_login_code(transaction, signin.login_request(query(client_id)), principal, now)

    def exchange(self, code: str, **changes: str) -> dict[str, Any]:
        given = {
            "clientId": _SAME,
            "grantType": "authorization_code",
            "code": code,
            "redirectUri": _CALLBACK,
            "codeVerifier": _VERIFIER,
        }
        return self.client.create_o_auth2_token(tokenInput=given | changes)["tokenOutput"]

    def refresh(self, token: str) -> dict[str, Any]:
        given = {"clientId": _SAME, "grantType": "refresh_token", "refreshToken": token}
        return self.client.create_o_auth2_token(tokenInput=given)["tokenOutput"]

    def _prove(self, params: dict[str, Any], **_: Any) -> None:
        header = self.proof(**self.changes) if self.header is None else self.header
        if header:
            params["headers"]["DPoP"] = header


def query(client_id: str = _SAME, **changes: str | None) -> dict[str, str]:
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "state": "some-state",
        "code_challenge_method": "SHA-256",
        "scope": "openid",
        "redirect_uri": _CALLBACK if client_id == _SAME else _CONFIRMATION,
        "code_challenge": pkce_challenge(_VERIFIER),
    }
    return {name: value for name, value in (parameters | changes).items() if value is not None}


def keys(output: dict[str, Any]) -> dict[str, str]:
    given = output["accessToken"]
    return {
        "aws_access_key_id": given["accessKeyId"],
        "aws_secret_access_key": given["secretAccessKey"],
        "aws_session_token": given["sessionToken"],
    }


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AwsWorld]:
    with aws_world(tmp_path, iam.SERVICE, sts.SERVICE, signin.SERVICE) as made:
        yield made


@pytest.fixture
def login(world: AwsWorld) -> Login:
    return Login(world)


def console_user(world: AwsWorld, name: str = "ann") -> str:
    made = world.client("iam").create_user(UserName=name)["User"]["UserId"]
    world.client("iam").create_login_profile(UserName=name, Password="Correct-Horse-1")
    return made


def test_root_gets_keys_of_its_own_for_a_quarter_of_an_hour(world, login):
    output = login.exchange(login.code(world.account))
    assert output["tokenType"] == "aws_sigv4"
    assert output["expiresIn"] == 900
    assert claims_of(output["idToken"])["sub"] == f"arn:aws:iam::{world.account}:root"
    client = world.client("sts", keys(output))
    assert client.get_caller_identity()["Arn"] == f"arn:aws:iam::{world.account}:root"
    with world.store.read() as transaction:
        session = iam.session(transaction, output["accessToken"]["accessKeyId"])
    assert session is not None
    assert (session.expires_at - session.issued_at).total_seconds() == 900


def test_a_user_gets_the_users_rights_and_the_second_factor_is_remembered(world, login):
    user = console_user(world)
    with_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": with_mfa}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("iam").put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy)
    output = login.exchange(login.code(user, mfa=True))
    assert claims_of(output["idToken"])["sub"] == f"arn:aws:iam::{world.account}:user/ann"
    assert world.client("iam", keys(output)).list_users()["Users"]
    with refused("AccessDenied"):
        world.client("iam", keys(output)).create_user(UserName="eve")
    without = login.exchange(login.code(user))
    with refused("AccessDenied"):
        world.client("iam", keys(without)).list_users()


def test_a_code_that_was_pasted_from_another_machine_works_for_that_client_only(world, login):
    code = login.code(world.account, client_id=_CROSS)
    with refused("AccessDeniedException"):
        login.exchange(code, redirectUri=_CONFIRMATION)
    assert login.exchange(code, clientId=_CROSS, redirectUri=_CONFIRMATION)["idToken"]


def test_refreshing_needs_the_same_key_and_gives_the_next_token(world, login):
    output = login.exchange(login.code(world.account))
    thief = Login(world)
    with refused("AccessDeniedException", "another key"):
        thief.refresh(output["refreshToken"])
    following = login.refresh(output["refreshToken"])
    assert "idToken" not in following
    assert following["refreshToken"] != output["refreshToken"]
    assert world.client("sts", keys(following)).get_caller_identity()


def test_the_reuse_of_a_refresh_token_ends_the_login(world, login):
    first = login.exchange(login.code(world.account))["refreshToken"]
    second = login.refresh(first)["refreshToken"]
    world.clock.ahead += 11
    for token in (first, second):
        with refused("AccessDeniedException"):
            login.refresh(token)


def test_a_login_ends_after_twelve_hours(world, login):
    token = login.exchange(login.code(world.account))["refreshToken"]
    world.clock.ahead += 12 * 3600 - 60
    late = login.refresh(token)
    assert late["expiresIn"] <= 60
    world.clock.ahead += 61
    with refused("AccessDeniedException"):
        login.refresh(late["refreshToken"])


def test_a_new_password_ends_logins_and_the_cli_is_told_why(world, login):
    token = login.exchange(login.code(console_user(world)))["refreshToken"]
    world.client("iam").update_login_profile(UserName="ann", Password="Another-Horse-2")
    with pytest.raises(login.client.exceptions.AccessDeniedException) as raised:
        login.refresh(token)
    assert raised.value.response["error"] == "USER_CREDENTIALS_CHANGED"


def test_a_user_who_is_gone_gets_nothing(world, login):
    user = console_user(world)
    code, token = login.code(user), login.exchange(login.code(user))["refreshToken"]
    world.client("iam").delete_login_profile(UserName="ann")
    world.client("iam").delete_user(UserName="ann")
    with refused("AccessDeniedException"):
        login.exchange(code)
    with refused("AccessDeniedException"):
        login.refresh(token)


def test_a_code_is_good_once_and_its_reuse_ends_the_login(world, login):
    code = login.code(world.account)
    token = login.exchange(code)["refreshToken"]
    with refused("AccessDeniedException", "used before"):
        login.exchange(code)
    with refused("AccessDeniedException"):
        login.refresh(token)


def test_a_code_expires(world, login):
    code = login.code(world.account)
    world.clock.ahead += 601
    with refused("AccessDeniedException"):
        login.exchange(code)


@pytest.mark.parametrize("changes", [{"codeVerifier": "w" * 64}, {"redirectUri": "http://127.0.0.1:1/oauth/callback"}])
def test_a_code_without_its_proof_is_refused_and_burnt(world, login, changes):
    code = login.code(world.account)
    with refused("AccessDeniedException"):
        login.exchange(code, **changes)
    with refused("AccessDeniedException"):
        login.exchange(code)


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htu": "http://127.0.0.1:8421/v1/other"},
        {"htu": "http://evil.example.com/v1/token"},
        {"htu": None},
        {"iat": 1},
        {"iat": "now"},
        {"iat": None},
        {"jti": None},
        {"jti": "x" * 257},
    ],
)
def test_a_proof_for_another_request_or_time_is_refused(world, login, changes):
    login.changes = changes
    with refused("ValidationException"):
        login.exchange(login.code(world.account))


def test_a_proof_is_good_once(world, login):
    login.header = login.proof()
    token = login.exchange(login.code(world.account))["refreshToken"]
    with refused("ValidationException", "used before"):
        login.refresh(token)


def test_a_proof_is_required_and_must_be_signed_by_its_own_key(world, login):
    code = login.code(world.account)
    other = ECKey.generate_key("P-256")
    said = {"typ": "dpop+jwt", "alg": "ES256", "jwk": login.key.as_dict(private=False)}
    claims = {"htm": "POST", "htu": _URL, "iat": int(world.clock.now().timestamp()), "jti": "1"}
    proofs = [
        "",
        "nonsense",
        "a.b.c",
        "x" * 5000,
        jwt.encode(said, claims, other),
        jwt.encode({**said, "typ": "JWT"}, claims, login.key),
        jwt.encode({**said, "jwk": login.key.as_dict(private=True)}, claims, login.key),
        f"{login.proof()}, {login.proof()}",
    ]
    for proof in proofs:
        login.header = proof
        with refused("ValidationException"):
            login.exchange(code)
    login.header = None
    assert login.exchange(code)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "arn:aws:signin:::devtools/other"},
        {"redirect_uri": "http://evil.example.com/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1@evil.example.com/oauth/callback"},
        {"redirect_uri": _CONFIRMATION},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "S256"},
        {"scope": "everything"},
        {"state": None},
        {"state": "x" * 2049},
    ],
)
def test_a_request_that_is_not_safe_is_refused(changes):
    with pytest.raises(Fault) as raised:
        signin.login_request(query(**changes))
    assert raised.value.code == "ValidationException"


@pytest.mark.parametrize(
    "redirect_uri", [_CALLBACK, "http://x@127.0.0.1/v1/sessions/confirmation", f"{_CONFIRMATION}?x", "//x", "https://["]
)
def test_a_remote_login_is_shown_on_the_confirmation_page_only(redirect_uri):
    with pytest.raises(Fault):
        signin.login_request(query(_CROSS, redirect_uri=redirect_uri))
    assert signin.login_request(query(_CROSS)).is_remote


def test_what_is_kept_opens_nothing(world, login):
    code = login.code(world.account)
    output = login.exchange(code)
    kept = everything_kept(world.store)
    assert world.account.encode() in kept
    assert output["refreshToken"].encode() not in kept
    assert code.encode() not in kept
    assert b"PRIVATE KEY" not in kept
