"""Identity Center enabled in a world of its own, with a directory that tests fill through the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from millpond.services import iam, sso, sts
from tests.api.aws_world import REGION, AwsWorld, aws_world


class SsoWorld:
    """An AWS world whose first account has an instance."""

    def __init__(self, aws: AwsWorld) -> None:
        self.aws = aws
        self.account = aws.account
        self.admin = aws.client("sso-admin")
        self.directory = aws.client("identitystore")
        self.oidc = aws.anonymous("sso-oidc")
        self.portal = aws.anonymous("sso")
        self.instance_arn = self.admin.create_instance(Name="test")["InstanceArn"]
        self.instance = self.admin.describe_instance(InstanceArn=self.instance_arn)
        self.store_id = self.instance["IdentityStoreId"]
        self.start_url = f"https://{self.store_id}.awsapps.com/start"

    def user(self, name: str = "ann") -> str:
        made = self.directory.create_user(
            IdentityStoreId=self.store_id,
            UserName=name,
            DisplayName=name.title(),
            Name={"GivenName": name.title(), "FamilyName": "Smith"},
            Emails=[{"Value": f"{name}@example.com", "Type": "work", "Primary": True}],
        )
        return made["UserId"]

    def group(self, name: str, *user_ids: str) -> str:
        group_id = self.directory.create_group(IdentityStoreId=self.store_id, DisplayName=name)["GroupId"]
        for user_id in user_ids:
            self.directory.create_group_membership(
                IdentityStoreId=self.store_id, GroupId=group_id, MemberId={"UserId": user_id}
            )
        return group_id

    def permission_set(self, name: str = "ReadOnly", *, managed: str = "ReadOnlyAccess", **members: Any) -> str:
        made = self.admin.create_permission_set(InstanceArn=self.instance_arn, Name=name, **members)
        arn = made["PermissionSet"]["PermissionSetArn"]
        if managed:
            self.admin.attach_managed_policy_to_permission_set(
                InstanceArn=self.instance_arn,
                PermissionSetArn=arn,
                ManagedPolicyArn=f"arn:aws:iam::aws:policy/{managed}",
            )
        return arn

    def assignment(
        self, permission_set: str, principal_id: str, *, kind: str = "USER", account: str = ""
    ) -> dict[str, str]:
        """What create and delete of an assignment take."""
        return {
            "InstanceArn": self.instance_arn,
            "TargetId": account or self.account,
            "TargetType": "AWS_ACCOUNT",
            "PermissionSetArn": permission_set,
            "PrincipalType": kind,
            "PrincipalId": principal_id,
        }

    def assign(self, permission_set: str, principal_id: str, *, kind: str = "USER", account: str = "") -> Any:
        wanted = self.assignment(permission_set, principal_id, kind=kind, account=account)
        return self.admin.create_account_assignment(**wanted)["AccountAssignmentCreationStatus"]

    def of(self, permission_set: str) -> dict[str, str]:
        return {"InstanceArn": self.instance_arn, "PermissionSetArn": permission_set}

    def record(self, user_id: str) -> sso.User:
        with self.aws.store.read() as transaction:
            found = sso.user(transaction, user_id)
        assert found is not None
        return found

    def account_named(self, name: str) -> str:
        """Another account of the installation."""
        with self.aws.store.begin() as transaction:
            made = iam.create_account(
                transaction, name=name, email=f"{name}@example.com", password="a-b-c-1", now=self.aws.clock.now()
            )
        return made.id

    def bearer(self, user_id: str) -> str:
        """A portal token, as the sign-in page gets one."""
        with self.aws.store.begin() as transaction:
            user = sso.user(transaction, user_id)
            assert user is not None
            return sso.open_portal_session(transaction, user, self.aws.clock.now())

    def registered(self, **members: Any) -> dict[str, str]:
        """Client id and secret, of a client with scopes unless told otherwise."""
        wanted = {"scopes": ["sso:account:access"], "clientName": "test-client", "clientType": "public"} | members
        made = self.oidc.register_client(**wanted)
        return {"clientId": made["clientId"], "clientSecret": made["clientSecret"]}


@contextmanager
def sso_world(directory: Path, *, url: str | None = None) -> Iterator[SsoWorld]:
    with aws_world(directory, iam.SERVICE, sts.SERVICE, *sso.SERVICES, url=url) as world:
        yield SsoWorld(world)


__all__ = ["REGION", "SsoWorld", "sso_world"]
