"""The command line: a thin caller of the AWS API and of the operator's socket.

One file per command or family; `COMMANDS` is the list. Only the module of the command that runs is imported, so that
`millpond version` and shell completion answer at once; what draws imports rich, what starts the control plane imports
`app`, each inside the function that needs it.
"""

from pathlib import Path

import click

from millpond import config
from millpond.cli.lazy import Entry, LazyGroup

COMMANDS = {
    "Run": {
        "up": Entry(module="up", summary="Start Millpond."),
        "down": Entry(module="down", summary="Stop Millpond and its caches."),
        "status": Entry(module="status", summary="Say whether it runs, where, and how."),
        "doctor": Entry(module="doctor", summary="Check this machine and this installation; name what mends it."),
        "logs": Entry(module="logs", summary="Print the log of Millpond or of a cache."),
        "passwd": Entry(module="passwd", summary="Give the root user a new password."),
    },
    "Caches": {
        "create": Entry(module="create", summary="Create a cache and wait until it answers."),
        "ls": Entry(module="caches", summary="List caches."),
        "show": Entry(module="caches", summary="Show one cache."),
        "connect": Entry(module="connect", summary="Open the engine's client on a cache."),
        "wait": Entry(module="caches", summary="Wait until a cache is available, or gone."),
        "explain": Entry(module="explain", summary="Say what Millpond does about a cache now, and why."),
        "events": Entry(module="explain", summary="List what happened."),
        "delete": Entry(module="delete", summary="Delete a cache."),
        "engines": Entry(module="engines", summary="List engine versions; install one."),
    },
    "Instances": {
        "instance": Entry(module="instance", summary="Run, list, stop and terminate EC2 instances."),
        "ssh": Entry(module="ssh", summary="Log in to an instance."),
        "zone": Entry(module="zone", summary="Interrupt the power of an availability zone, and bring it back."),
        "flows": Entry(module="flows", summary="Show which packets security groups let through, and which not."),
    },
    "People": {
        "account": Entry(module="account", summary="Make and list accounts; open or close sign-up."),
        "outbox": Entry(module="account", summary="Read mails and codes that wait to be sent."),
    },
    "AWS tools": {
        "env": Entry(module="environment", summary="Print shell exports that point AWS tools here."),
        "configure": Entry(module="profile", summary="Write a profile into the AWS configuration file."),
        "uninstall": Entry(module="profile", summary="Remove exactly what `configure` wrote."),
        "credentials": Entry(module="environment", summary="Print credentials for `credential_process`."),
    },
    "Other": {
        "sigv4": Entry(module="sigv4", summary="Check signatures without a server."),
        "policy": Entry(module="policy", summary="Evaluate IAM policies without a server."),
        "completion": Entry(module="completion", summary="Print the completion script of a shell."),
        "version": Entry(module="version", summary="Print the version."),
    },
}


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    package=__name__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--home", type=click.Path(path_type=Path), help="Directory of the installation (or MILLPOND_HOME).")
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """Millpond, a self-hosted ElastiCache. Not affiliated with Amazon."""
    context.obj = home
    if config.environment().get("NO_COLOR"):
        context.color = False


def main() -> None:
    """Run the command line; exit with 0, 1 (it failed, one line says why) or 2 (it was called wrongly)."""
    cli.main(prog_name="millpond")
