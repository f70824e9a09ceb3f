"""STS: who am I, and temporary credentials. Sessions and trust are IAM's; this slice is the API over them."""

from millpond.operation import service
from millpond.services.sts.operations import caller_identity, session_tokens

SERVICE = service(
    "sts",
    [
        caller_identity.get_caller_identity,
        caller_identity.get_access_key_info,
        session_tokens.get_session_token,
    ],
)

__all__ = ["SERVICE"]
