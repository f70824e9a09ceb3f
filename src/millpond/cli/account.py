"""`millpond account` and `millpond outbox`: who has an account here, and what was written to people."""

import click

from millpond.cli import options, output
from millpond.cli.door import Door
from millpond.config import Config
from millpond.operator import home
from millpond.operator.facts import NewAccount


@click.group()
def account() -> None:
    """Make and list accounts; open or close sign-up."""


@account.command()
@click.option("--email", required=True, help="E-mail address of the root user.")
@click.option("--name", required=True, help="Name of the account.")
@options.installation
def create(*, config: Config, email: str, name: str) -> None:
    """Make an account; its root password is shown on a terminal, else written to a file that only you can read."""
    made = Door(config).create_account(name=name, email=email)
    if output.is_terminal():
        output.print_labelled({"Account": made.id, "Sign in": made.email, "Password": made.password})
        click.echo("  (shown once)")
        return
    output.print_pairs({"account": made.id, "sign_in": made.email, "password_file": _written(config, made)})


@account.command("list")
@options.installation
@options.as_json
def list_accounts(*, config: Config, as_json: bool) -> None:
    """List accounts, and say whether sign-up is open."""
    found = Door(config).accounts()
    if as_json:
        output.print_json(found)
        return
    titles = ("ID", "NAME", "ROOT USER", "SINCE", "STATE")
    rows = [
        (each.id, each.name, each.email, each.created, f"closed {each.closed}" if each.closed else "open")
        for each in found.accounts
    ]
    output.print_table(titles, rows)
    click.echo(f"sign-up is {'open' if found.signup_open else 'closed'}")


@account.command()
@click.argument("account_id")
@options.installation
def reopen(*, config: Config, account_id: str) -> None:
    """Open an account again that its root user closed."""
    Door(config).reopen_account(account_id)
    click.echo(f"account {account_id} is open")


@account.command("close-signup")
@options.installation
def close_signup(*, config: Config) -> None:
    """From now on only you make accounts."""
    Door(config).open_signup(is_open=False)
    click.echo("sign-up is closed")


@account.command("open-signup")
@options.installation
def open_signup(*, config: Config) -> None:
    """Let anybody who reaches the sign-up page make an account."""
    Door(config).open_signup(is_open=True)
    click.echo("sign-up is open")


@click.command()
@options.installation
@options.as_json
def outbox(*, config: Config, as_json: bool) -> None:
    """Read mails and codes that wait to be sent, the newest last."""
    messages = Door(config).outbox()
    if as_json:
        output.print_json(messages)
        return
    for each in reversed(messages):
        title = click.style(each.subject or "Text message", bold=True)
        click.echo(f"{title}\n  To {each.recipient} · {each.at} · {each.state}")
        if each.last_error:
            click.echo(f"  {each.last_error}")
        for line in each.body.splitlines():
            click.echo(f"  | {line}")
        click.echo()
    if not messages:
        click.echo("Nothing was written to anybody.")


def _written(config: Config, made: NewAccount) -> str:
    file = config.home / f"root-password-{made.id}"
    home.replace_private(file, made.password.encode() + b"\n")
    return str(file)
