"""`millpond ssh`: the system's ssh on an instance, by the management path, with a key that is good for a minute."""

import contextlib
import os
import selectors
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from millpond.cli import options
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.operator import home

_PIECE = 65536
_PATIENCE = 15.0


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("instance")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@options.installation
@click.option("--user", default="ec2-user", show_default=True, help="The user on the instance.")
@click.option("-i", "--identity", type=click.Path(exists=True, path_type=Path), help="A private key of your own.")
@click.option("--relay", is_flag=True, hidden=True, help="Join standard input and output to the socket INSTANCE.")
@options.region
def ssh(
    *,
    instance: str,
    command: tuple[str, ...],
    config: Config,
    user: str,
    identity: Path | None,
    relay: bool,
    region: str | None,
) -> None:
    """Log in to INSTANCE (i-…), or run COMMAND there. Security groups need not allow it: it goes by this machine."""
    if relay:
        _relay(Path(instance))
        return
    client, keygen = shutil.which("ssh"), shutil.which("ssh-keygen")
    if client is None or keygen is None:
        raise Failure("There is no ssh on this machine; install OpenSSH's client (Debian: apt install openssh-client)")
    door = Door(config)
    tunnel = door.tunnel(instance, region=region)
    with tempfile.TemporaryDirectory(prefix="millpond-ssh-") as place:
        key = identity or _new_key(keygen, Path(place))
        if identity is None:
            pushed = {"InstanceId": instance, "InstanceOSUser": user, "SSHPublicKey": _public(key)}
            door.call("SendSSHPublicKey", pushed, service="ec2-instance-connect", region=region)
        call = [client, *_arguments(config, tunnel.socket, key), f"{user}@{instance}", *command]
        status = subprocess.run(call, check=False).returncode  # noqa: S603 - what the person typed, to ssh
    sys.exit(status)


def _new_key(keygen: str, place: Path) -> Path:
    """A key of this one login, which EC2 Instance Connect lets in for a minute."""
    key = place / "key"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "millpond", "-f", str(key)], check=True)  # noqa: S603 - no input
    return key


def _public(key: Path) -> str:
    return key.with_suffix(".pub").read_text(encoding="ascii")


def _arguments(config: Config, socket: str, key: Path) -> list[str]:
    # This very interpreter: it is here already, and starts faster than the program that looks for one.
    proxy = shlex.join([sys.executable, "-P", "-m", "millpond", "ssh", "--relay", socket])
    given = {
        "ProxyCommand": proxy.replace("%", "%%"),
        "IdentitiesOnly": "yes",
        # An instance's host key is made at its first start, and this path leads to no other machine.
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(config.home / "known_hosts"),
        "LogLevel": "ERROR",
    }
    return ["-i", str(key), *(part for name, value in given.items() for part in ("-o", f"{name}={value}"))]


def _relay(path: Path) -> None:
    """What ssh's ProxyCommand runs."""
    try:
        connection = home.connect(path, seconds=_PATIENCE)
    except OSError as error:
        raise Failure(f"The way in is closed ({error}); try again: millpond ssh") from error
    connection.setblocking(True)
    # When the other end goes, ssh says so.
    with connection, contextlib.suppress(ConnectionError), selectors.DefaultSelector() as ready:
        ready.register(connection, selectors.EVENT_READ)
        ready.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while True:
            for each, _ in ready.select():
                if each.fileobj is connection:
                    piece = connection.recv(_PIECE)
                    if not piece:
                        return
                    _write(piece)
                else:
                    piece = os.read(sys.stdin.fileno(), _PIECE)
                    if not piece:
                        return
                    connection.sendall(piece)


def _write(piece: bytes) -> None:
    while piece:
        piece = piece[os.write(sys.stdout.fileno(), piece) :]
