"""`millpond sigv4 verify`: check signatures from the command line, without an installation.

For people who test signers: each line is a request (or, with `--elasticache-token`, an ElastiCache IAM token), the key
it should have been signed with and the time; the answer says `accept` or `reject`, and why.
"""

import base64
import binascii
import sys
from datetime import UTC, datetime
from typing import Any

import click

from millpond.aws.faults import CommonFault
from millpond.cli.jsonl import LineError, answer_lines, field
from millpond.gateway import elasticache_token, signature
from millpond.gateway.http import Request


@click.group()
def sigv4() -> None:
    """Check AWS Signature Version 4."""


@sigv4.command()
@click.option("--jsonl", is_flag=True, required=True, help="Read requests and write answers as JSON lines.")
@click.option("--elasticache-token", "is_token", is_flag=True, help="Each line holds an ElastiCache IAM token.")
def verify(*, jsonl: bool, is_token: bool) -> None:  # noqa: ARG001 - the only format so far, still named
    """Say for each line whether its signature holds.

    A line: {"id", "method", "path", "query", "headers": [[name, value]], "body_b64", "access_key_id",
    "secret_access_key", "session_token", "region", "service", "now", "normalize_path"}; with --elasticache-token:
    {"id", "token", "cache", "username", "access_key_id", "secret_access_key", "session_token", "region", "now"}.
    The answer: {"id", "result": "accept" | "reject", "code", "message"}.
    """
    answer_lines(sys.stdin.buffer, sys.stdout, _token_result if is_token else _request_result)


def _request_result(line: dict[str, Any]) -> dict[str, Any]:
    request = Request(
        method=field(line, "method", str),
        raw_path=_bytes(field(line, "path", str)),
        raw_query=_bytes(field(line, "query", str, default="")),
        headers=tuple([_header(each) for each in field(line, "headers", list)]),
        body=_body(field(line, "body_b64", str, default="")),
    )
    access_key_id = field(line, "access_key_id", str)
    secret = field(line, "secret_access_key", str)
    session_token = field(line, "session_token", str, default=None)
    region = field(line, "region", str, default=None)
    service = field(line, "service", str, default=None)
    now = _moment(field(line, "now", str))
    normalize_path = field(line, "normalize_path", bool, default=True)
    try:
        claim = signature.presented(request)
        _same_key(claim.access_key_id, access_key_id)
        signature.verify(
            request,
            claim,
            secret=secret,
            session_token=session_token,
            region=region,
            services=None if service is None else (service,),
            now=now,
            normalize_path=normalize_path,
        )
    except CommonFault as fault:
        return _rejected(fault)
    return {"result": "accept"}


def _token_result(line: dict[str, Any]) -> dict[str, Any]:
    text = field(line, "token", str)
    cache = field(line, "cache", str)
    username = field(line, "username", str)
    access_key_id = field(line, "access_key_id", str)
    secret = field(line, "secret_access_key", str)
    session_token = field(line, "session_token", str, default=None)
    region = field(line, "region", str)
    now = _moment(field(line, "now", str))
    try:
        token = elasticache_token.read(text)
        _same_key(token.presented.access_key_id, access_key_id)
        elasticache_token.verify(
            token,
            cache=cache,
            username=username,
            secret=secret,
            session_token=session_token,
            region=region,
            now=now,
        )
    except CommonFault as fault:
        return _rejected(fault)
    return {"result": "accept"}


def _rejected(fault: CommonFault) -> dict[str, Any]:
    return {"result": "reject", "code": fault.code, "message": fault.message}


def _same_key(claimed: str, known: str) -> None:
    if claimed != known:
        raise CommonFault("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)


def _header(pair: Any) -> tuple[str, str]:
    match pair:
        case [str(name), str(value)]:
            # HTTP hands header values over as one character a byte.
            return name.strip().lower(), _bytes(value).decode("latin-1")
        case _:
            raise LineError("'headers' must be a list of [name, value]")


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LineError(f"not a text: {error}") from error


def _body(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LineError(f"'body_b64' is not base64: {error}") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LineError(f"'now' is not a time of ISO 8601: {error}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
