"""What every test may use: a home of its own, so that nothing of the person's is read or written, a server of one
file, and one browser."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# No sandbox: containers and CI run as root. The rest keeps Chromium from calling out.
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


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
