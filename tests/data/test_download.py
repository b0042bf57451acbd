"""Downloads from a server of this machine that behaves badly."""

import hashlib
import socket
from pathlib import Path

import pytest

from resnet_core.data import download as module
from resnet_core.data.download import Checksum, DownloadError, download

CONTENT = bytes(range(256)) * 20_000
SHA256 = Checksum("sha256", hashlib.sha256(CONTENT).hexdigest()[:8])


@pytest.fixture
def server(file_server):
    file_server.content = CONTENT
    return file_server


def test_a_whole_file_comes_with_its_progress(server, tmp_path: Path) -> None:
    told = []
    download(server.url, tmp_path / "file", SHA256, told.append)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert told == sorted(told) and told[-1] == len(CONTENT) and len(told) > 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("behaviour", "words"), [("missing", "404"), ("cut", "ended after 3 of 5 MB"), ("changed", "checksum")]
)
def test_a_download_that_fails_says_why_and_leaves_nothing(server, tmp_path: Path, behaviour: str, words: str) -> None:
    server.behaviour = behaviour
    with pytest.raises(DownloadError, match=words):
        download(server.url, tmp_path / "file", SHA256, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_stalled_download_is_given_up(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED_S", 0.5)
    server.behaviour = "stuck"
    with pytest.raises(DownloadError, match="stands still at 3 MB"):
        download(server.url, tmp_path / "file", SHA256, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_server_the_systems_word_is_passed_on(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file"
    with pytest.raises(DownloadError, match="refused"):
        download(url, tmp_path / "file", SHA256, lambda _: None)


def test_whoever_cancels_leaves_nothing_and_an_older_file_alone(server, tmp_path: Path) -> None:
    def cancel(_: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        download(server.url, tmp_path / "file", SHA256, cancel)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"older")]


def test_checksums_of_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert SHA256.matches(tmp_path / "file")
    assert Checksum("md5", hashlib.md5(CONTENT).hexdigest()).matches(tmp_path / "file")
    assert not Checksum("md5", SHA256.digits).matches(tmp_path / "file")
