import math

import pytest

from resnet_core.analysis.phrases import format_number, join_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "exactly 0"),
        (0.0123, "0.012"),
        (0.999, "1.0"),
        (9.96, "10"),
        (1234, "1,200"),
        (9960, "1.0 × 10⁴"),
        (0.00994, "9.9 × 10⁻³"),
        (-3.4e-21, "-3.4 × 10⁻²¹"),
        (math.inf, "infinite"),
        (math.nan, "not a number"),
    ],
)
def test_two_digits_and_decades(value: float, text: str) -> None:
    assert format_number(value) == text


def test_lists_read_as_sentences() -> None:
    assert [join_words(list("abc"[:n])) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
