"""The operator's side of accounts, through the door and the command line: make, list, close sign-up, read the outbox."""

import json
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from millpond.cli import cli
from millpond.cli.door import Refused
from millpond.kernel import ids
from tests.support.installation import Installation


def run(millpond: Installation, *arguments: str) -> Result:
    done = CliRunner().invoke(cli, ["--home", str(millpond.config.home), *arguments])
    assert done.exit_code == 0, done.output
    return done


def an_address() -> str:
    return f"ann-{ids.token(6).lower()}x@example.com"


def test_an_account_is_made_and_its_password_kept_out_of_the_output(millpond: Installation):
    email = an_address()
    said = dict(
        line.split("=", 1)
        for line in run(millpond, "account", "create", "--email", email, "--name", "Lake").output.split()
    )
    file = Path(said["password_file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() not in json.dumps(said)
    listed = json.loads(run(millpond, "account", "list", "--json").output)
    assert {"id": said["account"], "name": "Lake", "email": email} in [
        {name: each[name] for name in ("id", "name", "email")} for each in listed["accounts"]
    ]
    assert "The account Lake was made" in run(millpond, "outbox").output


def test_an_address_has_one_account(millpond: Installation):
    email = an_address()
    millpond.door.create_account(name="Lake", email=email)
    with pytest.raises(Refused, match="exists already"):
        millpond.door.create_account(name="Lake", email=email.upper())
    with pytest.raises(Refused, match="valid e-mail"):
        millpond.door.create_account(name="Lake", email="ann@example.com\nBcc: x@example.com")
    with pytest.raises(Refused, match="no closed account"):
        millpond.door.reopen_account("111122223333")


def test_sign_up_is_closed_and_opened(millpond: Installation):
    assert run(millpond, "account", "close-signup").output == "sign-up is closed\n"
    assert "sign-up is closed" in run(millpond, "account", "list").output
    assert "closed sign-up" in page(millpond, "/signup")[1]
    assert run(millpond, "account", "open-signup").output == "sign-up is open\n"
    assert "Send the code" in page(millpond, "/signup")[1]


def test_the_outbox_is_json_where_scripts_read(millpond: Installation):
    email = an_address()
    millpond.door.create_account(name="Lake", email=email)
    assert email in [each["recipient"] for each in json.loads(run(millpond, "outbox", "--json").output)]


def test_pages_and_api_share_one_origin(millpond: Installation):
    assert page(millpond, "/", accept="text/html")[0] == 303
    assert page(millpond, "/", accept="*/*")[0] == 403
    assert page(millpond, "/?Action=ListUsers&Version=2010-05-08", accept="text/html")[0] == 403
    assert page(millpond, "/signin", accept="*/*")[0] == 200
    assert page(millpond, "/token", accept="text/html")[0] >= 400
    assert millpond.client("sts").get_caller_identity()["Account"] == millpond.facts.account
    assert millpond.facts.console == f"{millpond.facts.endpoint}/signin"


def page(millpond: Installation, target: str, *, accept: str = "text/html") -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(millpond.facts.endpoint).netloc, timeout=30)
    try:
        connection.request("GET", target, headers={"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
