"""Pure: a question and the zone's records give the answer, as bytes.

Authoritative zones with A records, an SOA and an NS each. Names compare without case and come back in the case they
were asked in (RFC 4343). No recursion, no transfers, no updates, no other class than IN.
"""

from collections.abc import Mapping

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import msgspec

Records = Mapping[str, tuple[str, ...]]
"""Full host names, lower case, without the last dot → IPv4 addresses, at least one."""

TTL = 5
"""Seconds. What AWS's endpoints are seen with; failover moves names, so answers must not live long."""

UDP_WITHOUT_EDNS = 512
UDP_AT_MOST = 1232
"""Fits every path without fragments (DNS flag day 2020)."""
_HEADER = 12


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of the zone apart from its records."""

    origin: str
    """`millpond.test`"""
    address: str
    """IPv4 address of the name server: what `ns.<origin>` has."""
    others: tuple[str, ...] = ()
    """Further zones with records of their own, which it answers for in the same way."""


def answer(packet: bytes, zone: Zone, records: Records, *, over_tcp: bool, turn: int = 0) -> bytes | None:
    """Answer one packet; None when nothing must be sent (an answer, or too short to have an id).

    `turn` rotates the addresses of names with several: round robin, when the caller counts.
    Never raises: what cannot be read is answered FORMERR (RFC 1035 section 4.1.1).
    """
    if len(packet) < _HEADER or packet[2] & 0x80:
        return None
    try:
        query = dns.message.from_wire(packet)
        response = dns.message.make_response(query, our_payload=UDP_AT_MOST)
    except (dns.exception.DNSException, ValueError):
        return failure(packet, dns.rcode.FORMERR)
    _respond(query, response, zone, records, turn)
    limit = 65535 if over_tcp else _room(query)
    return response.to_wire(max_size=limit, prefer_truncation=True, want_shuffle=False)


def failure(packet: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """An answer that repeats only the id, opcode and RD of a query: at least a header."""
    return packet[:2] + bytes([0x80 | (packet[2] & 0x79), rcode]) + bytes(8)


def _room(query: dns.message.Message) -> int:
    if query.edns < 0:
        return UDP_WITHOUT_EDNS
    return max(UDP_WITHOUT_EDNS, min(query.payload, UDP_AT_MOST))


def _respond(
    query: dns.message.Message, response: dns.message.Message, zone: Zone, records: Records, turn: int
) -> None:
    if query.edns > 0:
        response.set_rcode(dns.rcode.BADVERS)
    elif query.opcode() != dns.opcode.QUERY:
        response.set_rcode(dns.rcode.NOTIMP)
    elif len(query.question) != 1:
        response.set_rcode(dns.rcode.FORMERR)
    else:
        _look_up(query.question[0], response, zone, records, turn)


def _look_up(question: dns.rrset.RRset, response: dns.message.Message, zone: Zone, records: Records, turn: int) -> None:
    origin = next((each for each in _origins(zone) if question.name.is_subdomain(each)), None)
    if question.rdclass != dns.rdataclass.IN or origin is None:
        response.set_rcode(dns.rcode.REFUSED)
        return
    if question.rdtype in {dns.rdatatype.AXFR, dns.rdatatype.IXFR}:
        response.set_rcode(dns.rcode.REFUSED)
        return
    response.flags |= dns.flags.AA
    found = _all_of(question.name, origin, zone, records, turn)
    if found is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    for rrset in found or ():
        if question.rdtype in {rrset.rdtype, dns.rdatatype.ANY}:
            response.answer.append(rrset)
    if not response.answer:
        # How long "there is no such thing" may be remembered (RFC 2308): no longer than an address.
        response.authority.append(_soa(origin))


def _all_of(
    name: dns.name.Name, origin: dns.name.Name, zone: Zone, records: Records, turn: int
) -> list[dns.rrset.RRset] | None:
    """Everything that a name has; empty for a name that exists only because others lie below it; None for no name."""
    name_server_name = f"ns.{origin.to_text(omit_final_dot=True)}"
    if name == origin:
        name_server = dns.rrset.from_text(name, TTL, "IN", "NS", f"{name_server_name}.")
        return [_soa(name), name_server]
    host = name.to_text(omit_final_dot=True).lower()
    addresses = records.get(host)
    if addresses is None and host == name_server_name:
        addresses = (zone.address,)
    if addresses:
        first = turn % len(addresses)
        return [dns.rrset.from_text(name, TTL, "IN", "A", *addresses[first:], *addresses[:first])]
    return [] if any(known.endswith("." + host) for known in records) else None


def _origins(zone: Zone) -> tuple[dns.name.Name, ...]:
    return tuple(dns.name.from_text(each) for each in (zone.origin, *zone.others))


def _soa(origin: dns.name.Name) -> dns.rrset.RRset:
    host = origin.to_text()
    return dns.rrset.from_text(origin, TTL, "IN", "SOA", f"ns.{host} hostmaster.{host} 1 3600 600 86400 {TTL}")
