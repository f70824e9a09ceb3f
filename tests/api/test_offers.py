"""What can be had: engine versions, node types to scale to, reserved nodes, and the groups of EC2-Classic."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from millpond.services.elasticache import api
from millpond.services.elasticache.operations import cache_security_groups, reserved_cache_nodes
from millpond.services.elasticache.operations.engine_versions import describe_cache_engine_versions
from millpond.services.elasticache.operations.node_type_modifications import list_allowed_node_type_modifications
from tests.api.operations_world import ACCOUNT, REGION, Machine, World, engine_version, exactly, world

BASE = f"arn:aws:elasticache:{REGION}:{ACCOUNT}"
VERSIONS = (
    engine_version("memcached", "1.6.6", "memcached1.6"),
    engine_version("memcached", "1.6.22", "memcached1.6"),
    engine_version("memcached", "1.5.16", "memcached1.5"),
    engine_version("redis", "6.2", "redis6.x"),
    engine_version("redis", "7.1", "redis7"),
    engine_version("valkey", "8.0", "valkey8"),
    engine_version("valkey", "9.1", "valkey9"),
    engine_version("valkey", "9.2", "valkey9", obtainable=False),
)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        opened.machine = Machine(versions=VERSIONS)
        yield opened


def versions(aws: World, **request: object) -> list[tuple[str, str]]:
    found = aws.call(describe_cache_engine_versions, **request)["CacheEngineVersions"]
    return [(each["Engine"], each["EngineVersion"]) for each in found]


class TestEngineVersions:
    def test_only_what_can_be_created_here_is_shown(self, aws: World):
        assert versions(aws) == [
            ("memcached", "1.5.16"),
            ("memcached", "1.6.6"),
            ("memcached", "1.6.22"),
            ("redis", "6.2"),
            ("redis", "7.1"),
            ("valkey", "8.0"),
            ("valkey", "9.1"),
        ]

    def test_a_version_is_described_whole(self, aws: World):
        assert aws.call(describe_cache_engine_versions, Engine="redis", EngineVersion="7.1")["CacheEngineVersions"] == [
            {
                "Engine": "redis",
                "EngineVersion": "7.1",
                "CacheParameterGroupFamily": "redis7",
                "CacheEngineDescription": "Redis",
                "CacheEngineVersionDescription": "redis version 7.1.7",
            }
        ]

    def test_engine_family_and_version_select(self, aws: World):
        assert versions(aws, Engine="VALKEY") == [("valkey", "8.0"), ("valkey", "9.1")]
        assert versions(aws, CacheParameterGroupFamily="memcached1.6") == [
            ("memcached", "1.6.6"),
            ("memcached", "1.6.22"),
        ]
        assert versions(aws, EngineVersion="9.1") == [("valkey", "9.1")]
        assert versions(aws, Engine="redis", EngineVersion="9.1") == []

    def test_the_default_is_exactly_one_an_engine(self, aws: World):
        assert versions(aws, DefaultOnly=True) == [("memcached", "1.6.22"), ("redis", "7.1"), ("valkey", "9.1")]
        assert versions(aws, DefaultOnly=True, Engine="valkey") == [("valkey", "9.1")]
        assert versions(aws, DefaultOnly=True, CacheParameterGroupFamily="memcached1.5") == [("memcached", "1.5.16")]

    def test_pages_keep_the_order_of_versions(self, aws: World):
        aws.machine = Machine(
            versions=[engine_version("memcached", f"1.4.{number}", "memcached1.4") for number in range(30)]
        )

        first = aws.call(describe_cache_engine_versions, MaxRecords=20)
        second = aws.call(describe_cache_engine_versions, MaxRecords=20, Marker=first["Marker"])
        shown = [each["EngineVersion"] for page in (first, second) for each in page["CacheEngineVersions"]]
        assert shown == [f"1.4.{number}" for number in range(30)]
        assert "Marker" not in second


class TestNodeTypeModifications:
    def test_types_with_more_memory_are_up_and_those_with_less_are_down(self, aws: World):
        aws.given_cluster("mine", node_type="cache.t4g.small")

        allowed = aws.call(list_allowed_node_type_modifications, CacheClusterId="MINE")
        assert "cache.t4g.medium" in allowed["ScaleUpModifications"]
        assert "cache.t3.small" in allowed["ScaleUpModifications"]
        assert "cache.r8g.16xlarge" in allowed["ScaleUpModifications"]
        assert allowed["ScaleDownModifications"] == ["cache.t2.micro", "cache.t3.micro", "cache.t4g.micro"]
        both = allowed["ScaleUpModifications"] + allowed["ScaleDownModifications"]
        assert "cache.t4g.small" not in both
        assert not [each for each in both if "r6gd" in each or "m3" in each]

    def test_only_types_that_the_engine_may_use_are_offered(self, aws: World):
        aws.given_cluster("mine", engine="redis", engine_version="6.2", node_type="cache.r7g.large")

        allowed = aws.call(list_allowed_node_type_modifications, CacheClusterId="mine")
        both = allowed["ScaleUpModifications"] + allowed["ScaleDownModifications"]
        assert "cache.r7g.xlarge" in both
        assert not [each for each in both if "8g" in each]

    def test_an_unknown_cache_is_not_found(self, aws: World):
        with pytest.raises(api.CacheClusterNotFoundFault, match=exactly("CacheCluster not found: other")):
            aws.call(list_allowed_node_type_modifications, CacheClusterId="other")
        with pytest.raises(api.ReplicationGroupNotFoundFault):
            aws.call(list_allowed_node_type_modifications, ReplicationGroupId="other")

    @pytest.mark.parametrize("request_", [{}, {"CacheClusterId": "a", "ReplicationGroupId": "b"}])
    def test_exactly_one_cache_must_be_named(self, aws: World, request_: dict[str, str]):
        with pytest.raises(api.InvalidParameterCombinationException):
            aws.call(list_allowed_node_type_modifications, **request_)

    def test_the_request_is_checked_on_the_cache(self, aws: World):
        def arn(**request: str) -> str:
            return aws.resources(list_allowed_node_type_modifications, **request)[0].arn

        assert arn(CacheClusterId="Mine") == f"{BASE}:cluster:mine"
        assert arn(ReplicationGroupId="Mine") == f"{BASE}:replicationgroup:mine"
        assert arn() == f"{BASE}:cluster:*"


class TestCacheSecurityGroups:
    @pytest.mark.parametrize("operation", cache_security_groups.OPERATIONS, ids=lambda each: each.name)
    def test_they_are_refused_as_for_every_account_without_ec2_classic(self, aws: World, operation: msgspec.Struct):
        with pytest.raises(
            api.InvalidParameterValueException,
            match=exactly("Use of cache security groups is not permitted in this API version for your account."),
        ):
            aws.call(operation, CacheSecurityGroupName="Mine")
        assert aws.resources(operation, CacheSecurityGroupName="Mine")[0].arn == f"{BASE}:securitygroup:mine"


class TestReservedCacheNodes:
    def test_there_are_none_and_no_offerings(self, aws: World):
        assert aws.call(reserved_cache_nodes.describe_reserved_cache_nodes) == {"ReservedCacheNodes": []}
        assert aws.call(
            reserved_cache_nodes.describe_reserved_cache_nodes_offerings, Duration="1", OfferingType="No Upfront"
        ) == {"ReservedCacheNodesOfferings": []}

    def test_a_named_one_is_not_found(self, aws: World):
        with pytest.raises(api.ReservedCacheNodeNotFoundFault):
            aws.call(reserved_cache_nodes.describe_reserved_cache_nodes, ReservedCacheNodeId="ri-1")
        with pytest.raises(api.ReservedCacheNodesOfferingNotFoundFault):
            aws.call(reserved_cache_nodes.describe_reserved_cache_nodes_offerings, ReservedCacheNodesOfferingId="an-id")
        with pytest.raises(api.ReservedCacheNodesOfferingNotFoundFault):
            aws.call(reserved_cache_nodes.purchase_reserved_cache_nodes_offering, ReservedCacheNodesOfferingId="an-id")

    @pytest.mark.parametrize(
        "filters", [{"Duration": "2"}, {"OfferingType": "Free"}, {"MaxRecords": 5}, {"Marker": "x"}]
    )
    def test_filters_against_the_rules_are_refused(self, aws: World, filters: dict[str, object]):
        for operation in reserved_cache_nodes.OPERATIONS[:2]:
            with pytest.raises(api.InvalidParameterValueException):
                aws.call(operation, **filters)

    def test_requests_are_checked_on_reservations(self, aws: World):
        (listed,) = aws.resources(reserved_cache_nodes.describe_reserved_cache_nodes)
        assert listed.arn == f"{BASE}:reserved-instance:*"
        bought, tagged = aws.resources(
            reserved_cache_nodes.purchase_reserved_cache_nodes_offering,
            ReservedCacheNodeId="Mine",
            Tags=[{"Key": "a", "Value": "b"}],
        )
        assert bought.arn == tagged.arn == f"{BASE}:reserved-instance:mine"
        assert tagged.action == "elasticache:AddTagsToResource"
