"""Signing in with the AWS CLI, unmodified: `aws sso login`, logout, refresh and `aws login`; what others make of it.

The browser's part is played by the functions that the pages call; the pages have tests of their own.
"""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import pytest

from millpond.services import signin, sso
from millpond.store import Store
from tests.support.genuine import aws_cli_1, aws_cli_2
from tests.support.installation import Installation, installation
from tests.support.started import clean_environ
from tests.support.terminal import conversation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(300)]

_REGION = "us-east-1"


class Desk:
    """A user's machine: a home with the AWS configuration, and an installation with a user who may do everything."""

    def __init__(self, home: Path, millpond: Installation, store: Store) -> None:
        self.home = home
        self.millpond = millpond
        self.store = store
        admin, directory = millpond.client("sso-admin"), millpond.client("identitystore")
        instance_arn = admin.create_instance()["InstanceArn"]
        instance = admin.describe_instance(InstanceArn=instance_arn)
        self.account = instance["OwnerAccountId"]
        self.store_id = instance["IdentityStoreId"]
        self.user_id = directory.create_user(
            IdentityStoreId=self.store_id,
            UserName="ann",
            DisplayName="Ann",
            Name={"GivenName": "Ann", "FamilyName": "Smith"},
        )["UserId"]
        made = admin.create_permission_set(InstanceArn=instance_arn, Name="Admin")["PermissionSet"]
        of = {"InstanceArn": instance_arn, "PermissionSetArn": made["PermissionSetArn"]}
        admin.attach_managed_policy_to_permission_set(
            **of, ManagedPolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
        admin.create_account_assignment(
            **of, TargetId=self.account, TargetType="AWS_ACCOUNT", PrincipalType="USER", PrincipalId=self.user_id
        )
        self.config = home / "config"
        self.config.write_text(
            f"[profile work]\nsso_session = ours\nsso_account_id = {self.account}\nsso_role_name = Admin\n"
            f"region = {_REGION}\n[sso-session ours]\nsso_start_url = https://{self.store_id}.awsapps.com/start\n"
            f"sso_region = {_REGION}\nsso_registration_scopes = sso:account:access\n"
        )
        self.environ = clean_environ() | {
            "HOME": str(home),
            "AWS_CONFIG_FILE": str(self.config),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
            "AWS_ENDPOINT_URL": millpond.facts.endpoint,
            "AWS_REGION": _REGION,
        }

    def aws(self, *arguments: str, program: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(program or aws_cli_2()), *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False, timeout=120)

    def caller(self, program: Path | None = None, *, profile: str = "work") -> str:
        done = self.aws("sts", "get-caller-identity", "--profile", profile, program=program)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["Arn"]

    def follow(self, *arguments: str, react: Callable[[str, "subprocess.Popen[str]"], None], **environ: str) -> str:
        """Run AWS CLI 2 and show every line of it to `react`; what it said, once it ended well."""
        command = [str(aws_cli_2()), *arguments]
        said = ""
        with subprocess.Popen(
            command, env=self.environ | environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            for line in running.stdout:
                said += line
                react(line.strip(), running)
        assert running.returncode == 0, said
        return said

    def token_file(self) -> Path:
        """Where AWS's tools share the token of the session `ours`."""
        return self.home / ".aws/sso/cache" / f"{hashlib.sha1(b'ours', usedforsecurity=False).hexdigest()}.json"

    def access_token(self) -> str:
        return json.loads(self.token_file().read_text())["accessToken"]

    def approve_device(self, line: str, _running: Any) -> None:
        """Allow it as soon as the user code is shown, as `/start/device` does."""
        now = self.millpond.clock.now()
        with self.store.begin() as transaction:
            if len(line) == 9 and sso.device_request(transaction, line, now) is not None:
                sso.approve_device(transaction, line, self._user(transaction), now)

    def authorize(self, line: str, _running: Any) -> None:
        """Allow it as soon as the address is shown, as `/authorize` does, and go where the browser would go."""
        if "/authorize?" not in line:
            return
        now = self.millpond.clock.now()
        with self.store.begin() as transaction:
            request = sso.authorization_request(transaction, dict(parse_qsl(urlsplit(line).query)), now)
            code = sso.authorize(transaction, request, self._user(transaction), now)
        with urlopen(request.redirection(code)) as answer:
            assert answer.status == 200

    def login_code(self, url: str) -> tuple[signin.LoginRequest, str]:
        """Allow `aws login` for root, as `/v1/authorize` does."""
        with self.store.begin() as transaction:
            request = signin.login_request(dict(parse_qsl(urlsplit(url).query)))
            root = signin.LoginPrincipal(account=self.account, principal_id=self.account)
            return request, signin.issue_login_code(transaction, request, root, self.millpond.clock.now())

    def _user(self, transaction: Any) -> sso.User:
        user = sso.user(transaction, self.user_id)
        assert user is not None
        return user


def caller_by_version_1(desk: Desk) -> str:
    return desk.caller(aws_cli_1())


def caller_by_boto3(desk: Desk) -> str:
    says = "import boto3; print(boto3.Session(profile_name='work').client('sts').get_caller_identity()['Arn'])"
    command = [sys.executable, "-c", says]
    return subprocess.run(command, env=desk.environ, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def desk_in(directory: Path) -> Iterator[Desk]:
    home = directory / "user"
    home.mkdir()
    with installation(directory / "millpond") as millpond:
        store = Store(millpond.config.database)
        try:
            yield Desk(home, millpond, store)
        finally:
            store.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_in(tmp_path_factory.mktemp("desk")) as made:
        yield made


def test_sso_login_with_a_device_code_twice_in_a_row_and_logout(desk: Desk):
    for _ in range(2):
        said = desk.follow(
            "sso", "login", "--use-device-code", "--no-browser", "--profile", "work", react=desk.approve_device
        )
        assert "Successfully logged into Start URL" in said
        for program in (aws_cli_2(), aws_cli_1()):
            caller = desk.caller(program)
            assert f":sts::{desk.account}:assumed-role/AWSReservedSSO_Admin_" in caller.replace("arn:aws", "")
            assert caller.endswith("/ann")
    token = desk.access_token()
    assert desk.aws("sso", "logout").returncode == 0
    assert "does not exist" in desk.aws("sts", "get-caller-identity", "--profile", "work").stderr
    assert "UnauthorizedException" in desk.aws("sso", "list-accounts", "--access-token", token).stderr


@pytest.mark.parametrize("turn", ["first", "second"])
def test_configure_sso_asks_signs_in_and_writes_a_profile_that_works(desk: Desk, turn: str):
    def allow(screen: str) -> None:
        desk.authorize(next(word for word in screen.split() if "/authorize?" in word), None)

    answers: list[tuple[str, Callable[[str], str | None]]] = [
        ("SSO session name", lambda _: f"{turn}-session"),
        ("SSO start URL", lambda _: f"https://{desk.store_id}.awsapps.com/start"),
        ("SSO region", lambda _: _REGION),
        ("SSO registration scopes", lambda _: ""),
        ("/authorize?", allow),
        ("Default client Region", lambda _: _REGION),
        ("output format", lambda _: "json"),
    ]
    command = [str(aws_cli_2()), "configure", "sso", "--no-browser", "--profile", turn]
    code, shown = conversation(command, desk.environ, answers)
    assert code == 0, shown
    assert 'Using the role name "Admin"' in shown
    assert desk.caller(profile=turn).endswith("/ann")


def test_sso_login_with_a_browser_and_an_expired_token_is_refreshed_by_every_client(desk: Desk):
    desk.follow("sso", "login", "--no-browser", "--profile", "work", react=desk.authorize)
    assert desk.caller().endswith("/ann")
    cached = desk.token_file()
    for call in (Desk.caller, caller_by_version_1, caller_by_boto3):
        token = json.loads(cached.read_text())
        soon = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        cached.write_text(json.dumps(token | {"expiresAt": soon}))
        for file in (desk.home / ".aws/cli/cache").glob("*.json"):
            file.unlink()
        assert call(desk).endswith("/ann")
        assert json.loads(cached.read_text())["accessToken"] != token["accessToken"]


def test_accounts_and_roles_are_listed_with_the_token(desk: Desk):
    desk.follow("sso", "login", "--no-browser", "--profile", "work", react=desk.authorize)
    token = desk.access_token()
    done = desk.aws("sso", "list-accounts", "--access-token", token)
    assert [each["accountId"] for each in json.loads(done.stdout)["accountList"]] == [desk.account]
    done = desk.aws("sso", "list-account-roles", "--access-token", token, "--account-id", desk.account)
    assert [each["roleName"] for each in json.loads(done.stdout)["roleList"]] == ["Admin"]


def test_what_was_done_with_a_token_is_recorded_with_the_user_and_without_the_token(desk: Desk):
    desk.follow("sso", "login", "--no-browser", "--profile", "work", react=desk.authorize)
    desk.caller(aws_cli_1())
    token = desk.access_token()
    for name in ("CreateToken", "GetRoleCredentials"):
        events = desk.millpond.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
        )["Events"]
        assert events
        record = json.loads(events[0]["CloudTrailEvent"])
        assert record["userIdentity"]["type"] == "IdentityCenterUser"
        assert record["userIdentity"]["onBehalfOf"]["userId"] == desk.user_id
        assert record["userIdentity"]["userName"] == "ann"
        assert record["recipientAccountId"] == desk.account
        assert token not in events[0]["CloudTrailEvent"]


def test_aws_login_on_the_same_machine(desk: Desk):
    shown = desk.home / "url"
    shown.unlink(missing_ok=True)
    browser = desk.home / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {shown}.new && mv {shown}.new {shown}\n')
    browser.chmod(0o755)
    command = [str(aws_cli_2()), "login", "--profile", "root"]
    environ = desk.environ | {"BROWSER": f"{browser} %s &"}
    with subprocess.Popen(
        command, env=environ, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        eventually(shown.exists, "the browser is opened", seconds=60)
        request, code = desk.login_code(shown.read_text())
        with urlopen(f"{request.redirect_uri}?{urlencode({'code': code, 'state': request.state})}") as answer:
            assert answer.status == 200
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert desk.caller(profile="root") == f"arn:aws:iam::{desk.account}:root"
    [cached] = (desk.home / ".aws/login/cache").glob("*.json")
    token = json.loads(cached.read_text())
    token["accessToken"]["expiresAt"] = "2026-01-01T00:00:00Z"
    cached.write_text(json.dumps(token))
    assert desk.caller(profile="root") == f"arn:aws:iam::{desk.account}:root"
    assert json.loads(cached.read_text())["refreshToken"] != token["refreshToken"]


def test_aws_login_from_another_machine(desk: Desk):
    def paste(line: str, running: "subprocess.Popen[str]") -> None:
        if "/v1/authorize?" in line:
            request, code = desk.login_code(line)
            assert request.is_remote
            pasted = base64.b64encode(urlencode({"state": request.state, "code": code}).encode()).decode()
            assert running.stdin is not None
            running.stdin.write(f"{pasted}\n")
            running.stdin.flush()

    desk.follow("login", "--remote", "--profile", "far", react=paste)
    assert desk.caller(profile="far") == f"arn:aws:iam::{desk.account}:root"
