import os
import sys

import numpy as np
import pytest
from PIL import Image

from resnet_core.data import class_folders as reading
from resnet_core.data import limits
from resnet_core.data.class_folders import picture_entries, read_class_folders
from resnet_core.data.file_tree import open_tree
from resnet_core.errors import DataError


@pytest.fixture
def read(tmp_path):
    """A function that reads a folder: what was read, and the pictures of both parts."""
    target = tmp_path / "target"
    target.mkdir()

    def read(top, seed=0, progress=lambda what, fraction: None):
        with open_tree(top) as tree:
            result = read_class_folders(tree, picture_entries(tree), target, seed, progress)
        return result, np.load(target / "x_train.npy"), np.load(target / "x_test.npy")

    return read


def shades(images, label):
    """Which pictures of the class these are: the fixture numbers them by their green."""
    return sorted(int(image[16, 16, 1]) // 3 for image in images if int(image[16, 16, 0]) == 40 * label)


def test_without_a_split_a_fifth_of_each_class_is_for_testing(read, class_folders):
    top = class_folders({"daisy": 10, "rose": 26})
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose")
    assert np.bincount(result.y_train).tolist() == [8, 21] and np.bincount(result.y_test).tolist() == [2, 5]
    assert sorted(shades(train, 1) + shades(test, 1)) == list(range(26))
    np.testing.assert_array_equal(train[:, 16, 16, 0] // 40, result.y_train)
    assert shades(read(top)[2], 1) == shades(test, 1)
    assert shades(read(top, seed=1)[2], 1) != shades(test, 1)


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "VAL"), ("train", "validation")])
def test_a_split_that_is_there_is_kept(read, class_folders, tmp_path, names):
    top = tmp_path / "pictures"
    class_folders({"daisy": 4, "rose": 5}, top / names[0])
    class_folders({"daisy": 2, "rose": 1}, top / names[1])
    result, _, test = read(top)
    assert np.bincount(result.y_train).tolist() == [4, 5] and np.bincount(result.y_test).tolist() == [2, 1]
    assert shades(test, 0) == [0, 1]


def test_validation_beside_test_is_left_out_and_said(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    for part, n in (("train", 5), ("test", 2), ("val", 3)):
        class_folders({"daisy": n, "rose": n}, top / part)
    result, train, test = read(top)
    assert (len(train), len(test)) == (10, 4)
    assert any("val" in note for note in result.notes)


def test_training_folder_alone_is_split(read, class_folders, tmp_path):
    class_folders({"daisy": 10, "rose": 10}, tmp_path / "pictures" / "train")
    result, train, test = read(tmp_path / "pictures")
    assert result.classes == ("daisy", "rose") and (len(train), len(test)) == (16, 4)


def test_unlabelled_test_pictures_are_left_out_and_training_is_split(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"daisy": 10, "rose": 10}, top / "train")
    class_folders({"test": 3}, top)
    result, train, test = read(top)
    assert (len(train), len(test)) == (16, 4)
    assert any("test left out" in note for note in result.notes)


def test_a_class_called_train_is_a_class(read, class_folders):
    assert read(class_folders({"plane": 5, "train": 5}))[0].classes == ("plane", "train")


def test_wrapping_folders_and_deeper_folders(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"daisy": 5, "rose/red": 5, "rose/white": 5}, top / "flowers-1.0" / "data")
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose")
    assert len(train) + len(test) == 15


def test_number_folders_are_in_the_order_of_numbers(read, class_folders):
    assert read(class_folders({"10": 5, "9": 5, "1": 5}))[0].classes == ("1", "9", "10")


def test_pictures_of_any_size_become_their_middle_square(read, tmp_path, class_folders):
    top = class_folders({"a": 5, "b": 5})
    wide = Image.new("RGB", (300, 100), (255, 255, 255))
    wide.paste((7, 8, 9), (100, 0, 200, 100))
    for i in range(5):
        wide.save(top / "a" / f"{i}.png")
    _, train, _ = read(top)
    assert (train[0] == (7, 8, 9)).all()


def test_few_bad_pictures_are_left_out_counted_and_named(read, class_folders):
    top = class_folders({"a": 30, "b": 30})
    (top / "a" / "4.png").write_text("no picture at all")
    cut = (top / "b" / "5.png").read_bytes()[:40]
    (top / "b" / "5.png").write_bytes(cut)
    (top / "b" / "labels.csv").write_text("not meant to be a picture")
    result, train, test = read(top)
    assert len(train) + len(test) == 58 == len(result.y_train) + len(result.y_test)
    (note,) = [note for note in result.notes if "cannot be read" in note]
    assert note.startswith("2 of 60") and "a/4.png" in note and "b/5.png" in note


def test_many_bad_pictures_are_a_reason_to_refuse(read, class_folders):
    top = class_folders({"a": 30, "b": 30})
    for i in range(4):
        (top / "a" / f"{i}.png").write_text("no picture at all")
    with pytest.raises(DataError, match="text"):
        read(top)


def test_class_that_loses_too_many_bad_pictures_is_refused(read, class_folders):
    top = class_folders({"a": 60, "b": 5})
    for i in range(2):
        (top / "b" / f"{i}.png").write_text("no picture at all")
    with pytest.raises(DataError, match="'b'"):
        read(top)


@pytest.mark.parametrize(
    ("counts", "words"),
    [({"only": 20}, "class"), ({"a": 10, "b": 4}, "'b'"), ({"": 20}, "class folders")],
)
def test_what_is_no_dataset_is_refused(read, class_folders, counts, words):
    with pytest.raises(DataError, match=words):
        read(class_folders(counts))


def test_test_class_that_is_not_trained_is_refused(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"a": 5, "b": 5}, top / "train")
    class_folders({"a": 5, "b": 5, "c": 5}, top / "test")
    with pytest.raises(DataError, match="'c'"):
        read(top)
    class_folders({"c": 5}, top / "train")
    class_folders({"d": 5}, top / "train")
    with pytest.raises(DataError, match="'d' has 0 test"):
        read(top)


def test_folder_without_pictures_is_refused(tmp_path, read):
    (tmp_path / "empty" / "a").mkdir(parents=True)
    (tmp_path / "empty" / "a" / "readme.txt").touch()
    with pytest.raises(DataError, match="no pictures"):
        read(tmp_path / "empty")


def test_progress_ends_at_one(read, class_folders):
    told = []
    read(class_folders({"a": 60, "b": 60}), progress=lambda what, fraction: told.append(fraction))
    assert told == sorted(told) and told[-1] == 1 and len(told) >= 2


# What lies beside the data


def add_picture(encode, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(Image.new("RGB", (20, 20), (1, 2, 3))))


def left_out(result):
    return [note for note in result.notes if "left out" in note]


@pytest.mark.parametrize(
    ("stray", "note"),
    [
        ("cover.jpg", "the picture cover.jpg in no class folder left out"),
        ("docs/screen.png", "the folder docs left out"),
        ("docs/deep/down/screen.png", "the folder docs left out"),
    ],
)
@pytest.mark.parametrize("data", ["", "flowers", "flowers/v1/data"])
def test_one_thing_beside_the_data_is_left_out_and_named(read, class_folders, encode, tmp_path, data, stray, note):
    top = tmp_path / "pictures"
    class_folders({"daisy": 10, "rose": 26}, top / data)
    for place in {top, top / data}:
        add_picture(encode, place / stray)
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose") and len(train) + len(test) == 36
    beside_classes = note.replace("docs", "docs too small for a class")
    assert left_out(result) == [beside_classes, *[note] * (len({top, top / data}) - 1)]


@pytest.mark.parametrize("data", ["", "flowers"])
def test_strays_beside_and_in_a_split_are_left_out(read, class_folders, encode, tmp_path, data):
    top = tmp_path / "pictures"
    class_folders({"daisy": 20, "rose": 20}, top / data / "train")
    class_folders({"daisy": 5, "rose": 5}, top / data / "test")
    for place in ("cover.jpg", "train/first.png", "test/first.png", "train/docs/1.png"):
        add_picture(encode, top / data / place)
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose") and (len(train), len(test)) == (40, 10)
    assert left_out(result) == [
        "the picture cover.jpg in no class folder left out",
        "the picture first.png in no class folder left out",
        "the picture first.png in no class folder left out",
        "the folder docs too small for a class left out",
    ]


def test_what_is_left_out_is_counted_when_it_is_much(read, class_folders, encode, tmp_path):
    top = class_folders({"daisy": 10, "rose": 10})
    for k in range(12):
        add_picture(encode, top / f"{k}.png")
    assert left_out(read(top)[0]) == ["12 pictures in no class folder left out (0.png, 1.png, 2.png …)"]


def test_folders_too_small_for_a_class_are_left_out_only_where_they_are_few(read, class_folders, encode, tmp_path):
    top = class_folders({"daisy": 50, "rose": 48, "a": 4})
    assert left_out(read(top)[0]) == ["the folder a too small for a class left out"]
    add_picture(encode, top / "b" / "1.png")
    assert left_out(read(top)[0]) == ["2 folders too small for a class left out (a, b)"]
    add_picture(encode, top / "b" / "2.png")  # 6 of 104
    with pytest.raises(DataError, match="'b' has 1 training pictures"):
        read(top)


def test_two_datasets_side_by_side_are_not_guessed_at(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"daisy": 10, "rose": 10}, top / "flowers")
    class_folders({"cat": 10, "dog": 10}, top / "animals")
    assert read(top)[0].classes == ("animals", "flowers")


def test_folders_in_folders_without_end_are_no_reason_to_fall(read, class_folders, tmp_path):
    class_folders({"only": 6}, tmp_path / "pictures" / "/".join("x" * 400))
    with pytest.raises(DataError, match="one class"):
        read(tmp_path / "pictures")


# What is too much


def test_room_is_looked_for_before_anything_is_read(read, class_folders, free_bytes, monkeypatch):
    top = class_folders({"a": 30, "b": 30})
    monkeypatch.setattr(reading, "read_for_network", lambda *_: pytest.fail("decoded"))
    free_bytes(memory=300_000)
    with pytest.raises(DataError, match="60 pictures, which a training holds at once, take 185 kB of memory"):
        read(top)
    free_bytes(memory=1 << 30, disk=limits.DISK_RESERVE + 100_000)
    with pytest.raises(DataError, match=r"60 pictures take 185 kB of disk\. Only 100 kB can be used"):
        read(top)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "HEIF"])
def test_decoding_is_estimated_by_headers_before_it_begins(read, class_folders, encode, monkeypatch, kind):
    top = class_folders({"a": 30, "b": 30})
    if kind == "HEIF":
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.register_heif_opener()
    large = encode(Image.new("RGB", (1000, 1000)), kind)
    for name in "ab":
        for i in range(30):
            (top / name / f"{i}.png").write_bytes(large if i else large[:10])
    monkeypatch.setattr(reading, "read_for_network", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.05)
    monkeypatch.setattr(limits, "process_time", lambda: 0.0)
    with pytest.raises(DataError, match=r"60 pictures of this size takes about \d+ seconds of computing; .* may take"):
        read(top)


def test_a_header_behind_much_else_is_found(read, class_folders, encode, monkeypatch):
    top = class_folders({"a": 5, "b": 5})
    late = encode(Image.new("RGB", (5000, 5000)), "JPEG", comment=b"x" * 65_000, exif=b"Exif\0\0" + bytes(60_000))
    assert late.index(b"\xff\xc0") > reading._HEADER_BYTES
    for name in "ab":
        for i in range(5):
            (top / name / f"{i}.png").write_bytes(late)
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.2)
    monkeypatch.setattr(limits, "process_time", lambda: 0.0)
    with pytest.raises(DataError, match="10 pictures of this size"):
        read(top)


def test_decoding_that_takes_longer_than_headers_said_is_stopped(read, class_folders, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(limits, "process_time", lambda: now[0])

    def slow(*_):
        now[0] += 50
        return np.zeros((32, 32, 3), np.uint8)

    monkeypatch.setattr(reading, "read_for_network", slow)
    with pytest.raises(DataError, match="stopped at 7 of 60, after 300 seconds"):
        read(class_folders({"a": 30, "b": 30}))


def test_more_bytes_than_are_read_are_refused_by_their_sizes(read, class_folders, monkeypatch):
    monkeypatch.setattr(reading, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(DataError, match=r"The pictures have \d+\.\d kB; at most 1.0 kB are read"):
        read(class_folders({"a": 30, "b": 30}))


def test_file_too_large_for_a_picture_is_left_out_unread(read, class_folders, encode):
    top = class_folders({"a": 30, "b": 30})
    with open(top / "a" / "3.png", "wb") as file:
        file.truncate(31_000_000)
    assert "1 of 60 pictures left out because they cannot be read (a/3.png)" in read(top)[0].notes


# Names


@pytest.mark.parametrize(("name", "words"), [("9" * 201, "201 characters"), ("two\nlines", "no text")])
def test_class_folders_that_cannot_be_named_are_refused(read, class_folders, name, words):
    with pytest.raises(DataError, match=words) as caught:
        read(class_folders({"a": 10, name: 10}))
    assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_file_names_that_are_no_text(read, class_folders):
    top = class_folders({"a": 30, "b": 30})
    os.rename(top / "a" / "3.png", os.fsencode(top / "a") + b"/caf\xe9.png")
    assert len(read(top)[0].y_train) == 48
    (top / "a" / "caf\udce9.png").write_text("no picture")
    (note,) = [note for note in read(top)[0].notes if "cannot be read" in note]
    assert note.endswith("(a/caf?.png)")
    os.rename(top / "b", os.fsencode(top) + b"/caf\xe9")
    with pytest.raises(DataError, match=r"'caf\?' holds characters that are no text"):
        read(top)
