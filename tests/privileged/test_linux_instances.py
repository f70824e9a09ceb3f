"""Root, real instances: what a person does on one, what a hostile one cannot do, and what stays when it stops.

The image of instances is built by the first test that needs it (minutes), in the user's cache, and kept there.
"""

import asyncio
import errno
import gzip
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import msgspec
import pytest

from millpond.app.vpc_services import resolver
from millpond.config import default_engines
from millpond.host.fabric import Group, Interface, Rule, Subnet, Vpc
from millpond.host.instance import InstanceSpec, Limits
from millpond.host.linux import Images, InstanceMetadata, LinuxHost, RoleCredentials, image, metadata_service, seccomp
from millpond.host.linux.namespaces import inside
from tests.contracts.fabric_worlds import tcp

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes instances, which needs root"),
]
IMAGES = default_engines().parent / "images"
ALL_OUT = (Rule(protocol="-1", cidr="0.0.0.0/0"),)
SSH = tcp(22, cidr="0.0.0.0/0")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENDPOINT = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
GROUPS = (
    Group(id="sg-instance", ingress=(SSH,), egress=ALL_OUT),
    Group(id="sg-cache", egress=ALL_OUT),
)


def interface(name: str, last: int, group: str = "sg-instance") -> Interface:
    return Interface(id=f"eni-{name}", address=f"172.31.0.{last}", subnet="subnet-1", groups=(group,))


ONE, TWO, CACHE = interface("one", 10), interface("two", 11), interface("cache", 20, "sg-cache")


def metadata(address: str) -> InstanceMetadata:
    number = address.rpartition(".")[2]
    return InstanceMetadata(
        instance_id=f"i-{number}",
        address=address,
        mac="02:00:00:00:00:01",
        hostname=f"ip-172-31-0-{number}.ec2.internal",
        account="123456789012",
        region="us-east-1",
        zone="us-east-1a",
        zone_id="use1-az1",
        instance_type="t3.micro",
        image_id="ami-1",
        reservation_id="r-1",
        vpc_id="vpc-1",
        vpc_cidr="172.31.0.0/16",
        subnet_id="subnet-1",
        subnet_cidr="172.31.0.0/20",
        interface_id="eni-1",
        launched=NOW,
        role=f"role-{number}",
        profile_arn=f"arn:aws:iam::123456789012:instance-profile/profile-{number}",
    )


class InstanceWorld:
    """One VPC with two places for instances and one for a cache."""

    def __init__(self, home: Path, images: Path = IMAGES) -> None:
        self.home = home
        self._images = images
        self.generation = 0
        self.pushed: dict[str, Sequence[str]] = {}
        home.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "key"], check=True)
        self.host = self.driver()

    def driver(self) -> LinuxHost:
        service = metadata_service(
            lambda _vpc, address: msgspec.structs.replace(metadata(address), active_keys=self.pushed),
            lambda _vpc, address: RoleCredentials(
                access_key_id=f"ASIA{address}",
                secret_access_key="secret",
                token="token",
                updated=NOW,
                expires=NOW + timedelta(hours=6),
            ),
            now=lambda: NOW,
            key=os.urandom(32),
        )
        return LinuxHost(self.home, "installation-1", services=(resolver, service), images=self._images)

    async def sync(self, groups: Sequence[Group] = GROUPS) -> None:
        self.generation += 1
        await self.host.fabric.sync_vpc(
            Vpc(
                id="vpc-1",
                generation=self.generation,
                cidrs=("172.31.0.0/16",),
                subnets=(Subnet(id="subnet-1", cidr="172.31.0.0/20", zone="us-east-1a"),),
                interfaces=(ONE, TWO, CACHE),
                groups=groups,
                names={ENDPOINT: (CACHE.address,)},
            )
        )

    def spec(self, place: Interface = ONE, **changes: object) -> InstanceSpec:
        number = place.address.rpartition(".")[2]
        spec = InstanceSpec(
            name=f"i-{number}",
            id=f"i-{number}",
            incarnation=1,
            interface=place.id,
            address=place.address,
            hostname=f"ip-172-31-0-{number}.ec2.internal",
            resolver="172.31.0.2",
            authorized_keys=((self.home / "key.pub").read_text().strip(),),
        )
        return msgspec.structs.replace(spec, **changes)

    async def start(self, spec: InstanceSpec) -> str:
        detail = await self.host.ensure_instance(spec)
        await self.until_console(spec.name, "millpond: ready")
        return detail

    async def until_console(self, name: str, words: str, times: int = 1) -> str:
        async with asyncio.timeout(60):
            while (console := self.host.place(name).log.read_text()).count(words) < times:
                await asyncio.sleep(0.05)
        return console

    async def run(self, name: str, *argv: str) -> subprocess.CompletedProcess[str]:
        command = await self.host.command_inside(name, argv)
        return await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )

    async def told(self, name: str, *argv: str) -> str:
        run = await self.run(name, *argv)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def log_in(self, key: Path, user: str) -> subprocess.CompletedProcess[str]:
        """From the other interface to the first instance, by ssh; blocks."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={self.home / 'known'}")
        command = ["ssh", "-F", "none", "-i", str(key), *(part for each in options for part in ("-o", each))]
        return inside(
            self.host.fabric.namespace(TWO.id),
            lambda: subprocess.run(
                [*command, f"{user}@{ONE.address}", "whoami; sudo whoami"],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            ),
        )

    async def close(self) -> None:
        for name in await self.host.names():
            await self.host.remove_instance(name)
        await self.host.fabric.cleanup()
        await self.host.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[InstanceWorld]:
    built = await asyncio.to_thread(Images(IMAGES).ensure)
    if built.kind != "debian":
        pytest.skip(f"no image can be built here: {built.detail}")
    world = InstanceWorld(tmp_path / "home")
    await world.sync()
    yield world
    await world.close()


async def test_an_instance_is_a_small_machine_of_its_own(world: InstanceWorld):
    await world.start(world.spec(limits=Limits(memory_mib=256, cpus=0.5)))

    assert await world.told("i-10", "hostname") == "ip-172-31-0-10.ec2.internal"
    assert await world.told("i-10", "id", "-un") == "ec2-user"
    assert await world.told("i-10", "sudo", "id", "-un") == "root"
    assert "172.31.0.10" in await world.told("i-10", "ip", "-brief", "address")
    assert (await world.told("i-10", "cat", "/etc/resolv.conf")).startswith("nameserver 172.31.0.2\n")
    processes = (await world.told("i-10", "ps", "-e", "-o", "pid=")).split()
    assert len(processes) < 10
    assert "1" in processes
    assert (await world.told("i-10", "getent", "hosts", ENDPOINT)).split() == [CACHE.address, ENDPOINT]


async def test_where_no_image_can_be_built_an_instance_has_the_machine_s_own_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(image, "found", lambda _program: None)
    world = InstanceWorld(tmp_path / "home", images=tmp_path / "images")
    try:
        await world.sync()
        detail = await world.start(world.spec(user_data=b"#!/bin/sh\necho it is $(id -un)\n"))
        await world.until_console("i-10", "it is root")

        assert "Instances see this machine's own programs, without sudo: mmdebstrap is not installed" in detail
        assert await world.told("i-10", "id", "-un") == "ec2-user"
        assert await world.told("i-10", "hostname") == "ip-172-31-0-10.ec2.internal"
        assert (await world.told("i-10", "cat", "/etc/resolv.conf")).startswith("nameserver 172.31.0.2\n")
        assert (await world.run("i-10", "touch", "/usr/bin/mine")).returncode != 0
        assert (await world.run("i-10", "ls", str(world.home))).returncode != 0
        assert await world.told("i-10", "sh", "-c", "echo kept >file; cat file") == "kept"
    finally:
        await world.close()


async def test_one_logs_in_with_the_key_pair_and_with_no_other(world: InstanceWorld, tmp_path: Path):
    await world.start(world.spec())
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    await world.until_console("i-10", "Server listening on 0.0.0.0 port 22")
    right = await asyncio.to_thread(world.log_in, world.home / "key", "ec2-user")
    assert right.stdout == "ec2-user\nroot\n", right.stderr
    assert "Permission denied" in (await asyncio.to_thread(world.log_in, tmp_path / "other", "ec2-user")).stderr
    assert "Permission denied" in (await asyncio.to_thread(world.log_in, world.home / "key", "root")).stderr


async def test_the_seeds_own_steps_time_out_answer_and_time_out_again(world: InstanceWorld):
    cli = next(iter(sorted(default_engines().glob("valkey-*/bin/valkey-cli"))), None)
    await world.start(world.spec(tools={"valkey-cli": cli} if cli is not None else {}))
    listener = inside(
        world.host.fabric.namespace(CACHE.id), lambda: socket.create_server((CACHE.address, 6379), backlog=64)
    )

    async def reaches() -> bool:
        return (await world.run("i-10", "nc", "-z", "-w", "1", ENDPOINT, "6379")).returncode == 0

    try:
        assert not await reaches()
        opened = (GROUPS[0], Group(id="sg-cache", ingress=(tcp(6379, cidr="0.0.0.0/0"),), egress=ALL_OUT))
        await world.sync(opened)
        assert await reaches()
        await world.sync()
        assert not await reaches()
        by_group = (GROUPS[0], Group(id="sg-cache", ingress=(tcp(6379, group="sg-instance"),), egress=ALL_OUT))
        await world.sync(by_group)
        assert await reaches()
    finally:
        listener.close()
    assert "valkey" in await world.told("i-10", "valkey-cli", "--version") or cli is None


async def test_user_data_runs_once_and_the_console_tells(world: InstanceWorld):
    script = "#!/bin/sh\necho it is $(id -un)\necho again >>/var/log/user-data-ran\n"
    spec = world.spec(user_data=script.encode())
    await world.start(spec)
    console = await world.until_console("i-10", "user data ended with status 0")
    assert "it is root" in console

    await world.host.stop_process("i-10")
    await world.start(msgspec.structs.replace(spec, incarnation=2))
    await world.until_console("i-10", "millpond: ready", times=2)

    assert await world.told("i-10", "cat", "/var/log/user-data-ran") == "again"


async def test_user_data_of_several_parts_runs_part_by_part_and_the_rest_is_told(world: InstanceWorld):
    archive = MIMEMultipart()
    archive.attach(MIMEText("#!/bin/sh\necho first", "x-shellscript"))
    archive.attach(MIMEText("#cloud-config\npackages: [nginx]\n", "cloud-config"))
    archive.attach(MIMEText("#!/bin/sh\necho second; exit 3", "x-shellscript"))
    await world.start(world.spec(user_data=gzip.compress(archive.as_bytes())))

    console = await world.until_console("i-10", "user data ended with status 3")
    assert console.index("first\n") < console.index("second\n")
    assert "millpond: user data: not carried out: #cloud-config (packages)" in console


async def test_stopping_keeps_the_disk_and_the_address(world: InstanceWorld):
    await world.start(world.spec())
    await world.told("i-10", "sh", "-c", "echo kept >/home/ec2-user/file; sudo sh -c 'echo root >/etc/file'")
    host_key = await world.told("i-10", "cat", "/etc/ssh/ssh_host_ed25519_key.pub")

    await world.host.stop_process("i-10")
    assert not (await world.host.observe(["i-10"]))["i-10"].running
    await world.host.ensure_instance(world.spec(incarnation=2))
    await world.until_console("i-10", "millpond: ready", times=2)

    assert await world.told("i-10", "sh", "-c", "cat file; sudo cat /etc/file") == "kept\nroot"
    assert await world.told("i-10", "cat", "/etc/ssh/ssh_host_ed25519_key.pub") == host_key
    assert "172.31.0.10" in await world.told("i-10", "ip", "-brief", "address")


async def test_an_instance_outlives_the_control_plane(world: InstanceWorld):
    await world.start(world.spec())
    before = (await world.host.observe(["i-10"]))["i-10"]

    await world.host.close()
    world.host = world.driver()
    await world.host.ensure_instance(world.spec())

    assert (await world.host.observe(["i-10"]))["i-10"].pid == before.pid
    assert await world.told("i-10", "id", "-un") == "ec2-user"


async def test_shutting_down_from_inside_stops_it(world: InstanceWorld):
    await world.start(world.spec())
    ended = asyncio.Event()
    world.host.watch(lambda _name: ended.set())

    await world.run("i-10", "sudo", "poweroff")

    async with asyncio.timeout(30):
        await ended.wait()
    assert "millpond: halted" in world.host.place("i-10").log.read_text()
    await world.host.close()
    world.host = world.driver()
    assert await world.host.halted("i-10") == 1, "on record, whoever looked on"


async def test_what_is_told_to_end_or_to_reboot_or_is_killed_is_not_shut_down(world: InstanceWorld):
    await world.start(world.spec())
    await world.host.stop_process("i-10")
    assert await world.host.halted("i-10") is None

    for incarnation, end in ((2, "reboot"), (3, "shutdown -r now"), (4, "kill")):
        await world.host.ensure_instance(world.spec(incarnation=incarnation))
        await world.until_console("i-10", "millpond: ready", times=incarnation)
        if end == "kill":
            os.kill((await world.host.observe(["i-10"]))["i-10"].pid, signal.SIGKILL)
        else:
            await world.run("i-10", "sudo", *end.split())
        async with asyncio.timeout(30):
            while (await world.host.observe(["i-10"]))["i-10"].running:
                await asyncio.sleep(0.05)
        assert await world.host.halted("i-10") is None


async def test_a_hostile_instance_reaches_nothing_of_the_machine(world: InstanceWorld, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("of the machine")
    secret.chmod(0o666)
    await world.start(world.spec())

    async def refused(*argv: str) -> bool:
        return (await world.run("i-10", "sudo", *argv)).returncode != 0

    assert await refused("ip", "link", "set", "eth0", "down")
    assert await refused("ip", "address", "add", "172.31.0.11/32", "dev", "eth0")
    assert await refused("ip", "route", "replace", "default", "dev", "eth0")
    assert await refused("ip", "netns", "exec", "mp", "true")
    assert await refused("cat", str(secret))
    assert await refused("ls", str(world.home))
    assert await refused("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    assert await refused("sh", "-c", "echo 1 >/proc/sys/kernel/panic")
    assert await refused("sh", "-c", "echo c >/proc/sysrq-trigger")
    assert await refused("mknod", "/tmp/disk", "b", "8", "0")
    assert await refused("kill", "-9", str(os.getpid()))
    assert await refused("nc", "-z", "-w", "1", "172.31.0.1", "22")
    assert await refused("nc", "-z", "-w", "1", "169.254.1.1", "22")
    assert "nft" not in await world.told("i-10", "sh", "-c", "ls /usr/sbin")
    raw = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)"
    assert await refused("python3", "-c", raw)


async def test_the_kernel_refuses_a_hostile_root_what_knows_no_namespaces(world: InstanceWorld):
    await world.start(world.spec())
    script = """
import ctypes, errno, json, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
found = {number: (libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno()) for number in json.loads(sys.argv[1])}
typed = libc.ioctl(0, 0x5412, b"x"), ctypes.get_errno()
try:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
except OSError as error:
    vsock = error.errno
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines())
print(json.dumps([[n for n, each in found.items() if each != (-1, errno.EPERM)], typed, vsock, status["Seccomp"]]))
"""
    told = await world.told("i-10", "sudo", "python3", "-c", script, json.dumps(list(seccomp.denied())))
    assert json.loads(told) == [[], [-1, errno.EPERM], errno.EPERM, "2"]
    mount = (
        "import ctypes, sys; sys.exit(ctypes.CDLL(None).mount(b'none', b'/mnt', sys.argv[1].encode(), 0, None) != 0)"
    )
    assert (await world.run("i-10", "sudo", "python3", "-c", mount, "tmpfs")).returncode == 0
    assert (await world.run("i-10", "sudo", "python3", "-c", mount, "sysfs")).returncode == 1
    assert (await world.run("i-10", "sudo", "python3", "-c", mount, "debugfs")).returncode == 1
    assert await world.told("i-10", "unshare", "-r", "id", "-un") == "root"


async def test_a_link_laid_by_the_instance_is_not_followed_by_its_next_start(world: InstanceWorld, tmp_path: Path):
    spec = world.spec()
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o777)
    await world.start(spec)
    await world.told("i-10", "sudo", "sh", "-c", f"rm /etc/hostname /etc/hosts; ln -s {victim}/hosts /etc/hosts")
    await world.told("i-10", "sudo", "sh", "-c", f"rm -rf /opt; ln -s {victim} /opt; ln -s {victim}/d /dev.new")
    await world.host.stop_process("i-10")

    tools = {"valkey-cli": Path("/usr/bin/env")}
    await world.host.ensure_instance(msgspec.structs.replace(spec, incarnation=2, tools=tools))
    async with asyncio.timeout(20):
        while (await world.host.observe(["i-10"]))["i-10"].running:
            await asyncio.sleep(0.05)

    assert list(victim.iterdir()) == []


async def test_metadata_needs_a_token_and_knows_who_asks(world: InstanceWorld):
    await world.start(world.spec())
    await world.start(world.spec(TWO))
    base = "http://169.254.169.254/latest"
    get_token = ("curl", "-sf", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", f"{base}/api/token")

    async def status(name: str, *arguments: str) -> str:
        return await world.told(name, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *arguments)

    token = await world.told("i-10", *get_token)
    with_token = ("-H", f"X-aws-ec2-metadata-token: {token}")
    assert await world.told("i-10", "curl", "-sf", *with_token, f"{base}/meta-data/instance-id") == "i-10"
    assert await status("i-10", f"{base}/meta-data/instance-id") == "401"
    assert await status("i-11", *with_token, f"{base}/meta-data/instance-id") == "401"
    assert await status("i-10", "-H", "X-Forwarded-For: 1.2.3.4", *get_token[2:]) == "403"
    path = f"{base}/meta-data/iam/security-credentials/role-10"
    found = json.loads(await world.told("i-10", "curl", "-sf", *with_token, path))
    assert found["AccessKeyId"] == "ASIA172.31.0.10"
    assert await status("i-10", *with_token, path.replace("role-10", "role-11")) == "404"


async def test_the_aws_command_line_takes_the_role_of_the_instance(world: InstanceWorld):
    await world.start(world.spec(environment={"AWS_REGION": "us-east-1"}))

    listed = await world.told("i-10", "aws", "configure", "list")

    assert "iam-role" in listed


async def test_a_pushed_key_opens_the_door_as_long_as_it_is_told(world: InstanceWorld):
    """ec2-instance-connect: sshd asks the metadata service for keys besides those of the disk."""
    await world.start(world.spec(authorized_keys=()))
    await world.until_console("i-10", "Server listening on 0.0.0.0 port 22")
    key = world.home / "key"
    assert "Permission denied" in (await asyncio.to_thread(world.log_in, key, "ec2-user")).stderr

    world.pushed["ec2-user"] = ((world.home / "key.pub").read_text().strip(),)
    assert (await asyncio.to_thread(world.log_in, key, "ec2-user")).stdout == "ec2-user\nroot\n"

    world.pushed.clear()
    assert "Permission denied" in (await asyncio.to_thread(world.log_in, key, "ec2-user")).stderr


async def test_limits_hold_where_the_machine_has_them(world: InstanceWorld):
    detail = await world.start(world.spec(limits=Limits(memory_mib=64, cpus=0.5, processes=64)))

    eats = "found = bytearray(b'x') * (200 << 20); print('ate it')"
    run = await world.run("i-10", "python3", "-c", eats)

    assert ("memory" in detail) == ("ate it" in run.stdout)


async def test_removing_leaves_nothing(world: InstanceWorld):
    await world.start(world.spec(limits=Limits(memory_mib=64, cpus=0.5)))
    tag = world.host.fabric.names.tag

    await world.host.remove_instance("i-10")

    assert await world.host.names() == frozenset()
    assert list(Path("/sys/fs/cgroup").glob(f"**/millpond-{tag}")) == []
    assert str(world.home) not in Path("/proc/mounts").read_text()
