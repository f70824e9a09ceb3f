"""Kinds of credentials that Millpond does not make: there are none to list, and clients that look are told so."""

from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import resources
from millpond.services.iam.entities import owner


@operation(name="ListSSHPublicKeys", resources=resources.user)
def list_ssh_public_keys(ctx: Context, request: Request) -> Response:
    owner(ctx, request)
    return {"SSHPublicKeys": [], "IsTruncated": False}


@operation(resources=resources.user)
def list_signing_certificates(ctx: Context, request: Request) -> Response:
    owner(ctx, request)
    return {"Certificates": [], "IsTruncated": False}


@operation(resources=resources.user)
def list_service_specific_credentials(ctx: Context, request: Request) -> Response:
    if not request.get("AllUsers"):
        owner(ctx, request)
    return {"ServiceSpecificCredentials": [], "IsTruncated": False}


@operation(resources=resources.listed("server-certificate"))
def list_server_certificates(_ctx: Context, _request: Request) -> Response:
    return {"ServerCertificateMetadataList": [], "IsTruncated": False}
