"""What `up` prints: the screen of the first run, three lines on later ones, pairs for scripts. Pure text."""

from collections.abc import Iterator

import click
import msgspec

from millpond.cli.output import dash, tick
from millpond.operator.facts import RunFacts


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a screen says."""

    facts: RunFacts
    seconds: float | None
    """From the command to the first answer; None when Millpond ran already."""
    program: str
    """How a person types `millpond` here."""
    profile: str = ""
    """The AWS profile as `profile.described` says it; empty when none was written."""
    undone: tuple[tuple[str, str], ...] = ()
    """(label, why) of steps that were left undone."""
    password_file: str = ""
    """Where the first password lies when it is not shown."""
    foreground: bool = False


def first_run(welcome: Welcome) -> Iterator[str]:
    """The screen of console-sized facts, next commands and the password; the only place that ever shows it."""
    facts = welcome.facts
    yield from _done(welcome)
    yield ""
    yield f"  {_ready(welcome)}"
    yield ""
    if facts.console:
        yield f"  Console   {facts.console}"
    yield f"  API       {facts.endpoint}"
    if facts.first_run is not None:
        yield f"  Sign in   {facts.first_run.name}"
        if welcome.password_file:
            yield f"  Password  in {welcome.password_file}"
        else:
            yield f"  Password  {facts.first_run.password}"
            yield f"            (shown once; {welcome.program} passwd resets it)"
    yield ""
    yield "  Try it"
    yield f"    {welcome.program} create my-cache"
    yield f"    {welcome.program} connect my-cache"
    yield from _aws(welcome)
    yield ""
    yield f"  {_reach(facts)}"


def again(welcome: Welcome) -> Iterator[str]:
    """Three lines: it is ready, where it is, and what came back."""
    facts = welcome.facts
    yield f"  {_ready(welcome)}"
    where = f"Console   {facts.console}  API {facts.endpoint}" if facts.console else f"API       {facts.endpoint}"
    yield f"  {where}"
    caches = "none yet" if facts.caches == 0 else str(facts.caches)
    yield f"  Caches    {caches}  ({welcome.program} {'create my-cache' if facts.caches == 0 else 'ls'})"
    for label, why in welcome.undone:
        yield f"  {dash()} {label.ljust(15)} {why}"


def pairs(welcome: Welcome) -> dict[str, object]:
    """One fact a line for scripts; never a password."""
    facts = {
        name: value for name, value in msgspec.to_builtins(welcome.facts).items() if name != "first_run" and value != ""
    }
    if welcome.facts.first_run is not None:
        facts["sign_in"] = welcome.facts.first_run.name
    if welcome.password_file:
        facts["password_file"] = welcome.password_file
    facts["already_running"] = welcome.seconds is None
    return facts


def labelled(facts: RunFacts) -> dict[str, object]:
    """For `status` on a terminal."""
    return {
        "Millpond": f"{facts.version}, pid {facts.pid}",
        "API": facts.endpoint,
        "Console": facts.console,
        "Account": spaced_account(facts.account),
        "Region": facts.region,
        "Caches": facts.caches or "none",
        "Engines": " · ".join(facts.engines) or "none installed",
        "Driver": facts.driver,
        "Network": facts.network,
        "Enforcement": _enforcement(facts),
        **({"Rootless": facts.rootless} if facts.rootless else {}),
        "Endpoints": f"by address: {facts.names}" if facts.names else f"*.{facts.zone}",
        "Home": facts.home,
    }


def spaced_account(account: str) -> str:
    """`1234-5678-9012`, as AWS's console writes it."""
    return "-".join(account[at : at + 4] for at in range(0, len(account), 4))


def _done(welcome: Welcome) -> Iterator[str]:
    facts = welcome.facts
    undone = dict(welcome.undone)
    signed_in = f"  ({facts.first_run.name})" if facts.first_run else ""
    lines = {
        "Data directory": facts.home,
        "Engines": " · ".join(facts.engines),
        "Account": spaced_account(facts.account) + signed_in,
        "Network": facts.network,
        "Endpoints": f"*.{facts.zone}" if not facts.names else "",
        "AWS profile": welcome.profile,
    }
    if facts.names:
        undone["Endpoints"] = f"by address: {facts.names}"
    for label, said in lines.items():
        if said:
            yield f"  {tick()} {label.ljust(15)} {said}"
        if label in undone:
            yield f"  {dash()} {label.ljust(15)} {undone[label]}"


def _ready(welcome: Welcome) -> str:
    stop = "Ctrl-C" if welcome.foreground else f"{welcome.program} down"
    if welcome.seconds is None:
        state = "Already running"
    else:
        state = f"{click.style('Ready', fg='green', bold=True)} in {welcome.seconds:.1f} s"
    return f"{state}    pid {welcome.facts.pid} · logs: {welcome.program} logs -f · stop: {stop}"


def _aws(welcome: Welcome) -> Iterator[str]:
    if welcome.profile:
        name = welcome.profile.split(" ", 1)[0]
        yield f"    aws --profile {name} elasticache describe-cache-clusters"
    else:
        yield f'    eval "$({welcome.program} env)"'
        yield "    aws elasticache describe-cache-clusters"


def _reach(facts: RunFacts) -> str:
    if facts.endpoint.startswith((
        "http://127.",
        "http://localhost",
        "http://[::1]",
        "https://127.",
        "https://localhost",
    )):
        return "Only this machine can reach it."
    return "Other machines can reach it: every request must be signed."


def _enforcement(facts: RunFacts) -> str:
    if facts.enforcement == "none":
        return "none: security groups are kept but do not filter packets"
    return facts.enforcement
