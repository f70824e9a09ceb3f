"""Questions and answers, without sockets."""

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.update
import pytest

from millpond.dns.zone import TTL, Zone, answer

ZONE = Zone(origin="millpond.test", address="127.0.0.53")
NODE = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
READER = "web-ro.a1b2c3.ng.0001.use1.cache.millpond.test"
RECORDS = {
    NODE: ("127.77.0.2",),
    READER: ("127.77.0.3", "127.77.0.4", "127.77.0.5"),
    "crowd.millpond.test": tuple(f"127.78.0.{number}" for number in range(1, 200)),
}


def ask(query: dns.message.Message, *, over_tcp: bool = False, turn: int = 0) -> dns.message.Message:
    response = answer(query.to_wire(), ZONE, RECORDS, over_tcp=over_tcp, turn=turn)
    assert response is not None
    message = dns.message.from_wire(response)
    assert query.is_response(message)
    return message


def question(name: str, kind: str = "A", **options) -> dns.message.Message:
    return dns.message.make_query(name, kind, **options)


def addresses(message: dns.message.Message) -> list[str]:
    return [str(record) for rrset in message.answer for record in rrset]


def test_given_a_name_then_its_address_comes_back_with_authority_and_a_short_life():
    message = ask(question(NODE))
    assert message.rcode() == dns.rcode.NOERROR
    assert message.flags & dns.flags.AA
    assert not message.flags & dns.flags.RA
    assert [rrset.to_text() for rrset in message.answer] == [f"{NODE}. {TTL} IN A 127.77.0.2"]


def test_given_a_name_in_another_case_then_the_answer_keeps_that_case():
    asked = NODE.replace("my-cache", "My-CACHE").replace("test", "TeSt")
    message = ask(question(asked))
    assert message.question[0].name.to_text() == asked + "."
    assert message.answer[0].name.to_text() == asked + "."
    assert addresses(message) == ["127.77.0.2"]


@pytest.mark.parametrize("kind", ["AAAA", "MX", "TXT", "HTTPS", "CNAME", "NS", "SOA"])
def test_given_a_name_without_such_a_record_then_there_is_no_data_and_the_soa_says_for_how_long(kind: str):
    message = ask(question(NODE, kind))
    assert message.rcode() == dns.rcode.NOERROR
    assert message.answer == []
    (soa,) = message.authority
    assert soa.rdtype == dns.rdatatype.SOA
    assert soa.ttl == soa[0].minimum == TTL


def test_given_a_name_that_nobody_has_then_it_does_not_exist():
    message = ask(question("absent.use1.cache.millpond.test"))
    assert message.rcode() == dns.rcode.NXDOMAIN
    assert message.authority[0].rdtype == dns.rdatatype.SOA


def test_given_a_name_between_the_origin_and_a_record_then_it_exists_without_data():
    message = ask(question("use1.cache.millpond.test"))
    assert message.rcode() == dns.rcode.NOERROR
    assert message.answer == []


def test_given_a_name_that_only_ends_like_the_parent_of_a_record_then_it_does_not_exist():
    assert ask(question("che.millpond.test")).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("name", ["example.com", "test", "notmillpond.test", "."])
def test_given_a_name_outside_the_zone_then_the_question_is_refused(name: str):
    message = ask(question(name))
    assert message.rcode() == dns.rcode.REFUSED
    assert not message.flags & dns.flags.AA


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_given_a_transfer_then_it_is_refused(kind: str):
    assert ask(question("millpond.test", kind), over_tcp=True).rcode() == dns.rcode.REFUSED


def test_given_another_class_then_it_is_refused():
    assert ask(question("version.bind", "TXT", rdclass=dns.rdataclass.CH)).rcode() == dns.rcode.REFUSED
    assert ask(question(NODE, "A", rdclass=dns.rdataclass.CH)).rcode() == dns.rcode.REFUSED


def test_given_the_origin_then_it_names_its_server_which_has_an_address():
    assert addresses(ask(question("millpond.test", "NS"))) == ["ns.millpond.test."]
    assert ask(question("millpond.test", "SOA")).answer[0][0].mname.to_text() == "ns.millpond.test."
    assert addresses(ask(question("ns.millpond.test"))) == ["127.0.0.53"]
    assert addresses(ask(question("millpond.test"))) == []


def test_given_any_then_the_answer_has_what_there_is():
    assert addresses(ask(question(NODE, "ANY"))) == ["127.77.0.2"]
    assert {rrset.rdtype for rrset in ask(question("millpond.test", "ANY")).answer} == {
        dns.rdatatype.SOA,
        dns.rdatatype.NS,
    }


def test_given_several_addresses_then_each_comes_first_in_turn():
    seen = [addresses(ask(question(READER), turn=turn)) for turn in range(4)]
    assert [each[0] for each in seen] == ["127.77.0.3", "127.77.0.4", "127.77.0.5", "127.77.0.3"]
    assert {tuple(sorted(each)) for each in seen} == {RECORDS[READER]}


@pytest.mark.parametrize(("options", "limit"), [({}, 512), ({"use_edns": 0, "payload": 4096}, 1232)])
def test_given_an_answer_too_long_for_a_datagram_then_it_is_cut_and_tcp_has_it_whole(options: dict, limit: int):
    query = question("crowd.millpond.test", **options)
    wire = answer(query.to_wire(), ZONE, RECORDS, over_tcp=False)
    assert wire is not None
    assert len(wire) <= limit
    assert dns.message.from_wire(wire).flags & dns.flags.TC
    whole = ask(query, over_tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(addresses(whole)) == 199


def test_given_edns_then_the_answer_has_it_and_without_it_has_not():
    assert ask(question(NODE, use_edns=0)).edns == 0
    assert ask(question(NODE)).edns == -1


def test_given_a_later_version_of_edns_then_it_is_refused_as_such():
    assert ask(question(NODE, use_edns=1)).rcode() == dns.rcode.BADVERS


def test_given_an_update_then_it_is_not_implemented():
    update = dns.update.UpdateMessage("millpond.test")
    update.add("evil", 300, "A", "127.0.0.1")
    response = answer(update.to_wire(), ZONE, RECORDS, over_tcp=False)
    assert response is not None
    assert dns.message.from_wire(response).rcode() == dns.rcode.NOTIMP


def test_given_an_answer_then_nothing_is_sent_so_that_two_servers_cannot_talk_for_ever():
    response = dns.message.make_response(question(NODE))
    assert answer(response.to_wire(), ZONE, RECORDS, over_tcp=False) is None


@pytest.mark.parametrize("junk", [b"", b"\0" * 11])
def test_given_less_than_a_header_then_nothing_is_sent(junk: bytes):
    assert answer(junk, ZONE, RECORDS, over_tcp=False) is None


def test_given_a_packet_that_cannot_be_read_then_it_is_malformed_and_keeps_its_id():
    packet = question(NODE).to_wire()[:-3]
    response = answer(packet, ZONE, RECORDS, over_tcp=False)
    assert response is not None
    assert response[:2] == packet[:2]
    assert dns.message.from_wire(response).rcode() == dns.rcode.FORMERR


def test_given_two_questions_then_the_packet_is_malformed():
    query = question(NODE)
    query.find_rrset(query.question, dns.name.from_text(READER), 1, 1, create=True, force_unique=True)
    response = answer(query.to_wire(), ZONE, RECORDS, over_tcp=False)
    assert response is not None
    assert dns.message.from_wire(response).rcode() == dns.rcode.FORMERR


def test_further_zones_are_answered_like_the_first():
    zone = Zone(origin="millpond.test", address="172.31.0.2", others=("ec2.internal",))
    records = {"ip-172-31-0-9.ec2.internal": ("172.31.0.9",)}

    def asked(name: str, kind: str = "A") -> dns.message.Message:
        response = answer(question(name, kind).to_wire(), zone, records, over_tcp=False)
        assert response is not None
        return dns.message.from_wire(response)

    assert addresses(asked("ip-172-31-0-9.ec2.internal")) == ["172.31.0.9"]
    assert addresses(asked("ns.ec2.internal")) == ["172.31.0.2"]
    assert asked("ip-172-31-0-8.ec2.internal").rcode() == dns.rcode.NXDOMAIN
    assert str(asked("ip-172-31-0-8.ec2.internal").authority[0].name) == "ec2.internal."
    assert asked("example.com").rcode() == dns.rcode.REFUSED
