"""Cache security groups, which only accounts with EC2-Classic ever had: answered as AWS answers every other account.

(Messages quoted in public by users of the service; describing is refused too.)
"""

from collections.abc import Sequence
from typing import NoReturn

from millpond.operation import Context, Operation, Request, Resource, operation
from millpond.services.elasticache.api import InvalidParameterValueException
from millpond.services.elasticache.resources import named, new_resource

_NAME = "CacheSecurityGroupName"
_one = named("securitygroup", _NAME)


def _created(ctx: Context, request: Request) -> Sequence[Resource]:
    return new_resource(ctx, "securitygroup", request.get(_NAME), request)


def _refuse() -> NoReturn:
    raise InvalidParameterValueException(
        "Use of cache security groups is not permitted in this API version for your account."
    )


@operation(resources=_created)
def create_cache_security_group(_ctx: Context, _request: Request) -> NoReturn:
    _refuse()


@operation(resources=_one)
def delete_cache_security_group(_ctx: Context, _request: Request) -> NoReturn:
    _refuse()


@operation(resources=_one)
def describe_cache_security_groups(_ctx: Context, _request: Request) -> NoReturn:
    _refuse()


@operation(resources=_one)
def authorize_cache_security_group_ingress(_ctx: Context, _request: Request) -> NoReturn:
    _refuse()


@operation(resources=_one)
def revoke_cache_security_group_ingress(_ctx: Context, _request: Request) -> NoReturn:
    _refuse()


OPERATIONS: tuple[Operation, ...] = (
    authorize_cache_security_group_ingress,
    create_cache_security_group,
    delete_cache_security_group,
    describe_cache_security_groups,
    revoke_cache_security_group_ingress,
)
