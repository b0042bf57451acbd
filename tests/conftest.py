"""What every test may use: a home of its own, so that nothing of the person's is read or written."""

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the app and the command line take for their home."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKIP_EXPLORER_HOME", str(folder))
    return folder
