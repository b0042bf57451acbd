"""A real server for the browser of tests/conftest.py."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

ROOT = Path(__file__).parent.parent.parent
SOON = 120_000  # ms: what takes a second when nothing else runs, and some right after the start


@dataclass(frozen=True)
class App:
    """The running server: where it answers, where it keeps things, how to call the command line on the same home."""

    address: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SKIP_EXPLORER_HOME": str(self.home)}

    def command(self, *words: str) -> str:
        """What ``python -m resnet_core`` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "resnet_core", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Visitor:
    """A person with a browser window of their own."""

    def __init__(self, page: Page, app: App) -> None:
        self.page = page
        self.app = app

    def visit(self, path: str = "") -> None:
        """Opens an address of the app and waits until the page is whole."""
        self.page.goto(f"{self.app.address}/{path}")
        expect(self.page.get_by_test_id("stHeading").first).to_be_visible()
        self.settled()

    def go(self, name: str) -> None:
        """Follows a link of the menu."""
        self.page.get_by_role("link", name=name).click()
        expect(self.page.get_by_test_id("stHeading").first).to_be_visible()
        self.settled()

    def settled(self) -> None:
        """Waits until the page's script has run to its end and nothing broke."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=SOON)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)

    def choose(self, widget: str, option: str) -> None:
        """Clicks one of the options of a pills or segmented control with that key."""
        self.page.locator(f".st-key-{widget}").get_by_text(option, exact=True).click()
        self.settled()

    def chart(self, key: str) -> Locator:
        """The figure with that key."""
        return self.page.locator(f".st-key-{key} .js-plotly-plot")

    def upload(self, name: str, kind: str, data: bytes) -> None:
        """Hands a picture to the Explain page."""
        self.hand_in([{"name": name, "mimeType": kind, "buffer": data}])

    def hand_in(self, files: object) -> None:
        """Hands files to the Explain page, at once; as playwright takes them."""
        self.page.locator(".st-key-picture input[type=file]").set_input_files(files)

    @property
    def alert(self) -> Locator:
        """The first message on the page."""
        return self.page.get_by_test_id("stAlert").first


@pytest.fixture(scope="session")
def app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a free port of 127.0.0.1, with a home of its own."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = App(f"http://127.0.0.1:{port}", home)
    words = ["-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1", "--server.port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=found.environment, stdout=log, stderr=log)
    try:
        wait_until_healthy(f"{found.address}/_stcore/health", process, home / "server.log")
        yield found
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_healthy(url: str, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    """Until the server answers; fails with its log when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the app did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def trained(app: App) -> list[str]:
    """Ids of a plain and a residual network, trained for some steps by the command line beside the running app."""
    words = ("--steps", "20", "--batch-size", "64", "--device", "cpu")
    return [app.command("train", "--preset", name, *words).strip() for name in ("plain-8", "resnet-8")]


@pytest.fixture
def new_visitor(browser: Browser, app: App) -> Iterator[Callable[[], Visitor]]:
    """``new_visitor()``: one more person with a fresh browser."""
    contexts = []

    def arrive() -> Visitor:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        contexts[-1].set_default_timeout(30_000)
        return Visitor(contexts[-1].new_page(), app)

    expect.set_options(timeout=30_000)
    yield arrive
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    """One person with a fresh browser."""
    return new_visitor()
