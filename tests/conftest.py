"""What every test may use: a home of its own, so that nothing of the person's is read or written, a server of one
file, and one browser. And how the tests are run: which are left out of `make quick`, and which stay together when two
processes share them (`-n 2`)."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.scheduler import LoadScopeScheduling

# Torch's threads wait asleep, as in the lab (compute/cluster.py): spinning, those of two processes keep each other from
# the cores, and tests take several times as much processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

MARKERS = {"browser": "browser", "ray_running": "ray", "start_app": "ray"}  # what each fixture makes of a test
TOGETHER = ("tests/browser", "tests/compute")  # one server and one Ray for all tests of each folder
QUICK_S = 5.0  # processor time that a test of `make quick` may take
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# No sandbox: containers and CI run as root. The rest keeps Chromium from calling out.
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what `make quick` leaves out; where several processes share the tests, the longest folders come first."""
    for item in items:
        for fixture, marker in MARKERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> "LoadScopeScheduling":
    """A file stays in one process, and so do the folders whose tests share what is slow to start."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next(filter(nodeid.startswith, TOGETHER), nodeid.split("::")[0])

    config.option.loadscopereorder = False
    return Together(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Notes how much processor time a test takes, that of the programs that it ran included."""
    before = processor_seconds()
    yield
    item.user_properties.append(("processor_s", processor_seconds() - before))


def processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the tests that are too slow for `make quick` and not marked so."""
    for report in terminalreporter.getreports("passed"):
        seconds = dict(report.user_properties).get("processor_s", 0.0)
        if seconds > QUICK_S and not {"slow", *MARKERS.values()} & {*report.keywords}:
            terminalreporter.write_line(f"{seconds:.1f} s of processor time, mark it slow: {report.nodeid}")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Networks of tests are tiny: more threads only wait for each other. And bits are promised for one number of
    threads."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the app and the command line take for their home."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKIP_EXPLORER_HOME", str(folder))
    return folder


class FileServer(ThreadingHTTPServer):
    """Serves ``content`` at any path of this machine; ``behaviour`` is "whole", "missing", "cut" (half of it, then the
    end), "changed" (another last byte) or "stuck" (half of it, then nothing).
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FileHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.content = b""
        self.behaviour = "whole"
        self.released = threading.Event()


class FileHandler(BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        behaviour, content = self.server.behaviour, self.server.content
        if behaviour == "changed":
            content = content[:-1] + b"?"
        self.send_response(404 if behaviour == "missing" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if behaviour in ("whole", "changed") else content[: len(content) // 2])
        if behaviour == "stuck":
            self.server.released.wait(20)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A server to download from; a test says what it serves and how it behaves."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """One headless Chromium for all tests, the system's where there is one, else Playwright's own; skips where none
    is installed. Playwright takes only one at a time."""
    from playwright.sync_api import sync_playwright  # a bare GPU machine runs some of the tests without it

    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), MAC if Path(MAC).exists() else None)
        if not found and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium here: run `python -m playwright install chromium`")
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()
