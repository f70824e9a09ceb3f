"""Botocore's output vectors: what an operation gives is written as the vector's bytes mean, and as clients read it."""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import cbor2
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel
from botocore.parsers import PROTOCOL_PARSERS

from millpond.aws.faults import Fault
from millpond.aws.models import Shape
from millpond.gateway.dialect import told
from millpond.gateway.http import Request, Response
from millpond.gateway.protocols import wire_protocols
from tests.parity.protocol_vectors import Vector, typed, vectors

_OFFSET = "the server writes UTC; that clients read offsets is not its affair"
_NULL = "the server leaves absent members out; that clients bear null is not its affair"
_UNKNOWN = "the server writes what the model has; that clients skip the rest is not its affair"
_FLAT_NAME = "for a flattened list whose items have a name, AWS's models mean that name; the vector means the list's"
EXCLUDED: dict[str, str] = {
    "ec2-Ec2XmlLists": _FLAT_NAME,
    "query-QueryXmlLists": _FLAT_NAME,
    "smithy-rpc-v2-cbor-RpcV2CborPayloadWithUnsetUnion": "its body has members which its result does not have",
    "ec2-Ec2QueryDateTimeWithNegativeOffset": _OFFSET,
    "ec2-Ec2QueryDateTimeWithPositiveOffset": _OFFSET,
    "json-AwsJson11DateTimeWithNegativeOffset": _OFFSET,
    "json-AwsJson11DateTimeWithPositiveOffset": _OFFSET,
    "json-AwsJson11DeserializeIgnoreType": _UNKNOWN,
    "json-AwsJson11StructuresDontDeserializeNullValues": _NULL,
    "json-handles_unexpected_json_output": _UNKNOWN,
    "json-parses_the_request_id_from_the_response": "the request id is written by render.py for all protocols",
    "query-AwsQueryDateTimeWithNegativeOffset": _OFFSET,
    "query-AwsQueryDateTimeWithPositiveOffset": _OFFSET,
    "rest-json-HttpPrefixHeadersResponse": "an empty prefix makes a client take every header for a member",
    "rest-json-MediaTypeHeaderOutputBase64": "the vector gives the JSON text of a value where botocore gives the value",
    "rest-json-RestJsonDateTimeWithNegativeOffset": _OFFSET,
    "rest-json-RestJsonDateTimeWithPositiveOffset": _OFFSET,
    "rest-json-RestJsonDeserializeIgnoreType": _UNKNOWN,
    "rest-json-RestJsonDeserializesDenseSetMapAndSkipsNull": _NULL,
    "rest-json-RestJsonDoesntDeserializeNullStructureValues": _NULL,
    "smithy-rpc-v2-cbor-RpcV2CborClientDoesntDeserializeNullStructureValues": _NULL,
    "smithy-rpc-v2-cbor-RpcV2CborDeserializesDenseSetMapAndSkipsNull": _NULL,
    "smithy-rpc-v2-cbor-RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients": _UNKNOWN,
}
NOT_ANSWERS = {"content-type", "content-length", "x-amz-target"}
UNREAD = {
    "rest-json-RestJsonHttpPayloadTraitsWithNoBlobBody",
    "rest-json-RestJsonHttpPayloadWithUnsetUnion",
    "rest-json-RestJsonInputAndOutputWithQuotedStringHeaders",
    "rest-json-RestJsonInputAndOutputWithTimestampHeaders",
}
"""Right on the wire, but botocore cannot read them (they are on its own list of ignored vectors)."""
VECTORS = list(vectors("output"))
RESULTS = [each for each in VECTORS if "error" not in each.case]
ERRORS = [each for each in VECTORS if "error" in each.case]


def read_by_botocore(vector: Vector, response: Response, shape: Shape | None) -> Any:
    parser = PROTOCOL_PARSERS[vector.protocol]()
    parsed = parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": response.body,
            "context": {},
        },
        shape,
    )
    parsed.pop("ResponseMetadata", None)
    return parsed


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, str) and isinstance(other, str):
        # Millpond writes milliseconds, as ElastiCache does; the vectors leave them out.
        return one.replace(".000Z", "Z") == other.replace(".000Z", "Z")
    if "NaN" in (one, other) or "Infinity" in (one, other) or "-Infinity" in (one, other):
        return same(float(one), float(other))
    if isinstance(one, str) and isinstance(other, bytes):
        return one.encode() == other
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def meaning(body: bytes, protocol: str) -> Any:
    """Reduce a body to what it says: element paths and texts, or the decoded document."""
    match protocol:
        case "query" | "ec2":
            return sorted(leaves(ET.fromstring(body), ""))
        case "smithy-rpc-v2-cbor":
            return cbor2.loads(body) if body else {}
        case _:
            try:
                return json.loads(body) if body else {}
            except ValueError:
                return body


def leaves(element: ET.Element, path: str) -> list[tuple[str, str]]:
    here = f"{path}/{element.tag.rpartition('}')[2]}"
    if here.endswith(("/ResponseMetadata", "/requestId")):
        return []
    below = [leaf for child in element for leaf in leaves(child, here)]
    text = (element.text or "").strip()
    return below or [(here, text)]


@pytest.mark.parametrize("vector", RESULTS, ids=[each.name for each in RESULTS])
def test_given_a_result_when_it_is_written_then_a_client_reads_the_same_and_the_bytes_mean_the_vectors(vector: Vector):
    if vector.name in EXCLUDED:
        pytest.skip(EXCLUDED[vector.name])
    shape = vector.operation.output_shape
    if vector.protocol == "query" and shape is not None and shape.members:
        shape.serialization["resultWrapper"] = f"{vector.operation.name}Result"
    output = typed(vector.case["result"], shape)

    operation = vector.operation
    response = wire_protocols()[vector.protocol].result(vector.wire, operation, output, "request-id")

    if vector.name not in UNREAD:
        assert same(read_by_botocore(vector, response, shape), output)
    wanted = vector.case["response"]
    body = wanted.get("body", "")
    expected = base64.b64decode(body) if vector.protocol == "smithy-rpc-v2-cbor" else body.encode()
    if expected:
        written = meaning(response.body, vector.protocol)
        assert same(written, meaning(expected, vector.protocol)), (
            f"{written}  IS NOT  {meaning(expected, vector.protocol)}"
        )
    assert response.status == wanted.get("status_code", 200)
    sent = dict(response.headers)
    for name, value in wanted.get("headers", {}).items():
        if name.lower() not in NOT_ANSWERS:
            assert same(sent[name.lower()].replace(" ", ""), str(value).replace(" ", "")), name


class _Raised(Fault):
    """A fault as an operation raises it."""


@pytest.mark.parametrize("vector", ERRORS, ids=[each.name for each in ERRORS])
def test_given_a_modelled_error_when_it_is_written_then_a_client_reads_its_code_and_members(vector: Vector):
    if vector.name in EXCLUDED:
        pytest.skip(EXCLUDED[vector.name])
    service: ServiceModel = vector.service
    (reference,) = vector.case["given"]["errors"][:1]
    shape = service.shape_for(reference["shape"])
    members = {
        name: value
        for name, value in typed(vector.case["error"], shape).items()
        if name.lower() != "message" and value is not None
    }
    fault = _Raised(vector.case.get("errorMessage") or vector.case["error"].get("message") or "words", **members)
    fault.code = shape.error_code
    fault.status = vector.case["response"]["status_code"]
    request = Request(method="POST", raw_path=b"/", raw_query=b"", headers=(("x-amzn-query-mode", "true"),), body=b"")
    said = told(fault, protocol=vector.protocol, codes={shape.error_code: shape})

    response = wire_protocols()[vector.protocol].fault(vector.wire, said, request, "request-id")

    assert response.status == vector.case["response"]["status_code"]
    general = PROTOCOL_PARSERS[vector.protocol]().parse(
        {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}, None
    )
    assert general["Error"]["Code"] == vector.case["errorCode"]
    assert general["Error"]["Message"] == fault.message
    modelled = read_by_botocore(vector, response, shape)
    for name, value in members.items():
        assert same(modelled[name], value)


def test_every_exclusion_is_of_a_vector():
    assert EXCLUDED.keys() | UNREAD <= {each.name for each in VECTORS}
