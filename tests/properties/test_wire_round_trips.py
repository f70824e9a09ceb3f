"""Botocore writes a request and we read it; we write an answer and botocore reads it: nothing is lost either way.

For every operation of the services that are built or come next, and some of EC2's.
"""

from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.aws.models import Models, OperationModel
from millpond.gateway import form
from millpond.gateway.http import Request
from millpond.gateway.protocols import wire_protocols
from tests.properties.shapes import values, without_empty

MODELS = Models()
PROTOCOLS = wire_protocols()
WHOLE = [
    ("elasticache", "query"),
    ("iam", "query"),
    ("sts", "query"),
    ("sso-admin", "json"),
    ("sso", "rest-json"),
    ("sso-oidc", "rest-json"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
    ("cloudwatch", "json"),
    ("cloudwatch", "query"),
]
EVERY_NTH_OF_EC2 = 12
OPERATIONS = [
    (service, protocol, name) for service, protocol in WHOLE for name in MODELS.service(service).operation_names
] + [("ec2", "ec2", name) for name in MODELS.service("ec2").operation_names[::EVERY_NTH_OF_EC2]]
FEW = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False)


def sent_by_botocore(service: str, protocol: str, operation: OperationModel, params: dict[str, Any]) -> Request:
    serializer = create_serializer(protocol, include_validation=False)
    request_dict = serializer.serialize_to_request(params, operation)
    request_dict.pop("host_prefix", None)
    prepare_request_dict(request_dict, "http://localhost:8421", context={"client_region": "us-east-1"})
    prepared = create_request_object(request_dict).prepare()
    url = urlsplit(prepared.url)
    body = prepared.body or b""
    return Request(
        method=prepared.method,
        raw_path=url.path.encode() or b"/",
        raw_query=url.query.encode(),
        headers=tuple(
            (name.lower(), value.decode() if isinstance(value, bytes) else str(value))
            for name, value in prepared.headers.items()
        ),
        body=body if isinstance(body, bytes) else body.encode(),
    )


@pytest.mark.parametrize(("service", "protocol", "name"), OPERATIONS)
@given(data=st.data())
@FEW
def test_what_botocore_sends_is_what_an_operation_gets(service: str, protocol: str, name: str, data: st.DataObject):
    operation = MODELS.operation(service, name)
    assert operation is not None
    if operation.input_shape is None:
        return
    is_document = protocol in {"json", "smithy-rpc-v2-cbor"}
    drawn = data.draw(values(operation.input_shape, may_be_empty=is_document))
    params = drawn if is_document else without_empty(drawn)
    request = sent_by_botocore(service, protocol, operation, params)

    parameters = form.parameters(request) if protocol in {"query", "ec2"} else {}
    parsed = PROTOCOLS[protocol].parse(request, operation, parameters)

    assert parsed == params


@pytest.mark.parametrize(("service", "protocol", "name"), OPERATIONS)
@given(data=st.data())
@FEW
def test_what_an_operation_gives_is_what_botocore_reads(service: str, protocol: str, name: str, data: st.DataObject):
    operation = MODELS.operation(service, name)
    assert operation is not None
    shape = operation.output_shape
    output = data.draw(values(shape, may_be_empty=True)) if shape is not None else {}

    response = PROTOCOLS[protocol].result(MODELS.wire(service), operation, output, "a-request-id")

    parser = create_parser(protocol)
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
    assert parsed == output
