"""Endpoint names in AWS's shapes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.aws.endpoints import ZONE, EndpointNames, region_short_name

NAMES = EndpointNames(tag="a1b2c3", region="us-east-1")
SUFFIX = "use1.cache.millpond.test"


@pytest.mark.parametrize(
    ("region", "short"),
    [
        ("us-east-1", "use1"), ("us-east-2", "use2"), ("us-west-1", "usw1"), ("us-west-2", "usw2"),
        ("ca-central-1", "cac1"), ("sa-east-1", "sae1"), ("eu-west-1", "euw1"), ("eu-west-3", "euw3"),
        ("eu-central-1", "euc1"), ("eu-north-1", "eun1"), ("eu-south-1", "eus1"), ("ap-south-1", "aps1"),
        ("ap-southeast-2", "apse2"), ("ap-northeast-3", "apne3"), ("ap-east-1", "ape1"), ("me-south-1", "mes1"),
        ("af-south-1", "afs1"), ("us-gov-west-1", "usgw1"), ("mx-central-1", "mxc1"), ("il-central-1", "ilc1"),
        ("cn-northwest-1", "cnnw1"), ("local", "local"), ("", "local"), ("...", "local"),
    ],
)  # fmt: skip
def test_given_a_region_then_its_short_name_follows_the_rule(region: str, short: str):
    assert region_short_name(region) == short


def test_given_botocores_regions_then_no_two_share_a_short_name():
    import botocore.session

    session = botocore.session.Session()
    regions = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("elasticache", partition)
    }
    assert len({region_short_name(region) for region in regions}) == len(regions) > 20


@given(st.text(max_size=80))
def test_whatever_the_region_the_short_name_is_one_label(region):
    assert re.fullmatch(r"[a-z0-9]{1,63}", region_short_name(region))


def test_given_a_standalone_node_then_its_name_has_tag_and_node_id():
    assert NAMES.cache_node("my-cache") == f"my-cache.a1b2c3.0001.{SUFFIX}"
    assert NAMES.cache_node("mc", node="0002") == f"mc.a1b2c3.0002.{SUFFIX}"


def test_given_a_memcached_cluster_then_its_configuration_name_has_cfg():
    assert NAMES.memcached_configuration("mc") == f"mc.a1b2c3.cfg.{SUFFIX}"
    assert NAMES.memcached_certificate("mc") == f"*.mc.a1b2c3.{SUFFIX}"


def test_given_a_group_without_tls_then_its_names_have_ng():
    assert NAMES.primary("web", tls=False) == f"web.a1b2c3.ng.0001.{SUFFIX}"
    assert NAMES.reader("web", tls=False) == f"web-ro.a1b2c3.ng.0001.{SUFFIX}"
    assert NAMES.configuration("kv", tls=False) == f"kv.a1b2c3.clustercfg.{SUFFIX}"
    assert NAMES.member("web-001", group="web", tls=False) == f"web-001.a1b2c3.0001.{SUFFIX}"


def test_given_a_group_with_tls_then_one_certificate_covers_all_its_names():
    pattern = NAMES.group_certificate("web")
    assert pattern == f"*.web.a1b2c3.{SUFFIX}"
    assert NAMES.primary("web", tls=True) == f"master.web.a1b2c3.{SUFFIX}"
    for name in (
        NAMES.primary("web", tls=True),
        NAMES.reader("web", tls=True),
        NAMES.configuration("web", tls=True),
        NAMES.member("web-0001-001", group="web", tls=True),
    ):
        assert name.partition(".")[2] == pattern[2:]


def test_given_a_serverless_cache_then_its_tag_is_joined_with_a_hyphen():
    assert NAMES.serverless("cart") == f"cart-a1b2c3.serverless.{SUFFIX}"


def test_given_discovery_clients_then_the_last_label_is_short_enough_for_them():
    # The pattern of pymemcache's AWSElastiCacheHashClient.
    assert re.match(r"^([A-Za-z0-9-]+\.)+\w{1,6}:\d+$", NAMES.memcached_configuration("mc") + ":11211")
    assert 1 <= len(ZONE.rpartition(".")[2]) <= 6


def test_given_the_longest_names_then_they_fit_into_dns():
    longest = EndpointNames(tag="a1b2c3", region="ap-northeast-3").member("x" * 50, group="y" * 40, tls=True)
    assert len(longest) < 253
    assert max(map(len, longest.split("."))) <= 63
