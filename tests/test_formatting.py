import math

import pytest

from resnet_core.figures import numbers


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (lambda: numbers.percent(0.0834), "8.3 %"),
        (lambda: numbers.percent(0.0004, 2), "0.04 %"),
        (lambda: numbers.percent(None), "–"),
        (lambda: numbers.count(269_722), "0.27 M"),
        (lambda: numbers.count(1_727_962), "1.7 M"),
        (lambda: numbers.count(19_421_274), "19.4 M"),
        (lambda: numbers.count(11.3e9), "11.3 G"),
        (lambda: numbers.count(9_500), "9,500"),
        (lambda: numbers.count(999_990_000), "1.0 G"),
        (lambda: numbers.rate(1123.4), "1,120 images/s"),
        (lambda: numbers.rate(math.nan), "–"),
        (lambda: numbers.duration(0.42), "0.4 s"),
        (lambda: numbers.duration(59.7), "1 min"),
        (lambda: numbers.duration(200), "3 min 20 s"),
        (lambda: numbers.duration(3_900), "1 h 5 min"),
        (lambda: numbers.duration(2 * 86_400 + 3 * 3_600), "2 d 3 h"),
        (lambda: numbers.duration(-1), "–"),
        (lambda: numbers.file_size(812), "812 B"),
        (lambda: numbers.file_size(3_200), "3.2 kB"),
        (lambda: numbers.file_size(170_498_071), "170 MB"),
        (lambda: numbers.scientific(3.21e-5), "3.2 × 10⁻⁵"),
        (lambda: numbers.scientific(-3.21e-5), "-3.2 × 10⁻⁵"),
        (lambda: numbers.scientific(0.0321), "0.0321"),
        (lambda: numbers.scientific(0.0), "exactly 0"),
        (lambda: numbers.scientific(math.inf), "infinite"),
        (lambda: numbers.scientific(math.nan), "not a number"),
        (lambda: numbers.decade(-6), "10⁻⁶"),
        (lambda: numbers.decade(0), "1"),
    ],
)
def test_numbers_read_as_people_write_them(call, shown):
    assert call() == shown
