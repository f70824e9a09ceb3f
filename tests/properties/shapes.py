"""Values drawn from the models' shapes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from millpond.aws.models import Shape

DEEPEST = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What XML can carry; surrogates are no text at all.
_TEXT = st.text(
    st.one_of(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
        st.sampled_from("\t\n\r&<>\"'%+;=/?#äß€😀\u2028\u0085"),
        st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
    ),
    max_size=12,
)
_HEADER_TEXT = st.text(st.sampled_from("abcXYZ019-_./:="), min_size=1, max_size=12)
_MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda each: _EPOCH + timedelta(milliseconds=each))


def values(shape: Shape, *, may_be_empty: bool, depth: int = 0) -> st.SearchStrategy[Any]:
    """Draw values of a shape. Empty lists and structures only where the wire format can tell them from absent ones."""
    match shape.type_name:
        case "structure":
            return structures(shape, may_be_empty=may_be_empty, depth=depth)
        case "list":
            least = 0 if may_be_empty else 1
            return st.lists(
                values(shape.member, may_be_empty=may_be_empty, depth=depth + 1), min_size=least, max_size=3
            )
        case "map":
            return st.dictionaries(
                values(shape.key, may_be_empty=may_be_empty),
                values(shape.value, may_be_empty=may_be_empty, depth=depth + 1),
                min_size=0 if may_be_empty else 1,
                max_size=3,
            )
        case "string" | "character":
            return st.sampled_from(list(shape.enum)) if shape.enum else _TEXT
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(-(2**31), 2**31 - 1)
        case "long":
            return st.integers(-(2**63), 2**63 - 1)
        case "float":
            return st.floats(allow_nan=False, allow_infinity=False, width=32)
        case "double":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "timestamp":
            return _MOMENTS
        case "blob":
            return st.binary(min_size=1, max_size=20)
        case other:
            raise AssertionError(other)


@st.composite
def structures(draw: st.DrawFn, shape: Shape, *, may_be_empty: bool, depth: int) -> Any:
    """Draw some members of a structure, exactly one of a union, anything JSON for a document."""
    if shape.is_document_type:
        return draw(st.dictionaries(_TEXT, st.one_of(st.integers(-100, 100), _TEXT, st.booleans()), max_size=2))
    members = [
        name
        for name, member in shape.members.items()
        if depth < DEEPEST or member.type_name not in {"structure", "list", "map"}
    ]
    required = [name for name in shape.required_members if name in members]
    if shape.is_tagged_union:
        chosen = [draw(st.sampled_from(members))] if members else []
    else:
        most = 12 if depth == 0 else 3
        extra = draw(st.lists(st.sampled_from(members), unique=True, max_size=most)) if members else []
        chosen = [name for name in members if name in extra or name in required]
    if not chosen and members and not may_be_empty and depth > 0:
        chosen = [draw(st.sampled_from(members))]
    return {name: draw(_member(shape.members[name], may_be_empty=may_be_empty, depth=depth)) for name in chosen}


def without_empty(value: Any) -> Any:
    """Leave out what a dotted query cannot say: a structure, list or map with nothing in it."""
    if isinstance(value, dict):
        pruned = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [pruned for pruned in map(without_empty, value) if pruned not in ({}, [])]
    return value


def _member(member: Shape, *, may_be_empty: bool, depth: int) -> st.SearchStrategy[Any]:
    location = member.serialization.get("location")
    if location in {"uri", "header", "headers"} and member.type_name == "string" and not member.enum:
        return _HEADER_TEXT
    if location == "querystring":
        return values(member, may_be_empty=False, depth=depth + 1)
    return values(member, may_be_empty=may_be_empty, depth=depth + 1)
