"""Smithy RPC v2 CBOR: the operation in the path, one CBOR map each way. CloudWatch's newest wire format.

Source: Smithy, "RPC v2 CBOR protocol"; RFC 8949. Timestamps carry tag 1.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import cbor2

from millpond.aws.models import OperationModel, Shape, Wire
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import timestamps
from millpond.gateway.protocols.document import DEEPEST, Documents, malformed
from millpond.gateway.protocols.json import error_body, query_error
from millpond.gateway.protocols.spec import Told

CONTENT_TYPE = "application/cbor"
_HEADERS = (("smithy-protocol", "rpc-v2-cbor"), ("content-type", CONTENT_TYPE))
_EPOCH_TAG = 1
_OTHER_TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)
"""Tags that the decoder would act upon (numbers without bound, patterns, shared references) and nobody sends here."""


class _CborDocuments(Documents):
    def timestamp(self, value: Any, _shape: Shape) -> Any:
        return cbor2.CBORTag(_EPOCH_TAG, timestamps.write(value, "unixtimestamp"))


class Cbor:
    """The protocol that SDKs prefer for CloudWatch and the tagging API when they know it."""

    name = "smithy-rpc-v2-cbor"

    def __init__(self) -> None:
        self.documents = _CborDocuments(is_binary=True)

    def parse(self, request: Request, operation: OperationModel, _parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read the body by the input shape. See `WireProtocol.parse`."""
        value = _decode(request.body) if request.body else {}
        if not isinstance(value, dict):
            raise malformed("The request body must be a CBOR map")
        if operation.input_shape is None:
            return {}
        found: dict[str, Any] = self.documents.read(value, operation.input_shape)
        return found

    def result(self, _wire: Wire, operation: OperationModel, output: Mapping[str, Any], _request_id: str) -> Response:
        """Write the output as one map; no body where the operation has none."""
        if operation.output_shape is None:
            if output:
                raise ValueError(f"{operation.name} has no output")
            return Response(status=200, headers=_HEADERS[:1], body=b"")
        body = cbor2.dumps(self.documents.write(output, operation.output_shape))
        return Response(status=200, headers=_HEADERS, body=body)

    def fault(self, wire: Wire | None, told: Told, request: Request, _request_id: str) -> Response:
        """Write `__type`, the message and the members of a modelled error."""
        headers = (*_HEADERS, *query_error(wire, told, request))
        return Response(status=told.status, headers=headers, body=cbor2.dumps(error_body(self.documents, told)))


def _decode(body: bytes) -> Any:
    try:
        return cbor2.loads(
            body,
            tag_hook=_refuse_tag,
            semantic_decoders=dict.fromkeys(_OTHER_TAGS, _refuse_known_tag),
            max_depth=DEEPEST,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise malformed("The request body is not valid CBOR") from error


def _refuse_known_tag(_decoder: Any, _immutable: bool) -> datetime:
    raise ValueError("a tag has no place in this protocol")


def _refuse_tag(_decoder: Any, tag: Any) -> datetime:
    raise ValueError(f"tag {tag.tag} has no place in this protocol")
