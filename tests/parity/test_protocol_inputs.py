"""Botocore's input vectors: the bytes a client sends are read back as the parameters it was given."""

import base64
import math

import pytest

from millpond.gateway import form
from millpond.gateway.protocols import wire_protocols
from tests.parity.protocol_vectors import Vector, request_of, typed, vectors

_UNSENT = "an empty value and an absent one look the same on the wire"
_FILLED = "the client fills the token in; a server sees one that was given"
_WHOLE_QUERY = "Smithy gives a server's map every parameter of the query string, also those bound to other members"
EXCLUDED = {
    "ec2-Ec2EmptyQueryLists": _UNSENT,
    "ec2-Ec2ProtocolIdempotencyTokenAutoFill": _FILLED,
    "query-QueryEmptyQueryMaps": _UNSENT,
    "query-QueryProtocolIdempotencyTokenAutoFill": _FILLED,
    "rest-json-MediaTypeHeaderInputBase64": "the vector gives the JSON text of a value where botocore takes the value",
    "rest-json-RestJsonHttpPrefixHeadersAreNotPresent": _UNSENT,
    "rest-json-RestJsonHttpWithEmptyStructurePayload": "a client sends {} for a payload that was not given",
    "rest-json-RestJsonHttpWithHeadersButNoPayload": "a client sends {} for a payload that was not given",
    "rest-json-RestJsonOmitsEmptyListQueryValues": _UNSENT,
    "rest-json-RestJsonQueryIdempotencyTokenAutoFill": _FILLED,
    "rest-json-RestJsonQueryParamsStringListMap": _WHOLE_QUERY,
    "rest-json-RestJsonQueryPrecedence": _WHOLE_QUERY,
}
VECTORS = list(vectors("input"))


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("vector", VECTORS, ids=[each.name for each in VECTORS])
def test_given_what_a_client_sends_when_it_is_parsed_then_the_parameters_are_the_clients(vector: Vector):
    if vector.name in EXCLUDED:
        pytest.skip(EXCLUDED[vector.name])
    body = vector.case["serialized"].get("body", "")
    encoded = base64.b64decode(body) if vector.protocol == "smithy-rpc-v2-cbor" else body.encode()
    request = request_of(vector.case["serialized"], body=encoded)
    protocol = wire_protocols()[vector.protocol]
    parameters = form.parameters(request) if vector.protocol in {"query", "ec2"} else {}

    parsed = protocol.parse(request, vector.operation, parameters)

    expected = typed(vector.case["params"], vector.operation.input_shape)
    assert same(parsed, expected), f"{parsed} is not {expected}"


def test_every_exclusion_is_of_a_vector():
    assert EXCLUDED.keys() <= {each.name for each in VECTORS}
