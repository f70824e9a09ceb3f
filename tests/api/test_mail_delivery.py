"""A whole Millpond with a mail server: the code of a sign-up arrives as a mail, and the account's confirmation after it."""

import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.support.installation import installation
from tests.support.smtp import smtp_server
from tests.support.waiting import eventually


class Form:
    """A browser of few words: one cookie, one form at a time."""

    def __init__(self, endpoint: str) -> None:
        self._host = urlsplit(endpoint).netloc
        self._cookie = self._token = ""

    def send(self, method: str, path: str, **fields: str) -> str:
        connection = HTTPConnection(self._host, timeout=30)
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"form_token": self._token} | fields) if method == "POST" else None
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        if found := re.search(r'name="form_token" value="(\w+)"', text):
            self._token = found[1]
        connection.close()
        return answer.getheader("location") or text


def test_codes_and_confirmations_are_mailed(tmp_path: Path):
    password = "Quiet-harbour-1"
    with smtp_server() as mailbox:
        settings = {"smtp_url": f"smtp://127.0.0.1:{mailbox.port}", "mail_from": "millpond@example.com"}
        with installation(tmp_path / "home", settings=settings) as millpond:
            form = Form(millpond.facts.endpoint)
            form.send("GET", "/signup")
            made = form.send(
                "POST", "/signup", email="ann@example.com", name="Harbour", password=password, password_again=password
            )
            assert made == "/signup/verify"
            eventually(lambda: len(mailbox.mails) == 1, "the code arrives")
            code = re.search(r"\b\d{6}\b", mailbox.mails[0].get_content())
            assert code is not None
            assert code[0] not in mailbox.mails[0]["Subject"]
            form.send("GET", "/signup/verify")
            assert form.send("POST", "/signup/verify", code=code[0]) == "/signin?welcome"
            eventually(lambda: len(mailbox.mails) == 2, "the confirmation arrives")
            account = millpond.door.accounts().accounts[1]
            assert mailbox.mails[1]["To"] == "ann@example.com" == account.email
            assert account.id in mailbox.mails[1].get_content()
            eventually(
                lambda: [(each.state, each.body) for each in millpond.door.outbox()] == [("delivered", "")] * 2,
                "the outbox forgets the words",
            )
