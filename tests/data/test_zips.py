import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from resnet_core.data import zips
from resnet_core.data.zips import open_zip
from resnet_core.errors import DataError


def make(path: Path, files: int = 3, compression: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.comment = comment
        for k in range(files):
            archive.writestr(f"a/{k}.png", bytes(100))
    return path


@pytest.mark.parametrize("comment", [b"", b"made by hand", b"PK\x05\x06" * 9])
def test_zips_as_programs_write_them_are_read(tmp_path: Path, comment: bytes) -> None:
    path = make(tmp_path / "a.zip", comment=comment)
    if comment.startswith(b"PK"):
        with pytest.raises(DataError, match=r"a\.zip"):  # neither zipfile knows what is meant
            open_zip(path)
        return
    with open_zip(path) as archive:
        assert len(archive.namelist()) == 3


def test_a_zip_behind_a_program_and_an_empty_one(tmp_path: Path) -> None:
    path = make(tmp_path / "a.zip")
    path.write_bytes(b"#!/bin/sh" * 100 + path.read_bytes())
    with open_zip(path) as archive:
        assert archive.read("a/1.png") == bytes(100)
    with open_zip(make(tmp_path / "empty.zip", files=0)) as archive:
        assert archive.namelist() == []


def test_a_zip64_is_read_and_its_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)  # zipfile then writes what is needed above 65,535
    path = make(tmp_path / "a.zip", files=20)
    assert b"PK\x06\x06" in path.read_bytes()
    with open_zip(path) as archive:
        assert len(archive.namelist()) == 20
    monkeypatch.setattr(zips, "MAX_FILES", 19)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("a list of the files was made"))
    with pytest.raises(DataError, match="more than 19 files"):
        open_zip(path)


def test_files_are_counted_whatever_number_the_zip_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.zip", files=20)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2H", content, len(content) - 14, 1, 1)
    path.write_bytes(content)
    monkeypatch.setattr(zips, "MAX_FILES", 19)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("a list of the files was made"))
    with pytest.raises(DataError, match="more than 19 files"):
        open_zip(path)


def test_a_list_of_files_that_memory_cannot_hold_is_not_made(tmp_path: Path, free_bytes) -> None:
    path = make(tmp_path / "a.zip", files=1000)
    free_bytes(memory=1_000_000)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"Listing the files of a\.zip takes 2\.\d MB of memory"):
        open_zip(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


@pytest.mark.parametrize(
    ("compression", "name"), [(zipfile.ZIP_LZMA, "LZMA"), (zipfile.ZIP_BZIP2, "bzip2"), (9, "Deflate64")]
)
def test_only_the_usual_compression_is_unpacked(tmp_path: Path, compression: int, name: str) -> None:
    path = make(tmp_path / "a.zip", compression=zipfile.ZIP_DEFLATED if compression == 9 else compression)
    if compression == 9:  # Deflate64, which zipfile cannot write
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 10] = 9
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"a/0.png in a.zip is compressed by .*{name}.*: zip it the usual way"):
        open_zip(path)


def test_names_that_are_not_what_they_claim_are_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é/1.png", b"")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))  # still marked as UTF-8
    with pytest.raises(DataError, match=r"a\.zip is not a zip that can be read"):
        open_zip(path)


def test_damage_anywhere_is_a_sentence(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.zip", files=2).read_bytes()
    path = tmp_path / "b.zip"
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            with open_zip(path) as archive:
                for info in archive.infolist():
                    with suppress(*zips.UNPACKING_ERRORS):
                        archive.read(info)
        except DataError as error:
            assert "b.zip" in str(error) and len(str(error)) < 250
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            open_zip(path)


def test_a_zip_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        open_zip(tmp_path / "missing.zip")
