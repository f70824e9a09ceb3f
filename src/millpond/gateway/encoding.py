"""Compressed request bodies: SDKs send CloudWatch's larger ones in gzip (Smithy, "requestCompression").

The signature covers the bytes as sent, so this comes after it is checked.
"""

import zlib

import msgspec

from millpond.aws.faults import CommonFault
from millpond.gateway.asgi import LARGEST_BODY
from millpond.gateway.http import Request

_GZIP = 16 + zlib.MAX_WBITS


def decoded(request: Request) -> Request:
    """Return the request with its body decompressed.

    Raises CommonFault: `UnsupportedMediaType` (415) for another coding than gzip, `MalformedInput` (400) for a body
    that is not gzip, `RequestEntityTooLarge` (413) for one that grows beyond the limit.
    """
    coding = request.header("content-encoding")
    if coding is None or not request.body:
        return request
    if coding.strip().lower() != "gzip":
        raise CommonFault("UnsupportedMediaType", f"The content encoding {coding[:64]} is not supported", status=415)
    inflater = zlib.decompressobj(_GZIP)
    try:
        body = inflater.decompress(request.body, LARGEST_BODY)
    except zlib.error as error:
        raise CommonFault("MalformedInput", "The request body is not valid gzip") from error
    if inflater.unconsumed_tail:
        raise CommonFault("RequestEntityTooLarge", f"The request body is larger than {LARGEST_BODY} bytes.", status=413)
    if not inflater.eof:
        raise CommonFault("MalformedInput", "The request body is not valid gzip")
    return msgspec.structs.replace(request, body=body)
