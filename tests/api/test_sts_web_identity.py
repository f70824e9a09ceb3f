"""AssumeRoleWithWebIdentity against an identity provider of our own."""

import base64
import hmac
import json
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from millpond.services.iam import OidcKeys
from tests.api.aws_world import AwsWorld, allow, document, refused

HOST = "login.example.com"
ISSUER = f"https://{HOST}"
HS256, UNSIGNED = b'{"alg": "HS256", "kid": "one"}', b'{"alg": "none"}'


class Provider(msgspec.Struct):
    """An OpenID Connect provider with one key, and how its documents are fetched."""

    key: Any
    issuer: str = ISSUER
    reachable: bool = True

    def fetch(self, url, thumbprints):
        if not self.reachable:
            raise OSError("connection refused")
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return json.dumps({"issuer": self.issuer, "jwks_uri": f"{ISSUER}/keys"}).encode()
        assert url == f"{ISSUER}/keys"
        return json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()

    def token(self, world, *, key=None, algorithm="RS256", without=(), **claims):
        now = int(world.clock.now().timestamp())
        body = {"iss": ISSUER, "sub": "ann", "aud": "app", "iat": now, "exp": now + 600} | claims
        header = {"alg": algorithm, "kid": self.key.kid}
        kept = {name: value for name, value in body.items() if name not in without}
        return jwt.encode(header, kept, key or self.key, algorithms=[algorithm])


@pytest.fixture(scope="module")
def signing_key():
    return RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture
def provider(signing_key):
    return Provider(key=signing_key)


@pytest.fixture
async def trusted(world, provider):
    """The provider is registered, its keys are fetched, and a role trusts its user `ann`."""
    registered(world)
    await fetch_keys(world, provider)
    return Trusted(world=world, provider=provider, role=role(world))


class Trusted(msgspec.Struct):
    world: AwsWorld
    provider: Provider
    role: str

    def assume(self, token=None, **more):
        token = token or self.provider.token(self.world)
        return self.world.anonymous("sts").assume_role_with_web_identity(
            RoleArn=self.role, RoleSessionName="ann", WebIdentityToken=token, **more
        )


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def registered(world):
    return world.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["app"])


async def fetch_keys(world, provider):
    return await OidcKeys(world.store, world.clock, provider.fetch).reconcile(HOST)


def role(world, name="federated", actions=("sts:AssumeRoleWithWebIdentity",), **condition):
    provider_arn = f"arn:aws:iam::{world.account}:oidc-provider/{HOST}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": list(actions),
        "Condition": condition or {"StringEquals": {f"{HOST}:sub": "ann", f"{HOST}:aud": "app"}},
    }
    client = world.client("iam")
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=document(statement))["Role"]
    client.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow("iam:ListUsers")))
    return made["Arn"]


async def test_a_user_of_the_provider_becomes_the_role(trusted):
    answer = trusted.assume()
    assert answer["SubjectFromWebIdentityToken"] == "ann"
    assert (answer["Audience"], answer["Provider"].rpartition("/")[2]) == ("app", HOST)
    session = answer["Credentials"]
    arn = trusted.world.client("sts", session).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{trusted.world.account}:assumed-role/federated/ann"
    trusted.world.client("iam", session).list_users()


async def test_a_token_file_may_end_in_a_newline(trusted):
    trusted.assume(trusted.provider.token(trusted.world) + "\n")


@pytest.mark.parametrize(
    ("claims", "code", "words"),
    [
        ({"aud": "another"}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"azp": "another"}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"exp": 1_700_000_000}, "ExpiredTokenException", "Token expired"),
        ({"iat": 4_000_000_000}, "InvalidIdentityToken", "not valid yet"),
        ({"nbf": 4_000_000_000}, "InvalidIdentityToken", "not valid yet"),
        ({"exp": "soon"}, "InvalidIdentityToken", "not a number"),
        ({"iss": "https://other.example.com"}, "InvalidIdentityToken", "No OpenIDConnect provider found"),
        ({"iss": f"http://{HOST}"}, "InvalidIdentityToken", "No OpenIDConnect provider found"),
        ({"sub": "beth"}, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        ({"without": ("sub",)}, "InvalidIdentityToken", "Missing a required claim: sub"),
        ({"without": ("exp",)}, "InvalidIdentityToken", "Missing a required claim: exp"),
    ],
)
async def test_what_a_token_says_is_checked(trusted, claims, code, words):
    with refused(code, words):
        trusted.assume(trusted.provider.token(trusted.world, **claims))


async def test_a_token_signed_with_another_key_is_refused(trusted):
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    with refused("InvalidIdentityToken", "signature"):
        trusted.assume(trusted.provider.token(trusted.world, key=stranger))


async def test_a_token_changed_after_signing_is_refused(trusted):
    header, _, signature = trusted.provider.token(trusted.world).split(".")
    _, body, _ = trusted.provider.token(trusted.world, sub="root").split(".")
    with refused("InvalidIdentityToken"):
        trusted.assume(f"{header}.{body}.{signature}")


async def test_the_public_key_does_not_serve_as_a_shared_secret(trusted):
    _, body, _ = trusted.provider.token(trusted.world).split(".")
    signed = f"{base64url(HS256)}.{body}"
    forged = hmac.digest(trusted.provider.key.as_pem(private=False), signed.encode(), "sha256")
    with refused("InvalidIdentityToken"):
        trusted.assume(f"{signed}.{base64url(forged)}")


async def test_an_unsigned_token_is_refused(trusted):
    _, body, _ = trusted.provider.token(trusted.world).split(".")
    with refused("InvalidIdentityToken"):
        trusted.assume(f"{base64url(UNSIGNED)}.{body}.")


@pytest.mark.parametrize("token", ["x" * 10, "a.b.c", "e30.e30.", "ey.ey.ey"])
async def test_what_is_no_token_is_refused(trusted, token):
    with refused("InvalidIdentityToken"):
        trusted.assume(token)


async def test_elliptic_keys_are_believed_as_well(world):
    key = ECKey.generate_key("P-256", {"kid": "two"})
    provider = Provider(key=key)
    registered(world)
    await fetch_keys(world, provider)
    Trusted(world=world, provider=provider, role=role(world)).assume(provider.token(world, algorithm="ES256"))


async def test_before_the_keys_are_fetched_clients_are_told_to_try_again(world, provider):
    registered(world)
    provider.reachable = False
    outcome = await fetch_keys(world, provider)
    assert (outcome.trouble, outcome.why) == (True, "the keys could not be fetched: connection refused")
    with refused("IDPCommunicationError"):
        Trusted(world=world, provider=provider, role=role(world)).assume()


async def test_a_discovery_document_of_another_issuer_is_not_believed(world, provider):
    registered(world)
    provider.issuer = "https://evil.example.com"
    outcome = await fetch_keys(world, provider)
    assert "another issuer" in outcome.why


async def test_keys_are_fetched_again_after_a_while_and_forgotten_with_the_last_provider(world, provider):
    arn = registered(world)["OpenIDConnectProviderArn"]
    assert (await fetch_keys(world, provider)).why == "fetched the keys"
    assert (await fetch_keys(world, provider)).why == "the keys are fresh"
    world.clock.ahead = 301.0
    assert (await fetch_keys(world, provider)).why == "fetched the keys"
    world.clock.ahead = 0.0
    world.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (await fetch_keys(world, provider)).gone


async def test_tags_of_a_token_need_the_roles_leave_and_become_session_tags(trusted):
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}}
    token = trusted.provider.token(trusted.world, **tags)
    with refused("AccessDenied", "sts:TagSession"):
        trusted.assume(token)
    actions = ("sts:AssumeRoleWithWebIdentity", "sts:TagSession")
    trusted.role = role(
        trusted.world, "tagged", actions, StringEquals={f"{HOST}:aud": "app", "aws:RequestTag/team": "blue"}
    )
    trusted.assume(token)


async def test_a_role_of_nobody_and_one_that_trusts_nobody_look_the_same(trusted):
    trusted.role = f"arn:aws:iam::{trusted.world.account}:role/nothing"
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        trusted.assume()


async def test_a_session_is_not_longer_than_the_role_allows(trusted):
    with refused("ValidationError", "MaxSessionDuration"):
        trusted.assume(DurationSeconds=3601)
