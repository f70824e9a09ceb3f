"""`millpond instance`: EC2 instances run, listed, stopped, started, terminated. Everything else: aws ec2."""

import base64
from pathlib import Path
from typing import Any

import click

from millpond.cli import options, output, program, progress
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.cli.found import why
from millpond.config import Config
from millpond.kernel.waiting import poll

Found = dict[str, Any]

_TYPE = "t3.micro"
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@click.group()
def instance() -> None:
    """Run, list, stop, start and terminate EC2 instances."""


@instance.command()
@options.installation
@click.option("--type", "instance_type", default=_TYPE, show_default=True, help="Instance type; sets its limits.")
@click.option("--key", "key_name", help="Name of a key pair; millpond ssh needs none.")
@click.option("--subnet", help="Subnet; one of the default VPC's when not given.")
@click.option("--group", "groups", multiple=True, help="Security group id; may be given several times.")
@click.option("--profile", help="Name of an instance profile, for a role's credentials inside.")
@click.option("--user-data", type=click.Path(exists=True, path_type=Path), help="A script that its first start runs.")
@click.option("--name", help="Its tag Name.")
@click.option("--wait/--no-wait", default=True, help="Wait until it runs.  [wait]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds to wait at most.")
@options.region
@options.as_json
def run(*, config: Config, region: str | None, wait: bool, timeout: float, as_json: bool, **given: Any) -> None:
    """Run an instance in a network of Millpond's, to reach caches from."""
    door = Door(config)
    image = _IMAGE if given["instance_type"].partition(".")[0] not in _GRAVITON else _IMAGE.replace("x86_64", "arm64")
    (made,) = door.call("RunInstances", _parameters(image, given), service="ec2", region=region)["Instances"]
    if wait:
        with progress.shown(f"Running {made['InstanceId']}", silent=as_json) as shown:
            made = _until(door, made["InstanceId"], "running", region=region, seconds=timeout, shown=shown)
    if as_json:
        output.print_json(made)
    elif output.is_terminal():
        click.echo(f"  {output.tick()} {made['InstanceId']} is {_state(made)} at {made.get('PrivateIpAddress', '')}")
        output.print_labelled({"Log in": f"{program.spoken()} ssh {made['InstanceId']}"})
    else:
        output.print_pairs(_summary(made))


@instance.command("ls")
@options.installation
@options.region
@options.as_json
def listed(*, config: Config, region: str | None, as_json: bool) -> None:
    """List instances."""
    found = _described(Door(config), region)
    if as_json:
        output.print_json(found)
    elif not output.is_terminal():
        for each in found:
            output.print_row(_summary(each))
    else:
        rows = [[str(value) for value in _summary(each).values()] for each in found]
        output.print_table(["INSTANCE", "STATE", "TYPE", "ADDRESS", "ZONE", "NAME"], rows)


@instance.command()
@click.argument("instance_id")
@options.installation
@options.region
def stop(*, instance_id: str, config: Config, region: str | None) -> None:
    """Stop an instance; it keeps its disk and address."""
    _change(Door(config), "StopInstances", instance_id, "stopped", region=region)


@instance.command()
@click.argument("instance_id")
@options.installation
@options.region
def start(*, instance_id: str, config: Config, region: str | None) -> None:
    """Start a stopped instance."""
    _change(Door(config), "StartInstances", instance_id, "running", region=region)


@instance.command()
@click.argument("instance_id")
@options.installation
@options.region
def terminate(*, instance_id: str, config: Config, region: str | None) -> None:
    """End an instance and delete its disk."""
    _change(Door(config), "TerminateInstances", instance_id, "terminated", region=region)


@instance.command()
@click.argument("instance_id")
@options.installation
@options.region
def console(*, instance_id: str, config: Config, region: str | None) -> None:
    """Print what an instance wrote to its console."""
    answer = Door(config).call("GetConsoleOutput", {"InstanceId": instance_id}, service="ec2", region=region)
    click.echo(base64.b64decode(answer.get("Output") or "").decode("utf-8", "replace"), nl=False)


_GRAVITON = frozenset({"t4g", "m6g", "m7g", "c6g", "c7g", "r6g", "r7g"})
"""Families of types that ask for an image of the other architecture."""


def _parameters(image: str, given: dict[str, Any]) -> dict[str, Any]:
    """The request, without what was not given."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": given["name"]}]}] if given["name"] else None
    wanted = {
        "ImageId": image,
        "InstanceType": given["instance_type"],
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": given["key_name"],
        "SubnetId": given["subnet"],
        "SecurityGroupIds": list(given["groups"]) or None,
        "IamInstanceProfile": {"Name": given["profile"]} if given["profile"] else None,
        "UserData": base64.b64encode(given["user_data"].read_bytes()).decode() if given["user_data"] else None,
        "TagSpecifications": tags,
    }
    return {member: value for member, value in wanted.items() if value is not None}


def _change(door: Door, operation: str, instance_id: str, state: str, *, region: str | None) -> None:
    door.call(operation, {"InstanceIds": [instance_id]}, service="ec2", region=region)
    with progress.shown(instance_id, silent=False) as shown:
        found = _until(door, instance_id, state, region=region, seconds=120.0, shown=shown)
    if output.is_terminal():
        click.echo(f"  {output.tick()} {instance_id} is {state}")
    else:
        output.print_pairs(_summary(found))


def _until(
    door: Door, instance_id: str, state: str, *, region: str | None, seconds: float, shown: progress.Progress
) -> Found:
    def look() -> Found | None:
        found = _described(door, region, InstanceIds=[instance_id])[0]
        if _state(found) == state:
            return found
        shown.say(why(door, instance_id, region=region) or _state(found))
        return None

    found = poll(look, seconds=seconds)
    if found is None:
        raise Failure(f"{instance_id} is not {state} after {seconds:.0f} s; look: millpond explain {instance_id}")
    return found


def _described(door: Door, region: str | None, **request: Any) -> list[Found]:
    answer = door.call("DescribeInstances", request, service="ec2", region=region)
    return [each for reservation in answer["Reservations"] for each in reservation["Instances"]]


def _state(found: Found) -> str:
    return str(found["State"]["Name"])


def _summary(found: Found) -> dict[str, str]:
    """The facts of one line."""
    tags = {each["Key"]: each["Value"] for each in found.get("Tags") or ()}
    return {
        "instance": found["InstanceId"],
        "state": _state(found),
        "type": found["InstanceType"],
        "address": found.get("PrivateIpAddress", ""),
        "zone": found["Placement"]["AvailabilityZone"],
        "name": tags.get("Name", ""),
    }
