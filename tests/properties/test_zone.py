"""Laws of the zone: an answer never contradicts the records, and no packet breaks it."""

import dns.message
import dns.rcode
import dns.rdatatype
from hypothesis import example, given
from hypothesis import strategies as st

from millpond.dns.zone import Zone, answer

ZONE = Zone(origin="millpond.test", address="127.0.0.53")
LABELS = st.lists(st.sampled_from(["a", "b", "cache", "0001", "x-y"]), min_size=0, max_size=3)
BELOW = LABELS.map(lambda labels: ".".join([*labels, "millpond.test"]))
NAMES = BELOW.filter(lambda name: name != "millpond.test")
ADDRESSES = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=60, unique=True).map(tuple)
RECORDS = st.dictionaries(NAMES, ADDRESSES, max_size=6)


def swapped(name: str, bits: int) -> str:
    return "".join(letter.upper() if bits >> at & 1 else letter for at, letter in enumerate(name))


@given(
    RECORDS,
    BELOW,
    st.integers(0, 2**20),
    st.sampled_from(["A", "AAAA", "ANY", "TXT", "SOA", "NS"]),
    st.integers(0, 100),
    st.booleans(),
)
def test_an_answer_says_what_the_records_say(records, name, bits, kind, turn, over_tcp):
    query = dns.message.make_query(swapped(name, bits), kind)
    wire = answer(query.to_wire(), ZONE, records, over_tcp=over_tcp, turn=turn)
    assert wire is not None
    message = dns.message.from_wire(wire)
    assert query.is_response(message)
    told = [str(r) for rrset in message.answer if rrset.rdtype == dns.rdatatype.A for r in rrset]
    known = records.get(name, ())
    exists = name in {"millpond.test", "ns.millpond.test"} or any(
        each == name or each.endswith("." + name) for each in records
    )
    assert (message.rcode() == dns.rcode.NXDOMAIN) == (not exists)
    truncated = "TC" in dns.flags.to_text(message.flags)
    if kind in {"A", "ANY"} and not truncated:
        assert sorted(told) == sorted(known)
        assert not known or told[0] == known[turn % len(known)]
    else:
        assert set(told) <= set(known)
    assert truncated <= (not over_tcp)
    assert over_tcp or len(wire) <= 512
    if not message.answer and not truncated:
        assert [rrset.rdtype for rrset in message.authority] == [dns.rdatatype.SOA]


QUERY = dns.message.make_query("a.cache.millpond.test", "A", use_edns=0, want_dnssec=True).to_wire()


@st.composite
def mangled(draw) -> bytes:
    packet = bytearray(QUERY)
    for _ in range(draw(st.integers(1, 6))):
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip" if packet:
                packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
            case "cut":
                del packet[draw(st.integers(0, len(packet))) :]
            case "insert":
                at = draw(st.integers(0, len(packet)))
                packet[at:at] = draw(st.binary(max_size=12))
            case _:
                packet += packet[: draw(st.integers(0, 40))]
    return bytes(packet)


@given(mangled() | st.binary(max_size=80), st.booleans())
@example(b"\0" * 12, False)
@example(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01", False)
def test_no_packet_makes_answering_fail(packet, over_tcp):
    response = answer(packet, ZONE, {"a.cache.millpond.test": ("127.0.0.2",)}, over_tcp=over_tcp)
    if response is None:
        assert len(packet) < 12 or packet[2] & 0x80
    else:
        assert response[:2] == packet[:2]
        assert response[2] & 0x80
        assert len(response) <= (65535 if over_tcp else 1232)
