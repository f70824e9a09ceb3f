"""CloudTrail: the audit record of every call, sign-in and act of a service, and the API that looks it up.

`record.py` shapes a record as CloudTrail does (`masking.py` keeps secrets out of it), `chain.py` appends it to a chain
of hashes that shows what was changed afterwards, `trail.py` is the recorder that the edges hold. Sources: the
CloudTrail user guide, "CloudTrail record contents" and "userIdentity element"; the API reference, LookupEvents.
"""

from millpond.operation import service
from millpond.services.cloudtrail.chain import Verified, verify_chain
from millpond.services.cloudtrail.history import Activity, recent_activity
from millpond.services.cloudtrail.operations import OPERATIONS
from millpond.services.cloudtrail.record import OperatorAct, ServiceAct, SignIn
from millpond.services.cloudtrail.recording import (
    record_call,
    record_operator_act,
    record_service_act,
    record_sign_in,
)
from millpond.services.cloudtrail.trail import Trail
from millpond.services.cloudtrail.upkeep import AuditUpkeep

SERVICE = service("cloudtrail", OPERATIONS)

__all__ = [
    "SERVICE",
    "Activity",
    "AuditUpkeep",
    "OperatorAct",
    "ServiceAct",
    "SignIn",
    "Trail",
    "Verified",
    "recent_activity",
    "record_call",
    "record_operator_act",
    "record_service_act",
    "record_sign_in",
    "verify_chain",
]
