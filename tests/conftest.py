"""What every test may use: a home of its own, so that nothing of the person's is read or written, and one browser."""

import shutil
from collections.abc import Iterator
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
