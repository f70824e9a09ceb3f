"""Conditions: every operator of the policy language, with IfExists and the set operators.

A condition is compiled into tests, one for each key, all of which must hold. Values of a test are alternatives; negated
operators hold if none of them fits. Source: IAM user guide, "Condition operators" and "Set operators for multivalued
context keys".
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from millpond.services.iam.policy.match import components_match
from millpond.services.iam.policy.variables import Context, Template, Token, Value, read, split_at_colons, template

Family = Literal["String", "StringFolded", "Arn", "Numeric", "Date", "Bool", "Binary", "Ip", "Null"]
Relation = Literal["eq", "lt", "le", "gt", "ge"]

_OPERATORS: Mapping[str, tuple[Family, Relation, bool, bool]] = {
    # name: family, relation, negated, with wildcards
    "stringequals": ("String", "eq", False, False),
    "stringnotequals": ("String", "eq", True, False),
    "stringequalsignorecase": ("StringFolded", "eq", False, False),
    "stringnotequalsignorecase": ("StringFolded", "eq", True, False),
    "stringlike": ("String", "eq", False, True),
    "stringnotlike": ("String", "eq", True, True),
    "arnequals": ("Arn", "eq", False, True),
    "arnlike": ("Arn", "eq", False, True),
    "arnnotequals": ("Arn", "eq", True, True),
    "arnnotlike": ("Arn", "eq", True, True),
    "numericequals": ("Numeric", "eq", False, False),
    "numericnotequals": ("Numeric", "eq", True, False),
    "numericlessthan": ("Numeric", "lt", False, False),
    "numericlessthanequals": ("Numeric", "le", False, False),
    "numericgreaterthan": ("Numeric", "gt", False, False),
    "numericgreaterthanequals": ("Numeric", "ge", False, False),
    "dateequals": ("Date", "eq", False, False),
    "datenotequals": ("Date", "eq", True, False),
    "datelessthan": ("Date", "lt", False, False),
    "datelessthanequals": ("Date", "le", False, False),
    "dategreaterthan": ("Date", "gt", False, False),
    "dategreaterthanequals": ("Date", "ge", False, False),
    "bool": ("Bool", "eq", False, False),
    "binaryequals": ("Binary", "eq", False, False),
    "ipaddress": ("Ip", "eq", False, False),
    "notipaddress": ("Ip", "eq", True, False),
    "null": ("Null", "eq", False, False),
}
_QUANTIFIERS: Mapping[str, Literal["all", "any"]] = {"forallvalues": "all", "foranyvalue": "any"}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


class Plain(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is compared as it stands: number, moment, truth, bytes or network. None if it is none such."""

    value: int | float | bool | bytes | tuple[int, int, int] | None


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is compared as a text, with its variables and wildcards."""

    template: Template


class ArnText(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is compared as an ARN, component by component."""

    components: tuple[Template, ...]
    is_any: bool
    """Whether it is `*` alone."""


Operand = Plain | Text | ArnText


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a condition, compiled."""

    family: Family
    relation: Relation
    negated: bool
    if_exists: bool
    quantifier: Literal["", "all", "any"]
    key: str
    """Lower case."""
    operands: tuple[Operand, ...]

    def holds(self, context: Context) -> bool:
        """Whether the request satisfies this test."""
        value = context.get(self.key)
        if self.family == "Null":
            is_absent = value in {None, ()}
            return any(isinstance(each, Plain) and each.value is is_absent for each in self.operands)
        if value is None or value == ():
            return self.if_exists or self.quantifier == "all" or (self.negated and not self.quantifier)
        match self.quantifier:
            case "all":
                return all(self._holds_for(each, context) for each in _each(value))
            case "any":
                return any(self._holds_for(each, context) for each in _each(value))
            case _:
                # A multivalued key says nothing without a set operator.
                return isinstance(value, str) and self._holds_for(value, context)

    def _holds_for(self, value: str, context: Context) -> bool:
        fits = _FITS[self.family]
        for operand in self.operands:
            is_fitting = fits(operand, value, self.relation, context)
            if is_fitting is None and self.negated:
                return False  # a variable without a value is neither equal nor unequal to anything
            if is_fitting:
                return not self.negated
        return self.negated


def compiled(operator: str, key: str, values: Sequence[str], *, has_variables: bool) -> Test | None:
    """Compile one key of a condition; None if there is no such operator."""
    quantifier, colon, name = operator.lower().rpartition(":")
    if_exists = name.endswith("ifexists")
    known = _OPERATORS.get(name.removesuffix("ifexists"))
    if known is None or (colon and quantifier not in _QUANTIFIERS) or (known[0] == "Null" and if_exists):
        return None
    family, relation, negated, has_wildcards = known
    return Test(
        family=family,
        relation=relation,
        negated=negated,
        if_exists=if_exists,
        quantifier=_QUANTIFIERS.get(quantifier, ""),
        key=key.lower(),
        operands=tuple([
            _operand(family, each, has_variables=has_variables, has_wildcards=has_wildcards) for each in values
        ]),
    )


def text_of(value: Any) -> str | None:
    """Write a JSON scalar of a policy or a request as the text which conditions compare; None for anything else."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return repr(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case _:
            return None


def _operand(family: Family, text: str, *, has_variables: bool, has_wildcards: bool) -> Operand:
    if family in _READ:
        return Plain(value=_READ[family](text))
    folded = text.lower() if family == "StringFolded" else text
    tokens = read(folded, has_variables=has_variables, has_wildcards=has_wildcards)
    if family == "Arn":
        return ArnText(
            components=tuple([template(part) for part in split_at_colons(tokens, 5)]), is_any=_is_star(tokens)
        )
    return Text(template=template(tokens))


def _is_star(tokens: Sequence[Token]) -> bool:
    pattern = template(tokens).pattern
    return pattern is not None and pattern.is_any


def _each(value: Value) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _text_fits(operand: Operand, value: str, _relation: Relation, context: Context) -> bool | None:
    assert isinstance(operand, Text)
    pattern = operand.template.resolved(context)
    return None if pattern is None else pattern.matches(value)


def _folded_fits(operand: Operand, value: str, _relation: Relation, context: Context) -> bool | None:
    assert isinstance(operand, Text)
    pattern = operand.template.resolved(context)
    return None if pattern is None or pattern.literal is None else pattern.literal.lower() == value.lower()


def _arn_fits(operand: Operand, value: str, _relation: Relation, context: Context) -> bool | None:
    assert isinstance(operand, ArnText)
    if operand.is_any:
        return True
    patterns = [each.resolved(context) for each in operand.components]
    known = [each for each in patterns if each is not None]
    return None if len(known) < len(patterns) else components_match(known, value)


def _plain_fits(family: Family) -> Callable[[Operand, str, Relation, Context], bool | None]:
    read_value = _READ[family]

    def fits(operand: Operand, value: str, relation: Relation, _context: Context) -> bool | None:
        assert isinstance(operand, Plain)
        wanted, found = operand.value, read_value(value)
        if wanted is None or found is None:
            return False
        if relation == "eq":
            return bool(found == wanted)
        assert isinstance(wanted, int | float)
        assert isinstance(found, int | float)
        match relation:
            case "lt":
                return found < wanted
            case "le":
                return found <= wanted
            case "gt":
                return found > wanted
            case "ge":
                return found >= wanted

    return fits


def _network_fits(operand: Operand, value: str, _relation: Relation, _context: Context) -> bool | None:
    assert isinstance(operand, Plain)
    wanted, found = operand.value, _network(value)
    if not isinstance(wanted, tuple) or found is None:
        return False
    version, first, bits = wanted
    width = 32 if version == 4 else 128
    return found[0] == version and found[2] >= bits and found[1] >> (width - bits) == first >> (width - bits)


def _number(text: str) -> int | float | None:
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


@lru_cache(maxsize=1024)
def _moment(text: str) -> int | None:
    """Return microseconds since the epoch of an ISO 8601 time or of seconds since the epoch."""
    number = _number(text)
    if number is not None:
        return round(number * 1_000_000)
    month = _MONTH.fullmatch(text)
    try:
        moment = datetime.fromisoformat(f"{text}-01" if month else text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    past = moment - epoch
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def _truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=1024)
def _network(text: str) -> tuple[int, int, int] | None:
    """Return (version, first address, prefix length) of an address or a CIDR block."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network):
        # A dual-stack socket reports IPv4 peers inside IPv6; they are the same peers.
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            return 4, int(mapped), network.prefixlen - 96
    return network.version, int(network.network_address), network.prefixlen


_READ: Mapping[str, Callable[[str], Any]] = {
    "Numeric": _number,
    "Date": _moment,
    "Bool": _truth,
    "Null": _truth,
    "Binary": _bytes,
    "Ip": _network,
}
_FITS: Mapping[str, Callable[[Operand, str, Relation, Context], bool | None]] = {
    "String": _text_fits,
    "StringFolded": _folded_fits,
    "Arn": _arn_fits,
    "Numeric": _plain_fits("Numeric"),
    "Date": _plain_fits("Date"),
    "Bool": _plain_fits("Bool"),
    "Binary": _plain_fits("Binary"),
    "Ip": _network_fits,
}
