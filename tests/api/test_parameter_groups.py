"""Parameter groups through their operations: AWS's answers, words and faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.services.elasticache import api
from millpond.services.elasticache.operations import parameter_groups as operations
from tests.api.operations_world import ACCOUNT, World, exactly, world

ARN = f"arn:aws:elasticache:us-east-1:{ACCOUNT}:parametergroup"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        yield opened


def create(aws: World, name: str = "mine", family: str = "valkey9", **more: object) -> dict:
    return aws.call(
        operations.create_cache_parameter_group,
        CacheParameterGroupName=name,
        CacheParameterGroupFamily=family,
        Description="of mine",
        **more,
    )


def modify(aws: World, name: str = "mine", **values: str) -> dict:
    return aws.call(
        operations.modify_cache_parameter_group,
        CacheParameterGroupName=name,
        ParameterNameValues=[
            {"ParameterName": key.replace("_", "-"), "ParameterValue": value} for key, value in values.items()
        ],
    )


def reset(aws: World, *parameters: str, name: str = "mine", everything: bool = False) -> dict:
    return aws.call(
        operations.reset_cache_parameter_group,
        CacheParameterGroupName=name,
        ResetAllParameters=everything,
        ParameterNameValues=[{"ParameterName": each} for each in parameters],
    )


def described(aws: World, name: str = "mine", **more: object) -> dict[str, dict]:
    found, marker = [], {}
    while True:
        page = aws.call(operations.describe_cache_parameters, CacheParameterGroupName=name, **more, **marker)
        found += page["Parameters"]
        if "Marker" not in page:
            return {each["ParameterName"]: each for each in found}
        marker = {"Marker": page["Marker"]}


def set_values(aws: World, name: str = "mine") -> dict[str, str]:
    return {key: each.get("ParameterValue", "") for key, each in described(aws, name, Source="user").items()}


class TestCreating:
    def test_a_new_group_answers_with_its_name_in_lower_case_and_its_arn(self, aws: World):
        assert create(aws, "MiNe")["CacheParameterGroup"] == {
            "CacheParameterGroupName": "mine",
            "CacheParameterGroupFamily": "valkey9",
            "Description": "of mine",
            "IsGlobal": False,
            "ARN": f"{ARN}:mine",
        }

    def test_a_new_group_has_the_values_of_its_family_and_cluster_mode_off(self, aws: World):
        create(aws)

        values = described(aws)
        assert values["cluster-enabled"]["ParameterValue"] == "no"
        assert values["maxmemory-policy"]["ParameterValue"] == "volatile-lru"
        assert described(aws, Source="user") == {}

    @pytest.mark.parametrize(
        "name", ["1mine", "mi--ne", "mine-", "my group", "my.group", "default.valkey9", "", "mïne"]
    )
    def test_a_name_that_is_no_identifier_is_refused(self, aws: World, name: str):
        with pytest.raises(
            api.InvalidParameterValueException, match="The parameter CacheParameterGroupName is not a valid identifier"
        ):
            create(aws, name)

    def test_an_unknown_family_is_refused(self, aws: World):
        with pytest.raises(
            api.InvalidParameterValueException,
            match=exactly("CacheParameterGroupFamily redis7.2 is not a valid parameter group family."),
        ):
            create(aws, family="redis7.2")

    def test_a_name_that_is_taken_is_refused_whatever_its_case(self, aws: World):
        create(aws)

        with pytest.raises(
            api.CacheParameterGroupAlreadyExistsFault, match=exactly("Parameter group mine already exists")
        ):
            create(aws, "MINE")

    def test_the_quota_of_a_region_holds(self, aws: World):
        for number in range(300):
            create(aws, f"group-{number}")

        with pytest.raises(api.CacheParameterGroupQuotaExceededFault):
            create(aws, "one-more")

    def test_other_accounts_and_regions_do_not_see_it(self, aws: World):
        create(aws)

        for other in (aws.elsewhere(account="210987654321"), aws.elsewhere(region="eu-west-1")):
            with pytest.raises(api.CacheParameterGroupNotFoundFault):
                described(other)
            create(other)


class TestDescribingGroups:
    def test_every_account_has_the_default_groups_with_a_second_one_for_cluster_mode(self, aws: World):
        groups = {
            each["CacheParameterGroupName"]: each
            for each in aws.call(operations.describe_cache_parameter_groups)["CacheParameterGroups"]
        }

        assert {"default.valkey9", "default.valkey9.cluster.on", "default.redis7", "default.memcached1.6"} <= set(
            groups
        )
        assert "default.memcached1.6.cluster.on" not in groups
        assert groups["default.redis6.x"]["Description"] == "Default parameter group for redis6.x"
        assert groups["default.redis6.x.cluster.on"]["Description"] == (
            "Customized default parameter group for redis6.x with cluster mode on"
        )

    def test_one_group_is_found_by_name(self, aws: World):
        create(aws)

        found = aws.call(operations.describe_cache_parameter_groups, CacheParameterGroupName="Mine")
        assert [each["CacheParameterGroupName"] for each in found["CacheParameterGroups"]] == ["mine"]

    def test_an_unknown_group_is_not_found(self, aws: World):
        with pytest.raises(
            api.CacheParameterGroupNotFoundFault, match=exactly("CacheParameterGroup other not found.")
        ) as fault:
            aws.call(operations.describe_cache_parameter_groups, CacheParameterGroupName="other")
        assert (fault.value.code, fault.value.status) == ("CacheParameterGroupNotFound", 404)

    def test_pages_show_every_group_once_and_the_last_has_no_marker(self, aws: World):
        for number in range(30):
            create(aws, f"group-{number}")

        names, marker, pages = [], {}, 0
        while True:
            page = aws.call(operations.describe_cache_parameter_groups, MaxRecords=20, **marker)
            names += [each["CacheParameterGroupName"] for each in page["CacheParameterGroups"]]
            pages += 1
            if "Marker" not in page:
                break
            marker = {"Marker": page["Marker"]}
        assert pages == 3
        assert len(names) == len(set(names)) == 47
        assert names == sorted(names)

    @pytest.mark.parametrize("most", [19, 101, 0, -1])
    def test_page_sizes_that_aws_does_not_have_are_refused(self, aws: World, most: int):
        with pytest.raises(api.InvalidParameterValueException):
            aws.call(operations.describe_cache_parameter_groups, MaxRecords=most)

    def test_a_marker_that_was_never_given_out_is_refused(self, aws: World):
        with pytest.raises(api.InvalidParameterValueException):
            aws.call(operations.describe_cache_parameter_groups, Marker="bogus")


class TestDescribingParameters:
    def test_source_user_gives_only_what_was_set(self, aws: World):
        create(aws)
        modify(aws, timeout="60", maxmemory_policy="volatile-lru")

        assert set_values(aws) == {"timeout": "60", "maxmemory-policy": "volatile-lru"}
        assert "timeout" not in described(aws, Source="system")
        assert described(aws)["timeout"]["Source"] == "user"

    def test_a_parameter_is_described_whole(self, aws: World):
        create(aws)

        shown = described(aws)["timeout"]
        assert shown.pop("Description")
        assert shown == {
            "ParameterName": "timeout",
            "ParameterValue": "0",
            "Source": "system",
            "DataType": "integer",
            "AllowedValues": "0,20-",
            "IsModifiable": True,
            "MinimumEngineVersion": "9.0",
            "ChangeType": "immediate",
        }

    def test_an_empty_value_is_left_out(self, aws: World):
        assert "ParameterValue" not in described(aws, "default.valkey9")["notify-keyspace-events"]

    def test_what_only_an_unused_group_may_change_is_modifiable_in_ones_own_group_alone(self, aws: World):
        create(aws)

        assert described(aws)["cluster-enabled"]["IsModifiable"] is True
        assert described(aws, "default.valkey9")["cluster-enabled"]["IsModifiable"] is False
        assert described(aws, "default.valkey9.cluster.on")["cluster-enabled"]["ParameterValue"] == "yes"

    def test_node_type_values_come_with_the_first_page_only(self, aws: World):
        first = aws.call(operations.describe_cache_parameters, CacheParameterGroupName="default.valkey9", MaxRecords=20)
        second = aws.call(
            operations.describe_cache_parameters,
            CacheParameterGroupName="default.valkey9",
            MaxRecords=20,
            Marker=first["Marker"],
        )

        assert len(first["Parameters"]) == 20
        by_name = {each["ParameterName"]: each for each in first["CacheNodeTypeSpecificParameters"]}
        assert set(by_name) == {
            "maxmemory",
            "client-output-buffer-limit-replica-hard-limit",
            "client-output-buffer-limit-replica-soft-limit",
        }
        values = {each["CacheNodeType"]: each["Value"] for each in by_name["maxmemory"]["CacheNodeTypeSpecificValues"]}
        assert values["cache.t4g.micro"] == "536870912"
        assert second["CacheNodeTypeSpecificParameters"] == []

    def test_an_unknown_source_is_refused(self, aws: World):
        with pytest.raises(api.InvalidParameterValueException):
            described(aws, "default.valkey9", Source="mine")

    def test_an_unknown_group_is_not_found(self, aws: World):
        with pytest.raises(api.CacheParameterGroupNotFoundFault):
            described(aws, "other")

    def test_engine_defaults_nest_their_marker_and_are_all_of_the_system(self, aws: World):
        page = aws.call(
            operations.describe_engine_default_parameters, CacheParameterGroupFamily="memcached1.6", MaxRecords=20
        )

        assert "Marker" not in page
        defaults = page["EngineDefaults"]
        rest = aws.call(
            operations.describe_engine_default_parameters,
            CacheParameterGroupFamily="memcached1.6",
            Marker=defaults["Marker"],
        )["EngineDefaults"]
        names = {each["ParameterName"] for each in defaults["Parameters"] + rest["Parameters"]}
        assert len(names) == 31
        assert {each["ParameterName"] for each in defaults["CacheNodeTypeSpecificParameters"]} == {
            "max_cache_memory",
            "num_threads",
        }
        assert {each["Source"] for each in defaults["Parameters"] + rest["Parameters"]} == {"system"}
        assert "Marker" not in rest

    def test_engine_defaults_of_an_unknown_family_are_refused(self, aws: World):
        with pytest.raises(api.InvalidParameterValueException, match="is not a valid parameter group family"):
            aws.call(operations.describe_engine_default_parameters, CacheParameterGroupFamily="valkey1")


class TestModifying:
    def test_values_are_set_and_the_clusters_of_the_group_woken(self, aws: World):
        create(aws)
        cluster = aws.given_cluster(parameter_group="mine")
        aws.given_cluster("another")

        assert modify(aws, "MINE", timeout="20") == {"CacheParameterGroupName": "mine"}
        assert set_values(aws) == {"timeout": "20"}
        assert aws.wakes == [("cache-cluster", cluster.key)]

    def test_what_the_engines_here_cannot_follow_is_refused_and_not_swallowed(self, aws: World):
        create(aws)

        with pytest.raises(api.InvalidParameterValueException, match="able to defragment"):
            modify(aws, activedefrag="yes")
        assert set_values(aws) == {}
        modify(aws, activedefrag="no")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", "19"),
            ("timeout", "-1"),
            ("timeout", "1e3"),
            ("timeout", "٣٠"),
            ("timeout", ""),
            ("maxmemory-policy", "sometimes"),
            ("activedefrag", "YES"),
            ("repl-backlog-size", "99999999999999999999"),
            ("notify-keyspace-events", "Q"),
            ("rename-commands", "flushall"),
            ("rename-commands", "shutdown gone"),
            ("rename-commands", "flushall no_underscores"),
            ("rename-commands", "flushall gone flushdb gone"),
        ],
    )
    def test_a_value_that_is_not_allowed_changes_nothing(self, aws: World, name: str, value: str):
        create(aws)

        with pytest.raises(api.InvalidParameterValueException, match=name):
            modify(aws, **{"tcp-keepalive": "60", name: value})
        assert set_values(aws) == {}
        assert aws.wakes == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", "0"),
            ("list-max-listpack-size", "-5"),
            ("slowlog-log-slower-than", "-1"),
            ("notify-keyspace-events", "KEA"),
            ("notify-keyspace-events", ""),
            ("rename-commands", "flushall restricted1 FLUSHDB blocked"),
        ],
    )
    def test_a_value_that_is_allowed_is_kept(self, aws: World, name: str, value: str):
        create(aws)

        modify(aws, **{name: value})
        assert set_values(aws) == {name: value}

    def test_an_unknown_parameter_is_refused(self, aws: World):
        create(aws)

        with pytest.raises(api.InvalidParameterValueException, match=exactly("Parameter no-such doesn't exist")):
            modify(aws, no_such="1")

    @pytest.mark.parametrize("name", ["maxclients", "appendonly", "maxmemory", "lua-time-limit"])
    def test_a_parameter_that_is_fixed_is_refused(self, aws: World, name: str):
        create(aws)

        with pytest.raises(
            api.InvalidParameterValueException, match=exactly(f"The parameter {name} cannot be modified.")
        ):
            modify(aws, **{name: "1"})

    def test_cluster_mode_can_be_set_only_while_no_cluster_uses_the_group(self, aws: World):
        create(aws)
        modify(aws, cluster_enabled="yes", databases="4")
        aws.given_cluster(parameter_group="mine")

        with pytest.raises(
            api.InvalidParameterValueException, match="The parameter cluster-enabled cannot be modified"
        ):
            modify(aws, cluster_enabled="no")

    def test_more_than_twenty_parameters_are_refused(self, aws: World):
        create(aws)

        with pytest.raises(
            api.InvalidParameterCombinationException,
            match=exactly("Cannot modify more than 20 parameters in a single request"),
        ):
            modify(aws, **{f"parameter-{number}": "1" for number in range(21)})

    @pytest.mark.parametrize(
        "pairs",
        [
            [],
            [{"ParameterValue": "1"}],
            [{"ParameterName": "timeout"}],
        ],
    )
    def test_half_a_pair_is_refused(self, aws: World, pairs: list[dict[str, str]]):
        create(aws)

        with pytest.raises(api.InvalidParameterValueException, match="must be provided and must not be null"):
            aws.call(operations.modify_cache_parameter_group, CacheParameterGroupName="mine", ParameterNameValues=pairs)

    def test_a_parameter_given_twice_is_refused(self, aws: World):
        create(aws)

        with pytest.raises(api.InvalidParameterCombinationException):
            aws.call(
                operations.modify_cache_parameter_group,
                CacheParameterGroupName="mine",
                ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": each} for each in ("0", "20")],
            )

    def test_the_two_ways_of_reserving_memory_exclude_each_other(self, aws: World):
        create(aws)

        with pytest.raises(api.InvalidParameterCombinationException):
            modify(aws, reserved_memory="1000", reserved_memory_percent="10")
        assert "reserved-memory" not in described(aws)

        modify(aws, reserved_memory="1000")
        assert set_values(aws) == {"reserved-memory": "1000"}
        assert "reserved-memory-percent" not in described(aws)

        modify(aws, reserved_memory_percent="10")
        assert set_values(aws) == {"reserved-memory-percent": "10"}

    def test_values_with_which_a_cluster_of_the_group_could_not_run_are_refused(self, aws: World):
        create(aws)
        aws.given_cluster(parameter_group="mine", node_type="cache.t4g.micro")

        with pytest.raises(api.InvalidParameterCombinationException, match="reserved-memory"):
            modify(aws, reserved_memory="536870912")
        modify(aws, reserved_memory="536870911")

    @pytest.mark.parametrize("name", ["default.valkey9", "default.valkey9.cluster.on"])
    def test_a_default_group_cannot_be_changed(self, aws: World, name: str):
        for call in (lambda: modify(aws, name, timeout="20"), lambda: reset(aws, name=name, everything=True)):
            with pytest.raises(api.InvalidParameterValueException, match="not a valid identifier"):
                call()

    def test_an_unknown_group_is_not_found(self, aws: World):
        with pytest.raises(api.CacheParameterGroupNotFoundFault, match=exactly("CacheParameterGroup not found: other")):
            modify(aws, "other", timeout="20")


class TestResetting:
    def test_named_parameters_get_their_family_values_again(self, aws: World):
        create(aws)
        modify(aws, timeout="60", databases="4")
        cluster = aws.given_cluster(parameter_group="mine")

        assert reset(aws, "timeout") == {"CacheParameterGroupName": "mine"}
        assert set_values(aws) == {"databases": "4"}
        assert aws.wakes == [("cache-cluster", cluster.key)]

    def test_all_parameters_are_reset(self, aws: World):
        create(aws)
        modify(aws, timeout="60", cluster_enabled="yes")

        reset(aws, everything=True)
        assert set_values(aws) == {}

    def test_resetting_all_of_a_group_in_use_keeps_what_may_not_change(self, aws: World):
        create(aws)
        modify(aws, timeout="60", cluster_enabled="yes")
        aws.given_cluster(parameter_group="mine")

        reset(aws, everything=True)
        assert set_values(aws) == {"cluster-enabled": "yes"}
        with pytest.raises(api.InvalidParameterValueException, match="cannot be modified"):
            reset(aws, "cluster-enabled")

    def test_reserved_memory_is_not_in_a_group_that_reserves_a_percentage(self, aws: World):
        create(aws)

        with pytest.raises(
            api.InvalidParameterValueException, match=exactly("Parameter reserved-memory doesn't exist")
        ):
            reset(aws, "reserved-memory")

    def test_nothing_to_reset_is_refused(self, aws: World):
        create(aws)

        with pytest.raises(api.InvalidParameterCombinationException):
            reset(aws)


class TestDeleting:
    def test_a_deleted_group_is_gone(self, aws: World):
        create(aws, Tags=[{"Key": "a", "Value": "b"}])

        assert aws.call(operations.delete_cache_parameter_group, CacheParameterGroupName="Mine") == {}
        with pytest.raises(api.CacheParameterGroupNotFoundFault):
            described(aws)

    def test_a_group_in_use_stays(self, aws: World):
        create(aws)
        aws.given_cluster(parameter_group="mine")

        with pytest.raises(
            api.InvalidCacheParameterGroupStateFault,
            match=exactly(
                "One or more cache clusters are still members of this parameter group mine, "
                "so the group cannot be deleted."
            ),
        ):
            aws.call(operations.delete_cache_parameter_group, CacheParameterGroupName="mine")

    def test_a_default_group_is_refused_by_its_name(self, aws: World):
        with pytest.raises(api.InvalidParameterValueException, match="not a valid identifier"):
            aws.call(operations.delete_cache_parameter_group, CacheParameterGroupName="default.redis7")

    def test_an_unknown_group_is_not_found_in_aws_s_own_spelling(self, aws: World):
        with pytest.raises(api.CacheParameterGroupNotFoundFault, match=exactly("CacheParameterGroupnot found: other")):
            aws.call(operations.delete_cache_parameter_group, CacheParameterGroupName="other")


class TestAuthorisation:
    def test_creating_is_checked_on_the_new_arn_and_for_tags_besides(self, aws: World):
        tagged = aws.resources(
            operations.create_cache_parameter_group,
            CacheParameterGroupName="Mine",
            Tags=[{"Key": "team", "Value": "blue"}],
        )

        assert [(each.arn, each.action) for each in tagged] == [
            (f"{ARN}:mine", None),
            (f"{ARN}:mine", "elasticache:AddTagsToResource"),
        ]
        assert tagged[0].context == {"elasticache:CacheParameterGroupName": "mine"}

    def test_changing_is_checked_with_the_tags_of_the_group(self, aws: World):
        create(aws, Tags=[{"Key": "team", "Value": "blue"}])

        for operation in (
            operations.modify_cache_parameter_group,
            operations.reset_cache_parameter_group,
            operations.delete_cache_parameter_group,
        ):
            (checked,) = aws.resources(operation, CacheParameterGroupName="MINE")
            assert checked.arn == f"{ARN}:mine"
            assert checked.context["aws:ResourceTag/team"] == "blue"
            assert checked.context["elasticache:CacheParameterGroupName"] == "mine"

    def test_a_list_is_checked_on_every_group(self, aws: World):
        (checked,) = aws.resources(operations.describe_cache_parameter_groups)
        assert checked.arn == f"{ARN}:*"
        (checked,) = aws.resources(operations.describe_engine_default_parameters, CacheParameterGroupFamily="redis7")
        assert checked.arn == "*"

    def test_a_request_that_lacks_everything_can_still_be_checked(self, aws: World):
        for operation in operations.OPERATIONS:
            assert aws.resources(operation)
            assert aws.resources(operation, CacheParameterGroupName=7, Tags="x")
