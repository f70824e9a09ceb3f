"""DecodeAuthorizationMessage: the details of a refusal, which the refused may not read without permission."""

from millpond.operation import Context, Request, Response, operation
from millpond.services import iam
from millpond.services.sts.api import InvalidAuthorizationMessageException


@operation()
def decode_authorization_message(ctx: Context, request: Request) -> Response:
    """Open a message that `iam.encoded_authorization_message` sealed for this account."""
    decoded = iam.decoded_authorization_message(ctx.secrets, ctx.account, request["EncodedMessage"])
    if decoded is None:
        raise InvalidAuthorizationMessageException(
            "The encoded message is not valid, or was not made for this account."
        )
    return {"DecodedMessage": decoded}
