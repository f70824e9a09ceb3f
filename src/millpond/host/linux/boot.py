"""The first process inside an instance: what cloud-init and an init system do on AWS. Run by `pod.py`, as root inside.

The first start writes the key pair's public key, makes host keys, trusts Millpond's authority and runs the user data;
every start names itself, points at the VPC's resolver and runs sshd. What it prints is the console log. A semaphore of
cloud-init's form is written after each step of the first start, so that a step cut short is done again.

Standard library only, all of it imported before the root was changed.
"""

import base64
import contextlib
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_USER = "ec2-user"
_AGAIN = 133
"""The status that asks for another start (systemd.exec(5), "Process Exit Codes"); any but 0 would."""
_GRACE_SECONDS = 8.0
_RESPAWN_SECONDS = 1.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SSHD = Path("/usr/sbin/sshd")
# Keys pushed by ec2-instance-connect are told by the metadata service, for as long as they are good.
_ACTIVE_KEYS = """#!/bin/sh
base=http://169.254.169.254/latest
token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$base/api/token") || exit 0
curl -sf -m 2 -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/managed-ssh-keys/active-keys/$1/" || exit 0
"""
# The first process ends all others and itself; what it is told by decides whether it is started again.
_END = """#!/bin/sh
signal=TERM
case "${0##*/} $*" in reboot* | *\\ -r* | *--reboot*) signal=INT ;; esac
exec kill -$signal 1
"""
_AWS = """#!/bin/sh
# Sends the command line of AWS to Millpond; versions before 2.13 do not read AWS_ENDPOINT_URL.
. /etc/millpond/environment
exec /usr/bin/aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
"""


def main(spec: Mapping[str, Any]) -> None:
    """Boot, then reap and watch until told to end."""
    waiting = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    _say(f"{spec['id']} boots as {spec['hostname']}, {spec['address']}")
    _name(spec)
    first = _First(spec["id"])
    first.do("keys", lambda: _write_keys(spec))
    first.do("host-keys", _make_host_keys)
    first.do("authority", lambda: _trust(spec["authority"]))
    sshd = _started_sshd(spec)
    scripts = [] if first.is_done("user-data") else _laid_user_data(spec)
    user_data = _next_script(scripts)
    if user_data is None:
        first.mark("user-data")
    _say("ready")
    while True:
        caught = signal.sigtimedwait(waiting, _RESPAWN_SECONDS if sshd is None and _SSHD.exists() else 3600)
        if caught is not None and caught.si_signo != signal.SIGCHLD:
            again = caught.si_signo == signal.SIGINT
            break
        ended = _reaped()
        if user_data is not None and user_data in ended:
            _say(f"user data ended with status {ended[user_data]}")
            user_data = _next_script(scripts)
            if user_data is None:
                first.mark("user-data")
        if sshd in ended:
            _say(f"sshd ended with status {ended[sshd]}")
            sshd = None
        elif sshd is None and caught is None:
            sshd = _started_sshd(spec)
    _end_everybody()
    _say("reboots" if again else "halted")
    os._exit(_AGAIN if again else 0)


class _First:
    """Steps of the first start, each done once in the instance's life."""

    def __init__(self, instance: str) -> None:
        self._directory = Path("/var/lib/cloud/instances") / instance / "sem"
        self._directory.mkdir(parents=True, exist_ok=True)

    def is_done(self, step: str) -> bool:
        return (self._directory / step).exists()

    def mark(self, step: str) -> None:
        (self._directory / step).touch()

    def do(self, step: str, work: Callable[[], None]) -> None:
        """One that fails is told on the console and does not keep the instance from starting."""
        if self.is_done(step):
            return
        try:
            work()
        except (OSError, subprocess.SubprocessError, KeyError) as error:
            _say(f"{step} failed: {error}")
        else:
            self.mark(step)


def _name(spec: Mapping[str, Any]) -> None:
    hostname = spec["hostname"]
    short = hostname.partition(".")[0]
    _write("/etc/hostname", f"{hostname}\n")
    _write("/etc/hosts", f"127.0.0.1 localhost\n{spec['address']} {hostname} {short}\n")
    _write(
        "/etc/resolv.conf", f"nameserver {spec['resolver']}\nsearch {hostname.partition('.')[2]}\noptions timeout:2\n"
    )
    Path("/etc/millpond").mkdir(exist_ok=True)
    _write(
        "/etc/millpond/environment",
        "".join(f"export {name}='{value}'\n" for name, value in spec["environment"].items()),
    )
    for directory in ("/etc/profile.d", "/usr/local/bin", "/usr/local/sbin"):
        with contextlib.suppress(OSError):
            Path(directory).mkdir(parents=True, exist_ok=True)
    for path, content, mode in (
        ("/etc/profile.d/millpond.sh", ". /etc/millpond/environment\n", 0o644),
        ("/usr/local/bin/aws", _AWS, 0o755),
        ("/usr/local/sbin/millpond-active-keys", _ACTIVE_KEYS, 0o755),
        *((f"/usr/local/sbin/{name}", _END, 0o755) for name in ("shutdown", "poweroff", "halt", "reboot")),
        *((f"/usr/local/bin/{name}", script, 0o755) for name, script in spec["commands"].items()),
    ):
        with contextlib.suppress(OSError):  # on the machine's own /usr, which is read-only
            _write(path, content, mode=mode)


def _write_keys(spec: Mapping[str, Any]) -> None:
    user = pwd.getpwnam(_USER)
    directory = Path(user.pw_dir) / ".ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    file = directory / "authorized_keys"
    _write(str(file), "".join(f"{key}\n" for key in spec["authorized_keys"]), mode=0o600)
    for path in (directory, file):
        os.chown(path, user.pw_uid, user.pw_gid)


def _make_host_keys() -> None:
    if _SSHD.exists():
        _run(["ssh-keygen", "-q", "-A"])


def _trust(certificate: str) -> None:
    if certificate:
        Path("/etc/millpond").mkdir(exist_ok=True)
        _write("/etc/millpond/ca.pem", certificate)
        _write("/usr/local/share/ca-certificates/millpond.crt", certificate)
        _run(["update-ca-certificates"])


def _started_sshd(spec: Mapping[str, Any]) -> int | None:
    if not _SSHD.exists():
        _say("no sshd in this image")
        return None
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    options = [
        "UsePAM=no", "PasswordAuthentication=no", "KbdInteractiveAuthentication=no", "PermitRootLogin=no",
        "UseDNS=no", "AuthorizedKeysCommandUser=nobody",
        "AuthorizedKeysCommand=/usr/local/sbin/millpond-active-keys %u",
        *([f"SetEnv={' '.join(f'{name}={value}' for name, value in spec['environment'].items())}"]
          if spec["environment"] else []),
    ]  # fmt: skip
    arguments = [str(_SSHD), "-D", "-e", *(part for option in options for part in ("-o", option))]
    return _started(arguments)


def _laid_user_data(spec: Mapping[str, Any]) -> list[Path]:
    """The scripts in files; what other forms of user data ask for is not done, and the console says so."""
    for each in spec["left_out"]:
        _say(f"user data: not carried out: {each}")
    laid: list[Path] = []
    for number, script in enumerate(spec["scripts"], start=1):
        path = Path("/var/lib/cloud/instances") / spec["id"] / "scripts" / f"part-{number:03d}"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        path.write_bytes(base64.b64decode(script))
        path.chmod(0o700)
        laid.append(path)
    return laid


def _next_script(scripts: list[Path]) -> int | None:
    """Start the first that can be; None when there is none left."""
    while scripts:
        started = _started([str(scripts.pop(0))])
        if started is not None:
            return started
    return None


def _started(arguments: Sequence[str]) -> int | None:
    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    try:
        process = subprocess.Popen(  # noqa: S603 - the instance's own programs, inside it
            arguments, stdin=subprocess.DEVNULL, env={"PATH": _PATH, "HOME": "/root"}, cwd="/",
            preexec_fn=unblock, start_new_session=True,  # noqa: PLW1509 - there is one thread
        )  # fmt: skip
    except OSError as error:
        _say(f"{arguments[0]} could not be run: {error.strerror}")
        return None
    process.returncode = 0  # it is reaped with all others
    return process.pid


def _run(arguments: Sequence[str]) -> None:
    """To its end; raise CalledProcessError when that is not a good one."""
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, env={"PATH": _PATH}, cwd="/")  # noqa: S603


def _reaped() -> dict[int | None, int]:
    ended: dict[int | None, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def _end_everybody() -> None:
    """SIGTERM, a grace, and whoever is left ends with this process."""
    _say("halting")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    for _ in range(int(_GRACE_SECONDS * 10)):
        _reaped()
        try:
            os.kill(-1, 0)
        except ProcessLookupError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)


def _write(path: str, content: str, *, mode: int = 0o644) -> None:
    """Put a file where there may be a link or another file."""
    file = Path(path)
    with contextlib.suppress(FileNotFoundError):
        file.unlink()
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)


def _say(what: str) -> None:
    sys.stdout.write(f"millpond: {what}\n")
    sys.stdout.flush()
