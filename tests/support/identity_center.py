"""An Identity Center with one user who may administer the first account, made through AWS's own APIs."""

import re
from typing import Any

import boto3
import msgspec
from botocore import UNSIGNED
from botocore.config import Config as BotoConfig

from tests.support.installation import Installation
from tests.support.waiting import eventually

REGION = "us-east-1"


class Center(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is and whom it knows."""

    instance: str
    store: str
    user_id: str
    user_name: str
    email: str
    role: str


def identity_center(millpond: Installation, *, user: str = "ann", email: str = "ann@example.com") -> Center:
    admin, store = millpond.client("sso-admin"), millpond.client("identitystore")
    instance = admin.create_instance(Name="millpond")["InstanceArn"]
    store_id = admin.describe_instance(InstanceArn=instance)["IdentityStoreId"]
    user_id = store.create_user(
        IdentityStoreId=store_id,
        UserName=user,
        DisplayName="Ann Lake",
        Name={"GivenName": "Ann", "FamilyName": "Lake"},
        Emails=[{"Value": email, "Type": "work", "Primary": True}],
    )["UserId"]
    role = "AdministratorAccess"
    made = admin.create_permission_set(InstanceArn=instance, Name=role)["PermissionSet"]["PermissionSetArn"]
    admin.attach_managed_policy_to_permission_set(
        InstanceArn=instance, PermissionSetArn=made, ManagedPolicyArn=f"arn:aws:iam::aws:policy/{role}"
    )
    admin.create_account_assignment(
        InstanceArn=instance,
        TargetId=millpond.facts.account,
        TargetType="AWS_ACCOUNT",
        PermissionSetArn=made,
        PrincipalType="USER",
        PrincipalId=user_id,
    )
    return Center(instance=instance, store=store_id, user_id=user_id, user_name=user, email=email, role=role)


def invitation_link(millpond: Installation, email: str) -> str:
    """The path of the link that was mailed, once it was."""
    found: list[str] = []

    def was_written() -> bool:
        letters = [each.body for each in millpond.door.outbox() if each.recipient == email]
        found.extend(match[0] for body in letters if (match := re.search(r"/invitation\?token=\S+", body)))
        return bool(found)

    eventually(was_written, f"an invitation for {email}")
    return found[0]


def unsigned(millpond: Installation, service: str) -> Any:
    """A client of what AWS serves without signatures: sso-oidc, sso."""
    return boto3.client(
        service,
        endpoint_url=millpond.facts.endpoint,
        region_name=REGION,
        config=BotoConfig(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"}),
    )
