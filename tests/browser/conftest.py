"""A browser, an installation, and what a person at the screen can do."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.authenticator import Authenticator
from tests.support.installation import Installation, installation

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="Keep a picture of every page that is met in this directory.")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield started
        started.close()


@pytest.fixture
def millpond(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home") as running:
        yield running


@pytest.fixture
def person(browser: Browser, millpond: Installation, request: pytest.FixtureRequest) -> Iterator["Person"]:
    """Somebody at a screen, without JavaScript."""
    context = browser.new_context(base_url=millpond.facts.endpoint, java_script_enabled=False)
    page = context.new_page()
    yield Person(page, millpond, request.config.getoption("--screenshots", default=None))
    context.close()


class Person:
    """Reads pages, fills in forms, reads the outbox over the operator's shoulder."""

    def __init__(self, page: Page, millpond: Installation, pictures: Path | None) -> None:
        self.page = page
        self.millpond = millpond
        self._pictures = pictures

    def opens(self, path: str) -> None:
        self.page.goto(path)
        self.looks()

    def fills(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)

    def presses(self, name: str) -> None:
        """Press the button, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()
        self.looks()

    def follows(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).first.click()
        self.looks()

    def sees(self, *words: str) -> None:
        text = self.page.inner_text("body")
        for each in words:
            assert each in text, f"{each!r} is not on {self.page.url}:\n{text}"

    @property
    def heading(self) -> str:
        return self.page.inner_text("h1")

    def newest_letter(self, to: str) -> str:
        letters = [each for each in self.millpond.door.outbox() if each.recipient == to]
        assert letters, f"nothing was written to {to}"
        return letters[0].body

    def code_for(self, address: str) -> str:
        found = re.search(r"^ +(\d{6})$", self.newest_letter(address), re.MULTILINE)
        assert found is not None
        return found[1]

    def scans(self) -> Authenticator:
        """Read the seed from the page with the QR code."""
        self.page.click("summary")
        return Authenticator(self.page.inner_text(".secret code"), self.millpond.clock)

    def looks(self) -> None:
        """Nothing is cut off at the width of a small phone; keep pictures where they are asked for."""
        for width, scheme in ((1280, "light"), (360, "dark")):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": width, "height": 800})
            if self._pictures is not None:
                self._pictures.mkdir(parents=True, exist_ok=True)
                path = (
                    re.sub(r"\W+", "-", self.page.url.partition("//")[2].partition("/")[2].partition("?")[0]) or "root"
                )
                title = re.sub(r"\W+", "-", self.page.title().partition(" · ")[0].lower())
                self.page.screenshot(path=self._pictures / f"{path}.{title}.{width}.png", full_page=True)
        box = self.page.locator("main").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 360
        self.page.set_viewport_size({"width": 1280, "height": 800})
