"""The errors common to all AWS services, as each family of protocols spells them.

The gateway speaks of them by the query protocols' codes. Source: the page "Common Errors" of the API references, the
EC2 API reference "Error codes", and what SDKs match on (botocore's retry rules).
"""

from collections.abc import Mapping

from millpond.aws.faults import CommonFault, Fault
from millpond.aws.models import Shape
from millpond.gateway.protocols.spec import Told

_JSON: Mapping[str, tuple[str, int]] = {
    "AccessDenied": ("AccessDeniedException", 400),
    "ExpiredToken": ("ExpiredTokenException", 400),
    "IncompleteSignature": ("IncompleteSignatureException", 400),
    "InternalFailure": ("InternalFailure", 500),
    "InvalidAction": ("UnknownOperationException", 400),
    "InvalidClientTokenId": ("UnrecognizedClientException", 400),
    "MalformedInput": ("SerializationException", 400),
    "MissingAction": ("UnknownOperationException", 400),
    "MissingAuthenticationToken": ("MissingAuthenticationTokenException", 400),
    "MissingParameter": ("ValidationException", 400),
    "RequestEntityTooLarge": ("RequestEntityTooLargeException", 413),
    "RequestExpired": ("InvalidSignatureException", 400),
    "ServiceUnavailable": ("ServiceUnavailableException", 503),
    "SignatureDoesNotMatch": ("InvalidSignatureException", 400),
    "Throttling": ("ThrottlingException", 400),
    "UnsupportedMediaType": ("UnsupportedMediaTypeException", 415),
    "ValidationError": ("ValidationException", 400),
}
_REST_STATUS: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ThrottlingException": 429,
    "UnrecognizedClientException": 403,
}
_EC2: Mapping[str, tuple[str, int]] = {
    "AccessDenied": ("UnauthorizedOperation", 403),
    "ExpiredToken": ("RequestExpired", 400),
    "InternalFailure": ("InternalError", 500),
    "InvalidClientTokenId": ("AuthFailure", 401),
    "MissingAuthenticationToken": ("AuthFailure", 401),
    "ServiceUnavailable": ("Unavailable", 503),
    "SignatureDoesNotMatch": ("AuthFailure", 401),
    "Throttling": ("RequestLimitExceeded", 503),
}


def told(fault: Fault, *, protocol: str, codes: Mapping[str, Shape]) -> Told:
    """Say a fault as a protocol says it; `codes` are the error shapes of the service by name and wire code."""
    shape = codes.get(type(fault).__name__)
    if shape is None or shape.error_code != fault.code:
        shape = codes.get(fault.code)
    if shape is not None or not isinstance(fault, CommonFault):
        name = shape.name if shape is not None else fault.code
        return _as_told(fault, code=fault.code, shape_name=name, status=fault.status, shape=shape)
    if protocol == "ec2":
        # The sentence stands after this one there, and the SDKs' users know it so.
        if fault.code == "AccessDenied":
            fault = CommonFault(fault.code, f"You are not authorized to perform this operation. {fault.message}")
        code, status = _EC2.get(fault.code, (fault.code, fault.status))
        return _as_told(fault, code=code, shape_name=code, status=status)
    if protocol == "query":
        return _as_told(fault, code=fault.code, shape_name=fault.code, status=fault.status)
    name, status = _JSON.get(fault.code, (fault.code, fault.status))
    if protocol == "rest-json":
        status = _REST_STATUS.get(name, status)
    return _as_told(fault, code=fault.code, shape_name=name, status=status)


def _as_told(fault: Fault, *, code: str, shape_name: str, status: int, shape: Shape | None = None) -> Told:
    return Told(
        code=code,
        shape_name=shape_name,
        status=status,
        message=fault.message,
        sender=fault.sender,
        members=fault.members,
        shape=shape,
    )
