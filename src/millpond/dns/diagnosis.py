"""What `doctor` says about names: findings in words, each with its fix."""

from pathlib import Path

import msgspec

from millpond.aws.endpoints import ZONE
from millpond.dns import shared_file, stub
from millpond.dns.system_names import PROBE_ADDRESS, SystemNames

_NSCD = Path("/run/nscd/socket")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    ok: bool
    what: str
    why: str
    fix: str = ""


def diagnose(names: SystemNames, *, server: stub.Server | None, nscd: Path = _NSCD) -> list[Finding]:
    """Look, change nothing. `server` is where the DNS server of a running Millpond listens; None when it is stopped."""
    findings = [_resolving(names, server)]
    if server is not None:
        findings.append(_serving(names, server))
    if shared_file.journal_of(names.hosts).exists():
        findings.append(
            Finding(
                ok=False,
                what=f"{names.hosts} is whole",
                why="A crash interrupted the last change of it.",
                fix="Start Millpond, or run `millpond down`: either finishes the change.",
            )
        )
    if nscd.exists():
        findings.append(
            Finding(
                ok=True,
                what="A cache of names (nscd) runs",
                why=f"It notices changes of {names.hosts} by itself; should a new endpoint not resolve, empty it.",
                fix="nscd --invalidate=hosts",
            )
        )
    return findings


def _resolving(names: SystemNames, server: stub.Server | None) -> Finding:
    what = "Endpoint names resolve on this machine"
    if server is None:
        return Finding(ok=True, what=what, why="Millpond is stopped; it finds out when it starts.")
    if names.resolves():
        through = names.hosts if _in_hosts_file(names) else "the resolver, which forwards to Millpond's DNS server"
        return Finding(ok=True, what=what, why=f"Through {through}.")
    address, port = server
    return Finding(
        ok=False,
        what=what,
        why="Neither the hosts file nor the resolver knows them. The API gives addresses instead, which work as well.",
        fix=(
            f"Run Millpond as root, or forward {ZONE} to {address} port {port}: with dnsmasq "
            f"`server=/{ZONE}/{address}#{port}`, with systemd-resolved `DNS={address}:{port}` and `Domains=~{ZONE}`."
        ),
    )


def _serving(names: SystemNames, server: stub.Server) -> Finding:
    address, port = server
    what = f"The DNS server answers at {address} port {port}"
    if PROBE_ADDRESS in stub.ask(names.probe_name, [server], seconds=1.0):
        return Finding(ok=True, what=what, why=f"It speaks for {ZONE}.")
    return Finding(
        ok=False,
        what=what,
        why="It did not answer within a second.",
        fix="Look for `dns.` in the log, then restart Millpond.",
    )


def _in_hosts_file(names: SystemNames) -> bool:
    try:
        return names.probe_name.encode() in names.hosts.read_bytes()
    except OSError:
        return False
