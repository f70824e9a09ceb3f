"""Instances, key pairs, images and types, through boto3 on a machine of dictionaries."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from millpond.host.instance import InstanceSpec, Limits
from millpond.host.memory import MemoryFabric, MemoryInstances
from millpond.services.ec2.instance_facts import InstanceFacts, credentials_at, instance_facts
from millpond.store import Store, Vault
from tests.api.ec2.networks_world import filters, given_group, given_vpc, refused
from tests.support.installation import Installation
from tests.support.waiting import eventually

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})


@pytest.fixture
def machines(millpond: Installation) -> MemoryInstances:
    assert isinstance(millpond.machine.instances, MemoryInstances)
    return millpond.machine.instances


@pytest.fixture
def image(ec2: Any) -> str:
    return ec2.describe_images(Owners=["amazon"], Filters=filters(name="al2023-ami-2023.*-x86_64"))["Images"][0][
        "ImageId"
    ]


@pytest.fixture
def key(ec2: Any) -> str:
    return ec2.create_key_pair(KeyName="mine", KeyType="ed25519")["KeyName"]


def run(ec2: Any, image: str, **request: Any) -> Mapping[str, Any]:
    return ec2.run_instances(**{"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, **request})[
        "Instances"
    ][0]


def described(ec2: Any, instance_id: str) -> Mapping[str, Any]:
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def until(ec2: Any, instance_id: str, state: str) -> Mapping[str, Any]:
    eventually(lambda: described(ec2, instance_id)["State"]["Name"] == state, f"{instance_id} is {state}")
    return described(ec2, instance_id)


def running(ec2: Any, image: str, **request: Any) -> str:
    instance_id = run(ec2, image, **request)["InstanceId"]
    until(ec2, instance_id, "running")
    return instance_id


def process(instance_id: str, machines: MemoryInstances) -> str:
    """The name of an instance's process."""
    return next((name for name in machines.specs if name.endswith(instance_id)), "")


def spec(machines: MemoryInstances, instance_id: str) -> InstanceSpec:
    return machines.specs[process(instance_id, machines)]


def metadata(millpond: Installation, found: Mapping[str, Any]) -> InstanceFacts:
    """What the metadata service would tell the instance."""
    store = Store(millpond.config.database)
    with store.read() as transaction:
        facts = instance_facts(transaction, found["VpcId"], found["PrivateIpAddress"], millpond.clock.now())
    store.close()
    assert facts is not None
    return facts


def public_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def test_an_instance_is_pending_until_its_machine_runs(
    ec2: Any, image: str, key: str, machines: MemoryInstances, millpond: Installation
):
    made = run(ec2, image, KeyName=key, UserData="#!/bin/sh\necho hello")

    assert made["State"] == {"Code": 0, "Name": "pending"}
    found = until(ec2, made["InstanceId"], "running")
    assert found["PrivateIpAddress"].startswith("172.31.")
    assert found["PrivateDnsName"].startswith(f"ip-{found['PrivateIpAddress'].replace('.', '-')}.")
    assert [each["GroupName"] for each in found["SecurityGroups"]] == ["default"]
    ordered = spec(machines, made["InstanceId"])
    assert (ordered.address, ordered.limits) == (found["PrivateIpAddress"], Limits(memory_mib=1024, cpus=2.0))
    assert [line.split()[2] for line in ordered.authorized_keys] == ["mine"]
    assert ordered.user_data == b"#!/bin/sh\necho hello"
    assert ordered.resolver == "172.31.0.2"
    facts = metadata(millpond, found)
    assert (facts.instance_id, facts.user_data) == (made["InstanceId"], "#!/bin/sh\necho hello")
    assert list(facts.security_groups) == ["default"]


def test_the_interface_of_an_instance_is_laid_out_with_its_groups(ec2: Any, image: str, millpond: Installation):
    vpc = given_vpc(ec2)
    group = given_group(ec2, vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

    running(ec2, image, SubnetId=subnet, SecurityGroupIds=[group], PrivateIpAddress="10.0.0.9")

    assert isinstance(millpond.machine.fabric, MemoryFabric)
    (interface,) = millpond.machine.fabric.networks.vpcs[vpc].interfaces
    assert (interface.address, interface.groups) == ("10.0.0.9", (group,))
    (shown,) = ec2.describe_network_interfaces(Filters=filters(vpc_id=vpc))["NetworkInterfaces"]
    assert (shown["Status"], shown["RequesterManaged"]) == ("in-use", False)
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 250
    for delete in (lambda: ec2.delete_subnet(SubnetId=subnet), lambda: ec2.delete_security_group(GroupId=group)):
        with refused("DependencyViolation"):
            delete()


def test_an_instance_stops_and_starts_where_it_was(ec2: Any, image: str, machines: MemoryInstances):
    instance = running(ec2, image)
    address = described(ec2, instance)["PrivateIpAddress"]

    (change,) = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    found = until(ec2, instance, "stopped")
    assert found["StateTransitionReason"].startswith("User initiated (")
    assert found["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert process(instance, machines) in machines.specs, "the disk is kept"
    assert process(instance, machines) not in machines.running
    with refused("IncorrectInstanceState"):
        ec2.reboot_instances(InstanceIds=[instance])
    ec2.start_instances(InstanceIds=[instance])
    assert until(ec2, instance, "running")["PrivateIpAddress"] == address
    assert spec(machines, instance).incarnation == 2


def test_a_reboot_starts_it_anew_and_is_running_all_the_while(ec2: Any, image: str, machines: MemoryInstances):
    instance = running(ec2, image)
    ec2.reboot_instances(InstanceIds=[instance])
    assert described(ec2, instance)["State"]["Name"] == "running"
    eventually(lambda: spec(machines, instance).incarnation == 2, "the reboot")
    eventually(lambda: "start 2" in ec2.get_console_output(InstanceId=instance)["Output"], "its console")


def test_an_instance_that_dies_is_started_again(ec2: Any, image: str, machines: MemoryInstances):
    instance = running(ec2, image)
    machines.end(process(instance, machines))
    eventually(lambda: spec(machines, instance).incarnation == 2, "another start")
    until(ec2, instance, "running")


@pytest.mark.parametrize(("behavior", "state"), [("stop", "stopped"), ("terminate", "terminated")])
def test_an_instance_shut_down_from_inside_stays_down(
    ec2: Any, image: str, machines: MemoryInstances, behavior: str, state: str
):
    instance = running(ec2, image, InstanceInitiatedShutdownBehavior=behavior, DisableApiTermination=True)
    machines.shut_down(process(instance, machines))
    found = until(ec2, instance, state)
    assert found["StateReason"] == {
        "Code": "Client.InstanceInitiatedShutdown",
        "Message": "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
    }
    if state == "stopped":
        ec2.start_instances(InstanceIds=[instance])
        assert "StateReason" not in until(ec2, instance, "running")


def test_a_host_that_refuses_keeps_it_pending_and_is_asked_again(ec2: Any, image: str, machines: MemoryInstances):
    machines.refusals += ["the disk is full"] * 2
    running(ec2, image)
    assert machines.refusals == []


def test_a_terminated_instance_is_shown_and_gives_back_its_address(ec2: Any, image: str, machines: MemoryInstances):
    instance = running(ec2, image)
    subnet = described(ec2, instance)["SubnetId"]

    ec2.terminate_instances(InstanceIds=[instance])

    found = until(ec2, instance, "terminated")
    assert found["NetworkInterfaces"] == []
    assert "PrivateIpAddress" not in found
    assert process(instance, machines) == ""
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 4091
    with refused("IncorrectInstanceState"):
        ec2.start_instances(InstanceIds=[instance])
    assert ec2.describe_volumes()["Volumes"] == []


def test_a_protected_instance_saves_all_of_the_request(ec2: Any, image: str):
    guarded, other = running(ec2, image, DisableApiTermination=True), running(ec2, image)
    with refused("OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[other, guarded])
    assert described(ec2, other)["State"]["Name"] == "running"
    ec2.modify_instance_attribute(InstanceId=guarded, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[other, guarded])


def test_groups_of_an_instance_change_live(ec2: Any, image: str, millpond: Installation):
    instance = running(ec2, image)
    found = described(ec2, instance)
    group = given_group(ec2, found["VpcId"])

    ec2.modify_instance_attribute(InstanceId=instance, Groups=[group])

    def laid_out() -> tuple[str, ...]:
        assert isinstance(millpond.machine.fabric, MemoryFabric)
        (interface,) = millpond.machine.fabric.networks.vpcs[found["VpcId"]].interfaces
        return tuple(interface.groups)

    eventually(lambda: laid_out() == (group,), "the new membership")
    with refused("InvalidParameter"):
        foreign = given_group(ec2, given_vpc(ec2))
        ec2.modify_instance_attribute(InstanceId=instance, Groups=[foreign])


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ImageId": "ami-0123"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "image"}, "InvalidAMIID.Malformed"),
        ({"InstanceType": "p5.48xlarge"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"KeyName": "nobody's"}, "InvalidKeyPair.NotFound"),
        ({"SubnetId": "subnet-0123"}, "InvalidSubnetID.NotFound"),
        ({"SecurityGroupIds": ["sg-0123"]}, "InvalidGroup.NotFound"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        ({"MinCount": 0}, "InvalidParameterValue"),
        ({"MinCount": 21, "MaxCount": 21}, "InstanceLimitExceeded"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.0.1"}, "InvalidIPAddress.InUse"),
        ({"PrivateIpAddress": "172.31.0.300"}, "InvalidParameterValue"),
        ({"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue"),
        ({"InstanceMarketOptions": {"MarketType": "spot"}}, "UnsupportedOperation"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 8}}]}, "UnsupportedOperation"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}]}, "UnsupportedOperation"),
        ({"Placement": {"AvailabilityZone": "test-1z"}}, "InvalidParameterValue"),
        ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue"),
        ({"TagSpecifications": [{"ResourceType": "image", "Tags": []}]}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_launch_that_cannot_be_is_refused_and_leaves_nothing(
    ec2: Any, image: str, request_: dict[str, Any], code: str
):
    with refused(code):
        run(ec2, image, **request_)
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_subnet_runs_out_of_addresses(ec2: Any, image: str):
    subnet = ec2.create_subnet(VpcId=given_vpc(ec2), CidrBlock="10.0.0.0/28")["Subnet"]["SubnetId"]
    made = ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=12, SubnetId=subnet)[
        "Instances"
    ]

    assert len({each["PrivateIpAddress"] for each in made}) == 11
    with refused("InsufficientFreeAddressesInSubnet"):
        run(ec2, image, SubnetId=subnet)
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 11


def test_the_same_token_answers_with_the_same_instance(ec2: Any, image: str):
    first, second = (run(ec2, image, ClientToken="once") for _ in range(2))
    assert first["InstanceId"] == second["InstanceId"]


def test_tags_at_launch_go_where_they_are_told(ec2: Any, image: str):
    def tags(kind: str) -> dict[str, Any]:
        return {"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]}

    made = run(ec2, image, TagSpecifications=[tags("instance"), tags("volume"), tags("network-interface")])

    assert {(each["ResourceType"], each["Value"]) for each in ec2.describe_tags()["Tags"]} == {
        ("instance", "instance"),
        ("volume", "volume"),
        ("network-interface", "network-interface"),
    }
    (volume,) = ec2.describe_volumes(Filters=filters(**{"tag:of": "volume"}))["Volumes"]
    ec2.create_tags(Resources=[made["InstanceId"], volume["VolumeId"]], Tags=[{"Key": "of", "Value": "both"}])
    assert len(ec2.describe_tags(Filters=filters(value="both"))["Tags"]) == 2


def test_an_instance_gets_the_credentials_of_its_role(ec2: Any, image: str, millpond: Installation, region: str):
    iam = millpond.client("iam")
    iam.create_role(RoleName=region, AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName=region)
    iam.add_role_to_instance_profile(InstanceProfileName=region, RoleName=region)
    instance = running(ec2, image, IamInstanceProfile={"Name": region})
    found = described(ec2, instance)

    def held() -> Any:
        store, vault = Store(millpond.config.database), Vault.at(millpond.config.key_file, create=False)
        at = (found["VpcId"], found["PrivateIpAddress"], millpond.clock.now())
        with store.begin() as transaction:
            credentials = credentials_at(transaction, vault, *at)
        store.close()
        return credentials

    first = held()
    sts = millpond.client("sts", keys=(first.access_key_id, first.secret_access_key), token=first.token)
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{region}/{instance}")
    assert held() == first, "the same until an hour before they expire"
    assert metadata(millpond, found).role == region
    assert found["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{region}")
    nobody = TRUST.replace("ec2.amazonaws.com", "lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName=region, PolicyDocument=nobody)
    assert held() is None


def test_passing_a_role_needs_the_right_to(ec2: Any, image: str, millpond: Installation, region: str):
    iam = millpond.client("iam")
    iam.create_role(RoleName=region, AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName=region)
    iam.add_role_to_instance_profile(InstanceProfileName=region, RoleName=region)
    iam.create_user(UserName=region)
    statement = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=region, PolicyName="own", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=region)["AccessKey"]
    theirs = millpond.client("ec2", region=region, keys=(made["AccessKeyId"], made["SecretAccessKey"]))

    with refused("UnauthorizedOperation"):
        run(theirs, image, IamInstanceProfile={"Name": region})
    run(theirs, image)


def test_a_pushed_key_is_let_in_for_a_minute(ec2: Any, image: str, millpond: Installation, region: str):
    instance = running(ec2, image)
    connect = millpond.client("ec2-instance-connect", region=region)
    key = public_key()

    assert connect.send_ssh_public_key(InstanceId=instance, InstanceOSUser="ec2-user", SSHPublicKey=key)["Success"]
    assert metadata(millpond, described(ec2, instance)).active_keys == {"ec2-user": [key]}
    millpond.clock.by += timedelta(seconds=61)
    assert metadata(millpond, described(ec2, instance)).active_keys == {}
    with refused("EC2InstanceNotFoundException"):
        connect.send_ssh_public_key(InstanceId="i-0123456789", InstanceOSUser="ec2-user", SSHPublicKey=key)
    with refused("InvalidArgsException"):
        connect.send_ssh_public_key(InstanceId=instance, InstanceOSUser="ec2-user", SSHPublicKey="x" * 100)
    ec2.stop_instances(InstanceIds=[instance])
    with refused("EC2InstanceStateInvalidException"):
        connect.send_ssh_public_key(InstanceId=instance, InstanceOSUser="ec2-user", SSHPublicKey=key)


def test_key_pairs_have_aws_s_fingerprints(ec2: Any):
    made = ec2.create_key_pair(KeyName="rsa")
    private = serialization.load_pem_private_key(made["KeyMaterial"].encode(), None)
    pkcs8 = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert made["KeyFingerprint"] == hashlib.sha1(pkcs8).digest().hex(":")
    assert made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    openssh = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    imported = ec2.import_key_pair(KeyName="imported", PublicKeyMaterial=openssh + b" ann@home\n")
    assert imported["KeyFingerprint"] == hashlib.md5(der).digest().hex(":")

    text = public_key()
    imported = ec2.import_key_pair(KeyName="ed", PublicKeyMaterial=text.encode())
    digest = hashlib.sha256(base64.b64decode(text.split()[1])).digest()
    assert imported["KeyFingerprint"] == base64.b64encode(digest).decode()
    (shown,) = ec2.describe_key_pairs(KeyNames=["ed"], IncludePublicKey=True)["KeyPairs"]
    assert (shown["KeyType"], shown["PublicKey"]) == ("ed25519", f"{text} ed\n")


def test_key_pairs_that_cannot_be_are_refused(ec2: Any, key: str):
    with refused("InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName=key)
    with refused("InvalidKey.Format"):
        ec2.import_key_pair(KeyName="other", PublicKeyMaterial=b"ssh-rsa nonsense")
    with refused("UnsupportedOperation"):
        ec2.create_key_pair(KeyName="other", KeyFormat="ppk")
    with refused("InvalidKeyPair.NotFound", "The key pair 'other' does not exist"):
        ec2.describe_key_pairs(KeyNames=["other"])
    assert ec2.delete_key_pair(KeyName="other")["Return"] is True
    ec2.delete_key_pair(KeyName=key)
    assert ec2.describe_key_pairs()["KeyPairs"] == []


@pytest.mark.parametrize(
    ("pattern", "architecture"),
    [
        ("al2023-ami-2023.*-kernel-6.1-arm64", "arm64"),
        ("amzn2-ami-hvm-*-x86_64-gp2", "x86_64"),
        ("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*", "x86_64"),
        ("millpond-*64", None),
    ],
)
def test_the_image_is_found_by_the_names_of_aws_s(ec2: Any, pattern: str, architecture: str | None):
    found = ec2.describe_images(Filters=filters(name=pattern))["Images"]
    assert {each["Architecture"] for each in found} == ({architecture} if architecture else {"x86_64", "arm64"})


def test_the_public_parameter_of_amazon_linux_names_the_image(ec2: Any, image: str):
    parameter = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert run(ec2, parameter)["ImageId"] == image


def test_instance_types_are_offered_everywhere(ec2: Any, region: str):
    (kind,) = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert (kind["VCpuInfo"]["DefaultVCpus"], kind["MemoryInfo"]["SizeInMiB"]) == (2, 1024)
    offered = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=filters(instance_type="t3.micro")
    )["InstanceTypeOfferings"]
    assert {each["Location"] for each in offered} == {f"{region}{letter}" for letter in "abc"}
    with refused("InvalidInstanceType"):
        ec2.describe_instance_types(InstanceTypes=["p5.48xlarge"])


@pytest.mark.parametrize(
    ("attribute", "member", "value"),
    [
        ("instanceType", "InstanceType", {"Value": "t3.micro"}),
        ("disableApiTermination", "DisableApiTermination", {"Value": False}),
        ("disableApiStop", "DisableApiStop", {"Value": False}),
        ("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior", {"Value": "stop"}),
        ("userData", "UserData", {"Value": "aGVsbG8="}),
        ("rootDeviceName", "RootDeviceName", {"Value": "/dev/xvda"}),
    ],
)
def test_attributes_of_an_instance_are_described_one_by_one(
    ec2: Any, image: str, attribute: str, member: str, value: Any
):
    instance = run(ec2, image, UserData="hello")["InstanceId"]
    assert ec2.describe_instance_attribute(InstanceId=instance, Attribute=attribute)[member] == value


def test_status_checks_pass_once_it_runs(ec2: Any, image: str):
    instance = running(ec2, image)
    (status,) = ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    assert status["InstanceStatus"]["Status"] == "ok"
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance])
    (credit,) = ec2.describe_instance_credit_specifications(InstanceIds=[instance])["InstanceCreditSpecifications"]
    assert credit["CpuCredits"] == "unlimited"


def test_many_unknown_instances_are_missed_in_one_sentence(ec2: Any):
    with refused("InvalidInstanceID.NotFound", "The instance IDs 'i-01, i-02' do not exist"):
        ec2.terminate_instances(InstanceIds=["i-01", "i-02"])
    with refused("InvalidInstanceID.Malformed"):
        ec2.terminate_instances(InstanceIds=["instance"])


def test_an_interface_changes_its_groups_by_itself(ec2: Any, image: str):
    found = described(ec2, running(ec2, image))
    interface = found["NetworkInterfaces"][0]["NetworkInterfaceId"]
    group = given_group(ec2, found["VpcId"])

    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[group])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Description={"Value": "mine"})

    (shown,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert ([each["GroupId"] for each in shown["Groups"]], shown["Description"]) == ([group], "mine")
    with refused("UnsupportedOperation"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
