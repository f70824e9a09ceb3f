"""`millpond env` and `millpond credentials`: what AWS tools need, for a shell, a file, a build, or a profile."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from millpond import config as configuration
from millpond.cli import options, output
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.operator.facts import Credentials, RunFacts

OVERRIDING = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_ENDPOINT_URL_ELASTICACHE",
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_STS",
)
"""Variables that would win over the ones printed here (AWS SDKs and Tools Reference Guide), or forbid an endpoint."""


@click.command()
@options.installation
@click.option("--dotenv", "form", flag_value="dotenv", help="KEY=value lines for a .env file.")
@click.option("--github", "form", flag_value="github", help="Append to GITHUB_ENV when set, and mask the secret.")
@click.option("--fish", "form", flag_value="fish", help="For the fish shell.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
def env(*, config: Config, form: str | None) -> None:
    """Print shell exports that point AWS tools at this installation, as its administrator.

    Use it so: eval "$(millpond env)"
    """
    door = Door(config)
    environ = configuration.environment()
    variables = exported(door.status(), door.credentials(), environ)
    match form:
        case "json":
            output.print_json(variables)
        case "dotenv":
            _print_lines(variables)
        case "github":
            _to_github(variables, environ)
        case "fish":
            for name in overriding(environ):
                click.echo(f"set -e {name};")
            for name, value in variables.items():
                click.echo(f"set -gx {name} {_fish_quoted(value)};")
        case _:
            click.echo(f"unset {' '.join(overriding(environ))}")
            for name, value in variables.items():
                click.echo(f"export {name}={_quoted(value)}")


@click.command()
@options.installation
def credentials(*, config: Config) -> None:
    """Print the administrator's credentials in the form that `credential_process` expects."""
    keys = Door(config).credentials()
    answer: dict[str, object] = {
        "Version": 1,
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
    }
    if keys.session_token:
        answer["SessionToken"] = keys.session_token
    if keys.expires_at:
        answer["Expiration"] = keys.expires_at
    output.print_json(answer)


def exported(facts: RunFacts, keys: Credentials, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to set."""
    variables = {
        "AWS_ENDPOINT_URL": facts.endpoint,
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
    }
    if keys.session_token:
        variables["AWS_SESSION_TOKEN"] = keys.session_token
    if facts.ca_bundle:
        variables["AWS_CA_BUNDLE"] = facts.ca_bundle
    host = urlsplit(facts.endpoint).hostname or ""
    if proxied(environ, host):
        for name in ("NO_PROXY", "no_proxy"):
            variables[name] = ",".join(filter(None, [environ.get(name, ""), host]))
    return variables


def overriding(environ: Mapping[str, str]) -> list[str]:
    """The variables to unset: the known ones always, any other service's endpoint when it is set."""
    others = sorted(name for name in environ if re.fullmatch(r"AWS_ENDPOINT_URL_[A-Z0-9_]+", name))
    return [*OVERRIDING, *(name for name in others if name not in OVERRIDING)]


def proxied(environ: Mapping[str, str], host: str) -> bool:
    """Whether tools would send requests for `host` to a proxy, which cannot reach this machine's loopback."""
    proxies = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    if not any(environ.get(name) for name in proxies):
        return False
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return not any(each.strip() in {host, "*"} for each in spared.split(","))


def _print_lines(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        click.echo(f"{name}={value}")


def _to_github(variables: Mapping[str, str], environ: Mapping[str, str]) -> None:
    file = environ.get("GITHUB_ENV")
    if not file:
        _print_lines(variables)
        return
    click.echo(f"::add-mask::{variables['AWS_SECRET_ACCESS_KEY']}")
    try:
        with Path(file).open("a", encoding="utf-8") as target:
            target.writelines(f"{name}={value}\n" for name, value in variables.items())
    except OSError as error:
        raise Failure(f"GITHUB_ENV names {file}, which cannot be written: {error.strerror}") from error


def _quoted(value: str) -> str:
    """Quoted for any POSIX shell."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=-]+", value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
