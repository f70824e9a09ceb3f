"""The account itself: alias, password policy, summary."""

import re

import msgspec

from millpond.operation import CommonFault, Context, Request, Response, operation
from millpond.services.iam.api import EntityAlreadyExistsException, NoSuchEntityException
from millpond.services.iam.records import Account, Group, PasswordPolicy, Role, User
from millpond.services.iam.tables import devices, keys, policies, principals, profiles, providers

_QUOTAS = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GlobalEndpointTokenVersion": 1,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "PolicyVersionsInUseQuota": 10000,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "ServerCertificates": 0,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": 5,
    "AccountSigningCertificatesPresent": 0,
}
_ALIAS = re.compile(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?")


@operation()
def get_account_summary(ctx: Context, _request: Request) -> Response:
    tx, account = ctx.transaction, ctx.account
    virtual = devices.devices(tx, account)
    own_policies = policies.policies(tx, account)
    counts = {
        "Users": principals.size(tx, User, account),
        "Groups": principals.size(tx, Group, account),
        "Roles": principals.size(tx, Role, account),
        "Policies": len(own_policies),
        "PolicyVersionsInUse": sum(len(policies.versions(tx, policy.arn)) for policy in own_policies),
        "InstanceProfiles": len(profiles.profiles(tx, account)),
        "Providers": len(providers.oidc_providers(tx, account)) + len(providers.saml_providers(tx, account)),
        "MFADevices": len(virtual),
        "MFADevicesInUse": sum(device.principal_id is not None for device in virtual),
        "AccountMFAEnabled": int(bool(devices.devices_of(tx, account))),
        "AccountAccessKeysPresent": int(bool(keys.access_keys_of(tx, account))),
        "AccountPasswordPresent": 1,
    }
    return {"SummaryMap": dict(sorted((_QUOTAS | counts).items()))}


@operation()
def create_account_alias(ctx: Context, request: Request) -> Response | None:
    """One alias an account: a new one replaces it."""
    alias = request["AccountAlias"]
    if not _ALIAS.fullmatch(alias) or re.fullmatch(r"\d{12}", alias):
        raise CommonFault("ValidationError", f"The account alias {alias} is not valid.")
    other = principals.account_by_alias(ctx.transaction, alias)
    if other is not None:
        raise EntityAlreadyExistsException(f"The account alias {alias} already exists.")
    principals.replace_account(ctx.transaction, msgspec.structs.replace(_account(ctx), alias=alias))
    return None


@operation()
def delete_account_alias(ctx: Context, request: Request) -> Response | None:
    account = _account(ctx)
    if account.alias != request["AccountAlias"]:
        raise NoSuchEntityException(f"The account alias {request['AccountAlias']} cannot be found.")
    principals.replace_account(ctx.transaction, msgspec.structs.replace(account, alias=None))
    return None


@operation()
def list_account_aliases(ctx: Context, _request: Request) -> Response:
    alias = _account(ctx).alias
    return {"AccountAliases": [alias] if alias else [], "IsTruncated": False}


@operation()
def get_account_password_policy(ctx: Context, _request: Request) -> Response:
    policy = _account(ctx).password_policy
    if policy is None:
        raise NoSuchEntityException(f"The Password Policy with domain name {ctx.account} cannot be found.")
    view: Response = {
        "MinimumPasswordLength": policy.minimum_length,
        "RequireSymbols": policy.require_symbols,
        "RequireNumbers": policy.require_numbers,
        "RequireUppercaseCharacters": policy.require_uppercase,
        "RequireLowercaseCharacters": policy.require_lowercase,
        "AllowUsersToChangePassword": policy.allow_users_to_change,
        "ExpirePasswords": policy.max_age_days > 0,
    }
    if policy.max_age_days:
        view["MaxPasswordAge"] = policy.max_age_days
    if policy.reuse_prevention:
        view["PasswordReusePrevention"] = policy.reuse_prevention
    if policy.hard_expiry is not None:
        view["HardExpiry"] = policy.hard_expiry
    return {"PasswordPolicy": view}


@operation()
def update_account_password_policy(ctx: Context, request: Request) -> Response | None:
    """A whole replacement: what is left out goes back to its default (API reference)."""
    policy = PasswordPolicy(
        minimum_length=request.get("MinimumPasswordLength", 6),
        require_symbols=request.get("RequireSymbols", False),
        require_numbers=request.get("RequireNumbers", False),
        require_uppercase=request.get("RequireUppercaseCharacters", False),
        require_lowercase=request.get("RequireLowercaseCharacters", False),
        allow_users_to_change=request.get("AllowUsersToChangePassword", False),
        max_age_days=request.get("MaxPasswordAge", 0),
        reuse_prevention=request.get("PasswordReusePrevention", 0),
        hard_expiry=request.get("HardExpiry"),
    )
    principals.replace_account(ctx.transaction, msgspec.structs.replace(_account(ctx), password_policy=policy))
    return None


@operation()
def delete_account_password_policy(ctx: Context, _request: Request) -> Response | None:
    account = _account(ctx)
    if account.password_policy is None:
        raise NoSuchEntityException(f"The Password Policy with domain name {ctx.account} cannot be found.")
    principals.replace_account(ctx.transaction, msgspec.structs.replace(account, password_policy=None))
    return None


def _account(ctx: Context) -> Account:
    account = principals.account(ctx.transaction, ctx.account)
    assert account is not None
    return account
