"""The wire formats of AWS, each read and written from the model: bytes into a dict, a dict or a fault into bytes.

    WireProtocol            what each of them can do
    ├── Query               `Action=…` in, wrapped XML out (ElastiCache, IAM, STS)
    │   └── Ec2             flattened lists in, bare XML out
    ├── Json                a JSON body and `X-Amz-Target`, 1.0 and 1.1
    │   └── RestJson        path, query string, headers and a JSON body
    └── Cbor                Smithy RPC v2 (CloudWatch's newest)

They check types and limits, never constraints of the model: those come after authorisation, in `validate.py`.
"""

from collections.abc import Mapping

from millpond.gateway.protocols.cbor import Cbor
from millpond.gateway.protocols.ec2 import Ec2
from millpond.gateway.protocols.json import Json
from millpond.gateway.protocols.query import Query
from millpond.gateway.protocols.rest_json import RestJson
from millpond.gateway.protocols.spec import Told, WireProtocol

__all__ = ["Cbor", "Ec2", "Json", "Query", "RestJson", "Told", "WireProtocol", "wire_protocols"]


def wire_protocols() -> Mapping[str, WireProtocol]:
    """Make one of each, by botocore's name. They keep what they compile from the models: make them once."""
    made: tuple[WireProtocol, ...] = (Query(), Ec2(), Json(), RestJson(), Cbor())
    return {each.name: each for each in made}
