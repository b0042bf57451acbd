import pytest

from resnet_core.data.names import check_class_names, natural_key, printable, short_name, title_of
from resnet_core.errors import DataError


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "''"),
        ("a" * 201, "201 characters"),
        ("\ud800", "no text"),
        ("caf\udce9", "no text"),  # as Python shows a byte of a Latin-1 file name
        ("two\nlines", "no text"),
        ("zero\0", "no text"),
        ("dog", "'dog' is there twice"),
    ],
)
def test_names_that_cannot_be_kept_or_shown_are_refused(name: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        check_class_names(["cat", "dog", name])
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200


def test_ordinary_names_of_any_script_pass() -> None:
    check_class_names(["café", "Löwenzahn", "猫", "قط", "🐈", "a" * 200, "9" * 200, " "])


def test_numbers_in_names_sort_by_value() -> None:
    names = ["9", "10", "a2", "a10", "b", "x٩", "x١٠"]  # the last two in Arabic digits
    assert sorted(reversed(names), key=natural_key) == names
    assert sorted(["01", "1", "001"], key=natural_key) == ["001", "01", "1"]  # of one value: by their text


def test_keys_of_long_names_are_made_quickly_and_stay_small() -> None:
    for name in ("9" * 100_000, "a1" * 50_000):
        assert sum(map(len, natural_key(name))) <= 5 * len(name)


def test_what_is_shown_is_short_and_can_be_written() -> None:
    assert short_name("C:\\pictures\\my.zip") == "my.zip"
    assert len(short_name("a" * 1_000_000 + ".zip")) < 60 and short_name("a" * 1000 + ".zip").endswith(".zip")
    assert printable("caf\udce9\n") == "caf??"
    assert title_of("  My\nflowers ") == "My flowers"
    assert title_of("\n") == "pictures" and len(title_of("x" * 1000)) == 100
