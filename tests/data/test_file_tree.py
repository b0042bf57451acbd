import os
import stat
import zipfile

import pytest

from resnet_core.data import zips
from resnet_core.data.file_tree import open_tree
from resnet_core.errors import DataError


@pytest.fixture
def make_zip(tmp_path):
    def make(*members, name="a.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members:
                archive.writestr(member, content)
        return path

    return make


def listed(path):
    with open_tree(path) as tree:
        return ["/".join(entry.parts) for entry in tree.entries()]


def test_folder_and_zip_list_and_read_alike(tmp_path, make_zip):
    members = [("b/10.png", b"ten"), ("b/2.png", b"two"), ("a/x/1.png", b"one"), ("top.txt", b"t")]
    folder = tmp_path / "folder"
    for name, content in members:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for path in (folder, make_zip(*members)):
        with open_tree(path) as tree:
            assert listed(path) == ["a/x/1.png", "b/2.png", "b/10.png", "top.txt"]
            assert [tree.read(entry, 100) for entry in tree.entries()] == [b"one", b"two", b"ten", b"t"]
            assert tree.read(tree.entries()[0], 2) == b"on"


def test_hidden_files_are_nobodys(make_zip):
    members = ["a/1.png", "a/.DS_Store", "__MACOSX/a/._1.png", ".git/x"]
    assert listed(make_zip(*((name, b"") for name in members))) == ["a/1.png"]


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png"])
def test_zip_that_points_outside_is_refused(make_zip, name):
    with pytest.raises(DataError, match="outside"):
        listed(make_zip(("a/1.png", b""), (name, b"")))


def test_zip_with_a_link_is_refused(make_zip):
    link = zipfile.ZipInfo("a/passwd.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link"):
        listed(make_zip((link, "/etc/passwd")))


def test_zip_bombs_are_refused_unread(make_zip, monkeypatch):
    path = make_zip(*((f"a/{i}.png", bytes(1000)) for i in range(20)))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    monkeypatch.setattr(zips, "MAX_UNPACKED_BYTES", 19_999)
    with pytest.raises(DataError, match="unpacks to 20"):
        listed(path)
    monkeypatch.setattr(zips, "MAX_FILES", 19)
    with pytest.raises(DataError, match="19 files"):
        listed(path)


def test_zip_with_a_password_is_refused(make_zip):
    path = make_zip(("a/1.png", b"x"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the directory
    path.write_bytes(data)
    with pytest.raises(DataError, match="password"):
        listed(path)


def test_damaged_zip_is_refused(make_zip, tmp_path):
    path = make_zip(("a/1.png", os.urandom(2000)))
    data = path.read_bytes()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "cut.zip").write_bytes(data[:1000])
    for name in ("text.zip", "cut.zip"):
        with pytest.raises(DataError, match=name):
            listed(tmp_path / name)
    (tmp_path / "flipped.zip").write_bytes(data[:1000] + b"?" + data[1001:])
    with open_tree(tmp_path / "flipped.zip") as tree, pytest.raises(DataError, match=r"1\.png"):
        tree.read(tree.entries()[0], 5000)


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "1.png").touch()
    (tmp_path / "a" / "b" / "circle").symlink_to(tmp_path)
    assert listed(tmp_path) == ["a/1.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among files")
def test_what_is_no_file_is_no_entry(tmp_path):
    (tmp_path / "1.png").touch()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe.png")  # whoever opens it waits for somebody to write
    assert listed(tmp_path) == ["1.png"]


def test_names_of_thousands_of_digits_are_sorted(make_zip):
    long = "9" * 5000
    assert listed(make_zip((f"a/{long}1.png", b""), (f"a/{long}.png", b""))) == [f"a/{long}.png", f"a/{long}1.png"]
