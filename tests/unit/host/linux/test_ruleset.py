"""Rules as values and as scripts: what is compiled, and that a change leads exactly to what the whole would be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.host.fabric import Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux.compile import compiled, counter, link_name
from millpond.host.linux.ruleset import TABLE, Chain, Container, Ruleset, changing, replacing

ALL_OUT = (Rule(protocol="-1", cidr="0.0.0.0/0"),)
SUBNETS = (
    Subnet(id="subnet-a", cidr="172.31.0.0/20", zone="us-east-1a"),
    Subnet(id="subnet-b", cidr="172.31.16.0/20", zone="us-east-1b"),
)
APP = Interface(id="eni-app", address="172.31.0.10", subnet="subnet-a", groups=("sg-app",))
CACHE = Interface(id="eni-cache", address="172.31.16.10", subnet="subnet-b", groups=("sg-cache",))


def vpc(*rules: Rule, generation: int = 1, **changes: object) -> Vpc:
    groups = (Group(id="sg-app", egress=ALL_OUT), Group(id="sg-cache", ingress=rules, egress=ALL_OUT))
    fields = {"subnets": SUBNETS, "interfaces": (APP, CACHE), "groups": groups} | changes
    return Vpc(id="vpc-1", generation=generation, cidrs=("172.31.0.0/16",), **fields)


def ingress(*rules: Rule) -> list[str]:
    """The rules of the group, its sets written out."""
    made = compiled(vpc(*rules))
    return [
        re.sub(r"@(in-sg-cache-\w+)", lambda found: "{" + ",".join(made.containers[found[1]].elements) + "}", line)
        for line in made.chains["in-sg-cache"].rules
    ]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule(protocol="tcp", from_port=6379, to_port=6379, cidr="10.0.0.0/8"), "tcp dport 6379-6379 goto admitted"),
        (Rule(protocol="17", from_port=53, to_port=54, cidr="10.0.0.0/8"), "udp dport 53-54 goto admitted"),
        (Rule(protocol="tcp", from_port=0, to_port=65535, cidr="10.0.0.0/8"), "meta l4proto tcp goto admitted"),
        (Rule(protocol="tcp", cidr="10.0.0.0/8"), "meta l4proto tcp goto admitted"),
        (Rule(protocol="-1", cidr="10.0.0.0/8"), "goto admitted"),
        (Rule(protocol="icmp", from_port=-1, to_port=-1, cidr="10.0.0.0/8"), "meta l4proto icmp goto admitted"),
        (Rule(protocol="icmp", from_port=8, to_port=-1, cidr="10.0.0.0/8"), "icmp type 8 goto admitted"),
        (Rule(protocol="1", from_port=3, to_port=4, cidr="10.0.0.0/8"), "icmp type 3 icmp code 4 goto admitted"),
        (Rule(protocol="50", cidr="10.0.0.0/8"), "meta l4proto 50 goto admitted"),
    ],
)
def test_one_rule_is_one_line(rule: Rule, line: str):
    assert ingress(rule) == [f"ip saddr {{10.0.0.0/8}} {line}"]


def test_a_source_group_is_its_members():
    rule = Rule(protocol="tcp", from_port=1, to_port=1, group="sg-app")
    assert ingress(rule) == ["ip saddr @members-sg-app tcp dport 1-1 goto admitted"]
    assert set(compiled(vpc(rule)).containers["members-sg-app"].elements) == {APP.address}


def test_what_ipv4_does_not_have_is_no_rule():
    assert ingress(Rule(protocol="icmpv6", cidr="0.0.0.0/0")) == []
    assert ingress(Rule(protocol="tcp", from_port=1, to_port=1, cidr="::/0")) == []


def test_blocks_of_one_port_are_collapsed_into_one_set():
    rules = [Rule(protocol="tcp", from_port=1, to_port=1, cidr=cidr) for cidr in ("10.0.0.0/9", "10.128.0.0/9")]
    assert ingress(*rules, rules[0]) == ["ip saddr {10.0.0.0/8} tcp dport 1-1 goto admitted"]


def test_the_machines_own_leg_is_never_called_and_never_fails():
    made = compiled(vpc(host_interface=APP.id, failed_zones=("us-east-1a", "us-east-1b")))
    assert made.chains[f"enter-{APP.id}"].rules == (f"counter name {counter(APP.id, 'ingress', 'REJECT')} drop",)
    assert list(made.containers["failed"].elements) == [f'"{link_name(CACHE.id)}"']


def test_names_of_links_fit_the_kernel():
    assert len(link_name("eni-0123456789abcdef0")) <= 15


def test_counts_go_on_when_the_whole_is_replaced():
    made = compiled(vpc())
    name = counter(APP.id, "egress", "ACCEPT")
    assert f"add counter {TABLE} {name} {{ packets 5 bytes 300 ; }}" in replacing(made, {name: (5, 300)}).splitlines()


def test_no_change_is_no_script():
    assert changing(compiled(vpc()), compiled(vpc())) == ""


def test_a_change_of_one_block_touches_only_its_set():
    one = Rule(protocol="tcp", from_port=6379, to_port=6379, cidr="10.0.0.0/8")
    two = Rule(protocol="tcp", from_port=6379, to_port=6379, cidr="192.168.0.0/16")
    lines = changing(compiled(vpc(one)), compiled(vpc(one, two, generation=2))).splitlines()
    assert len(lines) == 3
    assert [line for line in lines if "generation" not in line] == [
        next(line for line in lines if "192.168.0.0/16" in line)
    ]


RULES = st.builds(
    Rule,
    protocol=st.sampled_from(["tcp", "udp"]),
    from_port=st.just(6379),
    to_port=st.integers(6379, 6381),
    cidr=st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"]),
) | st.builds(Rule, protocol=st.just("-1"), group=st.sampled_from(["sg-app", "sg-cache"]))
VPCS = st.builds(
    lambda rules, interfaces, generation, failed: vpc(
        *rules, interfaces=interfaces, generation=generation, failed_zones=failed
    ),
    st.lists(RULES, max_size=4),
    st.sampled_from([(), (APP,), (CACHE,), (APP, CACHE)]),
    st.integers(0, 9),
    st.sampled_from([(), ("us-east-1a",)]),
)


def carried_out(old: Ruleset, script: str) -> Ruleset:
    """What a kernel makes of a script; it fails where a kernel would."""
    counters = set(old.counters)
    containers = {name: (each.kind, each.type, dict(each.elements)) for name, each in old.containers.items()}
    chains = {name: (each.hook, list(each.rules)) for name, each in old.chains.items()}
    for line in script.splitlines():
        verb, what, _, _, name, *rest = line.split(" ", 5)
        words = rest[0] if rest else ""
        match verb, what:
            case "add", "counter":
                counters.add(name)
            case "add", "chain":
                assert name not in chains
                chains[name] = (words.strip("{ }") and words[2:-2], [])
            case "add", "set" | "map":
                assert name not in containers
                containers[name] = (what, words[2:-2], {})
            case "add", "rule":
                targets = re.findall(r"(?:jump|goto) (\S+)", words)
                assert all(target in chains for target in targets)
                assert all(each in containers for each in re.findall(r"@(\S+)", words))
                chains[name][1].append(words)
            case "flush", "chain":
                chains[name][1].clear()
            case "add" | "delete", "element":
                elements = containers[name][2]
                for each in words[2:-2].split(", "):
                    key, _, value = each.partition(" : ")
                    if verb == "add":
                        assert key not in elements
                        assert not value.startswith("goto") or value.split()[1] in chains
                        elements[key] = value
                    else:
                        assert elements.pop(key) == value
            case "delete", "chain":
                assert not chains.pop(name)[1]
                users = [rule for _, rules in chains.values() for rule in rules]
                users += [value for _, _, elements in containers.values() for value in elements.values()]
                assert not any(re.search(rf"(jump|goto) {name}$", user) for user in users)
            case "delete", "set" | "map":
                del containers[name]
                assert not any(f"@{name} " in f"{rule} " for _, rules in chains.values() for rule in rules)
            case "delete", "counter":
                counters.remove(name)
            case _:
                raise AssertionError(line)
    return Ruleset(
        counters=frozenset(counters),
        containers={
            name: Container(kind=kind, type=type_, elements=elements)
            for name, (kind, type_, elements) in containers.items()
        },
        chains={name: Chain(hook=hook, rules=tuple(rules)) for name, (hook, rules) in chains.items()},
    )


@given(VPCS, VPCS)
def test_a_change_leads_exactly_to_the_whole(before: Vpc, after: Vpc):
    old, new = compiled(before), compiled(after)
    assert carried_out(old, changing(old, new)) == new
