import os
from pathlib import Path

import pytest

from resnet_core.data import limits
from resnet_core.data.temporary import clear_leftovers
from resnet_core.data.uploads import remove_upload, save_upload
from resnet_core.errors import DataError


def test_an_upload_is_kept_until_it_is_removed(home: Path) -> None:
    first, second = save_upload(home, "my roses.zip", b"one"), save_upload(home, "my roses.zip", b"two")
    assert first.name == second.name == "my roses.zip" and first.read_bytes() == b"one"
    clear_leftovers(home)
    remove_upload(home, first)
    remove_upload(home, first)
    assert second.read_bytes() == b"two" and len(os.listdir(home / "uploads")) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../evil.npz", "evil.npz"),
        ("C:\\Users\\me\\x.zip", "x.zip"),
        ("..", "pictures"),
        ("", "pictures"),
        ("a\0b\udce9.zip", "a?b?.zip"),
        ("猫" * 300 + ".zip", "猫" * 60 + ".zip"),
        (".zip", "zip"),
    ],
)
def test_any_name_becomes_one_that_can_be_written(home: Path, name: str, kept: str) -> None:
    path = save_upload(home, name, b"data")
    assert path.name == kept and path.parent.parent == home / "uploads" and path.read_bytes() == b"data"


def test_a_file_that_was_not_uploaded_stays(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.zip"
    own.touch()
    save_upload(home, "a.zip", b"")
    remove_upload(home, own)
    assert own.exists()


def test_a_full_disk_is_a_sentence_and_leaves_nothing(home: Path, free_bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    free_bytes(disk=limits.DISK_RESERVE + 2_000_000)
    with pytest.raises(DataError, match=r"my\.zip takes 3\.0 MB of disk\. Only 2\.0 MB can be used"):
        save_upload(home, "my.zip", bytes(3_000_000))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"my\.zip cannot be kept \(No space left on device\)\. Only 2\.0 MB"):
        save_upload(home, "my.zip", b"x")
    assert os.listdir(home / "uploads") == []
