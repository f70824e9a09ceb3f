"""IAM Identity Center: instance and permission sets, its directory, the access portal's API, and sign-in for clients.

Four AWS services over the same records:

    ADMIN            sso-admin: instances, permission sets, account assignments; these become roles in accounts
    IDENTITY_STORE   identitystore: users, groups, memberships
    OIDC             sso-oidc: device codes, authorization codes and refresh tokens become bearer tokens
    PORTAL           sso: what the bearer of a token may use, and temporary credentials for it

The pages (portal, device, invitation, sign-in) use the functions exported here. Others of the package are private.
"""

from millpond.operation import service
from millpond.services.sso.access import accounts_of, permission_sets_of, role_credentials
from millpond.services.sso.authorization import AuthorizationRequest, authorization_request, authorize
from millpond.services.sso.devices import DeviceRequest, approve_device, deny_device, device_request
from millpond.services.sso.enabling import enable
from millpond.services.sso.mfa import (
    MfaError,
    NewDevice,
    accept_code,
    begin_registration,
    devices_of,
    finish_registration,
    remove_device,
    unregistered_device,
)
from millpond.services.sso.operations import admin, identity_store, oidc, portal
from millpond.services.sso.passwords import (
    LinkError,
    held_password,
    invite,
    keep_password,
    linked_user,
    password_violation,
    redeem,
    request_password_reset,
    uninvited,
)
from millpond.services.sso.records.credentials import MfaDevice
from millpond.services.sso.records.directory import Group, User
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.sessions import SignedIn, open_portal_session, sign_out, signed_in
from millpond.services.sso.start_urls import default_instance, instance_at
from millpond.services.sso.tables.directory import user, user_by_email, user_named
from millpond.services.sso.tables.instances import by_id as instance_by_id
from millpond.services.sso.tables.instances import of_account as instance_of_account

ADMIN = service("sso", admin.OPERATIONS, model="sso-admin")
IDENTITY_STORE = service("identitystore", identity_store.OPERATIONS)
OIDC = service("sso-oauth", oidc.OPERATIONS, model="sso-oidc")
PORTAL = service("awsssoportal", portal.OPERATIONS, model="sso")
SERVICES = (ADMIN, IDENTITY_STORE, OIDC, PORTAL)

__all__ = [
    "ADMIN",
    "IDENTITY_STORE",
    "OIDC",
    "PORTAL",
    "SERVICES",
    "AuthorizationRequest",
    "DeviceRequest",
    "Group",
    "Instance",
    "LinkError",
    "MfaDevice",
    "MfaError",
    "NewDevice",
    "PermissionSet",
    "SignedIn",
    "User",
    "accept_code",
    "accounts_of",
    "approve_device",
    "authorization_request",
    "authorize",
    "begin_registration",
    "default_instance",
    "deny_device",
    "device_request",
    "devices_of",
    "enable",
    "finish_registration",
    "held_password",
    "instance_at",
    "instance_by_id",
    "instance_of_account",
    "invite",
    "keep_password",
    "linked_user",
    "open_portal_session",
    "password_violation",
    "permission_sets_of",
    "redeem",
    "remove_device",
    "request_password_reset",
    "role_credentials",
    "sign_out",
    "signed_in",
    "uninvited",
    "unregistered_device",
    "user",
    "user_by_email",
    "user_named",
]
