"""sso-oidc and the portal API through boto3: every way to a token, and every way it is refused."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from millpond.gateway.http import Request
from millpond.operation import Fault
from millpond.services import iam, sso
from tests.api.aws_world import allow, document, refused
from tests.api.sso_world import SsoWorld, sso_world
from tests.support.stores import everything_kept

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_CALLBACK = "http://127.0.0.1/oauth/callback"
_ASKED = "http://127.0.0.1:43117/oauth/callback"
_VERIFIER = "v" * 43
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
_HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SsoWorld]:
    with sso_world(tmp_path) as made:
        yield made


def browser_client(world: SsoWorld, **members: Any) -> dict[str, str]:
    wanted = {
        "grantTypes": ["authorization_code", "refresh_token"],
        "redirectUris": [_CALLBACK],
        "issuerUrl": world.start_url,
    }
    return world.registered(**wanted | members)


def query(client: dict[str, str], **changes: str | None) -> dict[str, str]:
    parameters = {
        "response_type": "code",
        "client_id": client["clientId"],
        "redirect_uri": _ASKED,
        "state": "s t",
        "code_challenge_method": "S256",
        "code_challenge": _CHALLENGE,
        "scopes": "sso:account:access",
    }
    return {name: value for name, value in (parameters | changes).items() if value is not None}


def code_for(world: SsoWorld, client: dict[str, str], user_id: str) -> str:
    """What the page does once the user allows it."""
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        request = sso.authorization_request(transaction, query(client), now)
        return sso.authorize(transaction, request, world_user(transaction, user_id), now)


def world_user(transaction: Any, user_id: str) -> sso.User:
    user = sso.user(transaction, user_id)
    assert user is not None
    return user


def exchange(world: SsoWorld, client: dict[str, str], code: str, **changes: str) -> dict[str, Any]:
    wanted = {"grantType": "authorization_code", "code": code, "codeVerifier": _VERIFIER, "redirectUri": _ASKED}
    return world.oidc.create_token(**client, **(wanted | changes))


def started(world: SsoWorld, client: dict[str, str], start_url: str = "") -> dict[str, Any]:
    return world.oidc.start_device_authorization(**client, startUrl=start_url or world.start_url)


def poll(world: SsoWorld, client: dict[str, str], device: dict[str, Any]) -> dict[str, Any]:
    return world.oidc.create_token(**client, grantType=_DEVICE, deviceCode=device["deviceCode"])


def approve(world: SsoWorld, device: dict[str, Any], user_id: str) -> None:
    with world.aws.store.begin() as transaction:
        sso.approve_device(transaction, device["userCode"], world_user(transaction, user_id), world.aws.clock.now())


def refresh(world: SsoWorld, client: dict[str, str], token: str) -> dict[str, Any]:
    return world.oidc.create_token(**client, grantType="refresh_token", refreshToken=token)


def test_a_device_gets_a_token_once_a_person_allowed_it_and_the_token_gets_credentials(world):
    user = world.user("ann")
    world.assign(world.permission_set("ReadOnly", SessionDuration="PT2H"), user)
    client = world.registered()
    device = started(world, client)
    assert len(device["userCode"]) == 9
    assert device["verificationUri"] == "http://127.0.0.1:8421/start/device"
    assert device["verificationUriComplete"].endswith(f"?user_code={device['userCode']}")
    with refused("AuthorizationPendingException"):
        poll(world, client, device)
    with world.aws.store.read() as transaction:
        shown = sso.device_request(transaction, device["userCode"].lower().replace("-", ""), world.aws.clock.now())
    assert shown is not None
    assert shown.client_name == "test-client"
    approve(world, device, user)
    token = poll(world, client, device)
    assert token["tokenType"] == "Bearer"
    assert token["expiresIn"] == 3600
    (account,) = world.portal.list_accounts(accessToken=token["accessToken"])["accountList"]
    assert account["accountId"] == world.account
    roles = world.portal.list_account_roles(accessToken=token["accessToken"], accountId=world.account)["roleList"]
    assert roles == [{"roleName": "ReadOnly", "accountId": world.account}]
    answer = world.portal.get_role_credentials(
        accessToken=token["accessToken"], accountId=world.account, roleName="ReadOnly"
    )["roleCredentials"]
    lasts = answer["expiration"] / 1000 - world.aws.clock.now().timestamp()
    assert 7100 < lasts <= 7200
    keys = {
        "aws_access_key_id": answer["accessKeyId"],
        "aws_secret_access_key": answer["secretAccessKey"],
        "aws_session_token": answer["sessionToken"],
    }
    caller = world.aws.client("sts", keys).get_caller_identity()["Arn"]
    assert caller.startswith(f"arn:aws:sts::{world.account}:assumed-role/AWSReservedSSO_ReadOnly_")
    assert caller.endswith("/ann")
    assert world.aws.client("iam", keys).list_users()["Users"]
    with refused("AccessDenied"):
        world.aws.client("iam", keys).create_user(UserName="eve")


def test_the_error_is_told_in_oauths_words_too(world):
    client = world.registered()
    with pytest.raises(ClientError) as raised:
        poll(world, client, started(world, client))
    answer = raised.value.response
    assert answer["error"] == "authorization_pending"
    assert answer["error_description"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as raised:
        world.oidc.create_token(clientId="x", clientSecret="y", grantType=_DEVICE, deviceCode="z")
    assert raised.value.response["error"] == "invalid_client"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 401


@pytest.mark.parametrize("form", ["directory", "portal", "vanity", "plain", "with a fragment"])
def test_every_form_of_the_start_url_names_the_instance(world, form):
    instance_id = world.instance_arn.rpartition("/")[2]
    url = {
        "directory": world.start_url,
        "portal": f"https://{instance_id}.portal.us-east-1.app.aws/start",
        "vanity": "https://portal.example.com/start/",
        "plain": "http://127.0.0.1:8421/start",
        "with a fragment": f"{world.start_url}#/",
    }[form]
    assert started(world, world.registered(), url)["userCode"]
    assert browser_client(world, issuerUrl=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://d-0000000000.awsapps.com/start",
        "https://ssoins-0000000000000000.portal.us-east-1.app.aws/start",
        "https://example.awsapps.com/start",
        "https://portal.example.com/other",
        "ftp://portal.example.com/start",
        "start",
        "https://[/start",
    ],
)
def test_a_start_url_of_nobody_here_is_refused(world, url):
    client = world.registered()
    with refused("InvalidRequestException"):
        started(world, client, url)


def test_a_device_that_polls_too_fast_is_slowed_down(world):
    client = world.registered()
    device = started(world, client)
    codes = []
    for _ in range(4):
        with pytest.raises(ClientError) as raised:
            poll(world, client, device)
        codes.append(raised.value.response["Error"]["Code"])
    assert codes == [*["AuthorizationPendingException"] * 3, "SlowDownException"]
    world.aws.clock.ahead += 7
    with refused("AuthorizationPendingException"):
        poll(world, client, device)


def test_a_device_that_was_denied_gets_nothing(world):
    client = world.registered()
    device = started(world, client)
    with world.aws.store.begin() as transaction:
        sso.deny_device(transaction, device["userCode"], world.aws.clock.now())
        assert sso.device_request(transaction, device["userCode"], world.aws.clock.now()) is None
    with refused("AccessDeniedException"):
        poll(world, client, device)


def test_a_device_code_expires_and_can_no_longer_be_allowed(world):
    client, user = world.registered(), world.user("ann")
    device = started(world, client)
    world.aws.clock.ahead += 601
    with refused("ExpiredTokenException"):
        poll(world, client, device)
    with pytest.raises(Fault, match="not valid"):
        approve(world, device, user)


def test_a_device_code_is_good_once_and_its_reuse_ends_the_session(world):
    client, user = world.registered(), world.user("ann")
    device = started(world, client)
    approve(world, device, user)
    token = poll(world, client, device)
    world.portal.list_accounts(accessToken=token["accessToken"])
    with refused("InvalidGrantException"):
        poll(world, client, device)
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=token["accessToken"])


def test_a_code_of_another_client_is_worth_nothing(world):
    client, thief, user = world.registered(), world.registered(), world.user("ann")
    device = started(world, client)
    approve(world, device, user)
    with refused("InvalidGrantException"):
        poll(world, thief, device)
    assert poll(world, client, device)["accessToken"]
    browser, other = browser_client(world), browser_client(world)
    code = code_for(world, browser, user)
    with refused("InvalidGrantException"):
        exchange(world, other, code)
    assert exchange(world, browser, code)["accessToken"]


def test_a_browser_carries_a_code_to_the_loopback_address_and_it_becomes_a_token(world):
    client, user = browser_client(world), world.user("ann")
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        request = sso.authorization_request(transaction, query(client), now)
        code = sso.authorize(transaction, request, world_user(transaction, user), now)
    assert request.redirection(code) == f"{_ASKED}?code={code}&state=s+t"
    assert request.refusal() == f"{_ASKED}?error=access_denied&state=s+t"
    token = exchange(world, client, code)
    assert token["refreshToken"]
    assert world.portal.list_accounts(accessToken=token["accessToken"])["accountList"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "http://evil.example.com/oauth/callback"}, "InvalidRequestException"),
        ({"redirect_uri": "http://127.0.0.1.evil.example.com/oauth/callback"}, "InvalidRequestException"),
        ({"redirect_uri": "http://127.0.0.1:80@evil.example.com/oauth/callback"}, "InvalidRequestException"),
        ({"redirect_uri": "http://127.0.0.1:43117/oauth/callback/../x"}, "InvalidRequestException"),
        ({"redirect_uri": "http://127.0.0.1:43117/oauth/callback?x=y"}, "InvalidRequestException"),
        ({"redirect_uri": "https://127.0.0.1:43117/oauth/callback"}, "InvalidRequestException"),
        ({"redirect_uri": "http://localhost:43117/oauth/callback"}, "InvalidRequestException"),
        ({"redirect_uri": None}, "InvalidRequestException"),
        ({"code_challenge": None}, "InvalidRequestException"),
        ({"code_challenge": "short"}, "InvalidRequestException"),
        ({"code_challenge_method": None}, "InvalidRequestException"),
        ({"code_challenge_method": "plain"}, "InvalidRequestException"),
        ({"response_type": "token"}, "InvalidRequestException"),
        ({"client_id": "nobody"}, "InvalidClientException"),
        ({"scopes": "everything"}, "InvalidScopeException"),
        ({"state": "x" * 2049}, "InvalidRequestException"),
    ],
)
def test_a_request_to_authorize_that_is_not_safe_is_refused(world, changes, code):
    client = browser_client(world)
    with world.aws.store.read() as transaction, pytest.raises(Fault) as raised:
        sso.authorization_request(transaction, query(client, **changes), world.aws.clock.now())
    assert raised.value.code == code


def test_a_client_of_the_device_flow_cannot_ask_for_codes_and_the_other_way_round(world):
    device_client, browser = world.registered(redirectUris=[_CALLBACK]), browser_client(world)
    with world.aws.store.read() as transaction, pytest.raises(Fault) as raised:
        sso.authorization_request(transaction, query(device_client), world.aws.clock.now())
    assert raised.value.code == "UnauthorizedClientException"
    with refused("UnauthorizedClientException"):
        started(world, browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"codeVerifier": "w" * 43},
        {"redirectUri": "http://127.0.0.1:1/oauth/callback"},
        {"redirectUri": _CALLBACK},
    ],
)
def test_a_code_without_its_proof_is_refused_and_burnt(world, changes):
    client, user = browser_client(world), world.user("ann")
    code = code_for(world, client, user)
    with refused("InvalidGrantException"):
        exchange(world, client, code, **changes)
    with refused("InvalidGrantException"):
        exchange(world, client, code)


def test_a_missing_verifier_is_told_as_missing(world):
    client, user = browser_client(world), world.user("ann")
    code = code_for(world, client, user)
    with refused("InvalidRequestException", "codeVerifier"):
        world.oidc.create_token(**client, grantType="authorization_code", code=code, redirectUri=_ASKED)


def test_an_authorization_code_expires_and_is_good_once(world):
    client, user = browser_client(world), world.user("ann")
    late = code_for(world, client, user)
    world.aws.clock.ahead += 301
    with refused("InvalidGrantException"):
        exchange(world, client, late)
    code = code_for(world, client, user)
    token = exchange(world, client, code)
    with refused("InvalidGrantException"):
        exchange(world, client, code)
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=token["accessToken"])


def test_a_user_of_another_directory_cannot_allow_anything(world):
    client, user = browser_client(world), world.user("ann")
    device_client = world.registered()
    device = started(world, device_client)
    now = world.aws.clock.now()
    with world.aws.store.begin() as transaction:
        other = iam.create_account(transaction, name="o", email="o@example.com", password="x-y-z-1", now=now)
        own = sso.enable(transaction, account=other.id, region="us-east-1", now=now)
        stranger = sso.User(
            identity_store_id=own.identity_store_id, id=user, name="ann", created_at=now, updated_at=now
        )
        request = sso.authorization_request(transaction, query(client), now)
        with pytest.raises(Fault) as raised:
            sso.authorize(transaction, request, stranger, now)
        assert raised.value.code == "AccessDeniedException"
        with pytest.raises(Fault) as raised:
            sso.approve_device(transaction, device["userCode"], stranger, now)
        assert raised.value.code == "AccessDeniedException"
    with refused("AuthorizationPendingException"):
        poll(world, device_client, device)


def test_a_refresh_token_is_exchanged_for_the_next_and_expired_access_tokens_are_refused(world):
    client, user = browser_client(world), world.user("ann")
    token = exchange(world, client, code_for(world, client, user))
    world.aws.clock.ahead += 2 * _HOUR
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=token["accessToken"])
    following = refresh(world, client, token["refreshToken"])
    assert following["refreshToken"] != token["refreshToken"]
    world.portal.list_accounts(accessToken=following["accessToken"])
    world.aws.clock.ahead += 7 * _HOUR
    with refused("InvalidGrantException"):
        refresh(world, client, following["refreshToken"])


def test_the_reuse_of_a_refresh_token_ends_the_session_of_both_who_hold_it(world):
    client, user = browser_client(world), world.user("ann")
    token = exchange(world, client, code_for(world, client, user))
    following = refresh(world, client, token["refreshToken"])
    world.aws.clock.ahead += 11
    with refused("InvalidGrantException"):
        refresh(world, client, token["refreshToken"])
    with refused("InvalidGrantException"):
        refresh(world, client, following["refreshToken"])
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=following["accessToken"])


def test_two_processes_that_refresh_at_once_do_not_sign_the_user_out(world):
    client, user = browser_client(world), world.user("ann")
    token = exchange(world, client, code_for(world, client, user))["refreshToken"]
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            outcomes.append(refresh(world, client, token)["accessToken"])
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=attempt) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("InvalidGrantException") == 2
    (access,) = [each for each in outcomes if each != "InvalidGrantException"]
    world.portal.list_accounts(accessToken=access)


def test_a_refresh_token_of_another_client_and_an_access_token_are_refused(world):
    client, other, user = browser_client(world), browser_client(world), world.user("ann")
    token = exchange(world, client, code_for(world, client, user))
    with refused("InvalidGrantException"):
        refresh(world, other, token["refreshToken"])
    with refused("InvalidGrantException"):
        refresh(world, client, token["accessToken"])
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=token["refreshToken"])
    assert refresh(world, client, token["refreshToken"])


def test_a_client_without_scopes_gets_one_token_for_the_whole_session(world):
    client, user = world.registered(scopes=[]), world.user("ann")
    device = started(world, client)
    approve(world, device, user)
    token = poll(world, client, device)
    assert token["expiresIn"] == 8 * _HOUR
    assert "refreshToken" not in token


def test_a_registration_expires(world):
    client = world.registered()
    world.aws.clock.ahead += 90 * 24 * _HOUR + 1
    with refused("InvalidClientException"):
        started(world, client)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"clientType": "confidential"}, "InvalidClientMetadataException"),
        ({"clientName": ""}, "InvalidClientMetadataException"),
        ({"clientName": "x" * 257}, "InvalidClientMetadataException"),
        ({"clientName": "line\nbreak"}, "InvalidClientMetadataException"),
        ({"scopes": ["everything"]}, "InvalidScopeException"),
        ({"grantTypes": ["password"]}, "UnsupportedGrantTypeException"),
        ({"redirectUris": ["https://evil.example.com/"]}, "InvalidRedirectUriException"),
        ({"redirectUris": [_CALLBACK] * 11}, "InvalidRedirectUriException"),
        ({"issuerUrl": "https://d-0000000000.awsapps.com/start"}, "InvalidRequestException"),
    ],
)
def test_a_registration_that_is_not_supported_is_refused(world, members, code):
    with refused(code):
        world.registered(**members)


def test_one_address_cannot_fill_the_store_with_clients(world):
    with pytest.raises(ClientError) as raised:
        for _ in range(301):
            world.registered()
    assert raised.value.response["Error"]["Code"] == "SlowDownException"


def test_what_is_missing_is_told_as_an_invalid_request(world):
    headers = (("host", "127.0.0.1:8421"), ("content-type", "application/json"))
    answer = world.aws.gateway.handle(
        Request(method="POST", raw_path=b"/token", raw_query=b"", headers=headers, body=b"{}")
    )
    assert answer.status == 400
    assert dict(answer.headers)["x-amzn-errortype"] == "InvalidRequestException"
    told = json.loads(answer.body)
    assert told["error"] == "invalid_request"
    assert "clientId" in told["error_description"]


def test_roles_in_accounts_come_from_groups_too_and_others_are_refused(world):
    ann, beth = world.user("ann"), world.user("beth")
    world.assign(world.permission_set("Team"), world.group("team", ann), kind="GROUP")
    world.assign(world.permission_set("Admin", managed="AdministratorAccess"), beth)
    token = world.bearer(ann)
    assert len(world.portal.list_account_roles(accessToken=token, accountId=world.account)["roleList"]) == 1
    with refused("ForbiddenException"):
        world.portal.get_role_credentials(accessToken=token, accountId=world.account, roleName="Admin")
    other = world.account_named("other")
    with refused("ForbiddenException"):
        world.portal.list_account_roles(accessToken=token, accountId=other)
    with refused("ForbiddenException"):
        world.portal.get_role_credentials(accessToken=token, accountId=other, roleName="Team")


def test_accounts_and_roles_are_paged(world):
    ann = world.user("ann")
    permission_set = world.permission_set("Team")
    for name in ("b", "c"):
        world.assign(permission_set, ann, account=world.account_named(name))
    world.assign(permission_set, ann)
    world.assign(world.permission_set("Other"), ann)
    token = world.bearer(ann)
    pages = world.portal.get_paginator("list_accounts").paginate(accessToken=token, PaginationConfig={"PageSize": 2})
    assert len({each["accountId"] for page in pages for each in page["accountList"]}) == 3
    pages = world.portal.get_paginator("list_account_roles").paginate(
        accessToken=token, accountId=world.account, PaginationConfig={"PageSize": 1}
    )
    assert [each["roleName"] for page in pages for each in page["roleList"]] == ["Other", "Team"]
    with refused("InvalidRequestException"):
        world.portal.list_accounts(accessToken=token, nextToken="!")


def test_the_end_of_an_assignment_is_felt_at_once(world):
    ann = world.user("ann")
    permission_set = world.permission_set("Team")
    world.assign(permission_set, ann)
    token = world.bearer(ann)
    wanted = {"accessToken": token, "accountId": world.account, "roleName": "Team"}
    answer = world.portal.get_role_credentials(**wanted)["roleCredentials"]
    keys = {
        "aws_access_key_id": answer["accessKeyId"],
        "aws_secret_access_key": answer["secretAccessKey"],
        "aws_session_token": answer["sessionToken"],
    }
    assert world.aws.client("sts", keys).get_caller_identity()
    world.admin.delete_account_assignment(**world.assignment(permission_set, ann))
    with refused("ForbiddenException"):
        world.portal.get_role_credentials(**wanted)
    with refused("InvalidClientTokenId"):
        world.aws.client("sts", keys).get_caller_identity()


def test_a_boundary_of_the_set_bounds_the_role(world):
    ann = world.user("ann")
    permission_set = world.permission_set("Admin", managed="AdministratorAccess")
    policy = world.aws.client("iam").create_policy(PolicyName="limit", PolicyDocument=document(allow("iam:ListUsers")))
    assert policy["Policy"]["Arn"].endswith(":policy/limit")
    world.admin.put_permissions_boundary_to_permission_set(
        **world.of(permission_set), PermissionsBoundary={"CustomerManagedPolicyReference": {"Name": "limit"}}
    )
    world.assign(permission_set, ann)
    answer = world.portal.get_role_credentials(
        accessToken=world.bearer(ann), accountId=world.account, roleName="Admin"
    )["roleCredentials"]
    keys = {
        "aws_access_key_id": answer["accessKeyId"],
        "aws_secret_access_key": answer["secretAccessKey"],
        "aws_session_token": answer["sessionToken"],
    }
    assert world.aws.client("iam", keys).list_users()
    with refused("AccessDenied", "permissions boundary"):
        world.aws.client("iam", keys).list_roles()


def test_logging_out_ends_the_session_and_a_deleted_users_token_is_worth_nothing(world):
    ann, beth = world.user("ann"), world.user("beth")
    token = world.bearer(ann)
    world.portal.logout(accessToken=token)
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=token)
    with refused("UnauthorizedException"):
        world.portal.logout(accessToken=token)
    kept = world.bearer(beth)
    world.directory.delete_user(IdentityStoreId=world.store_id, UserId=beth)
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=kept)


def test_nothing_that_opens_a_door_is_kept_in_the_clear(world):
    client, user = browser_client(world), world.user("ann")
    code = code_for(world, client, user)
    token = exchange(world, client, code)
    device = started(world, world.registered())
    kept = everything_kept(world.aws.store)
    assert b"ann" in kept
    secrets = [
        client["clientSecret"],
        code,
        token["accessToken"],
        token["refreshToken"],
        device["deviceCode"],
        world.bearer(user),
    ]
    assert not [each for each in secrets if each.encode() in kept]
