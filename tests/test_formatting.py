import math

import pytest

from resnet_core import formatting


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (lambda: formatting.percent(0.0834), "8.3 %"),
        (lambda: formatting.percent(0.0004, 2), "0.04 %"),
        (lambda: formatting.percent(None), "–"),
        (lambda: formatting.count(269_722), "0.27 M"),
        (lambda: formatting.count(1_727_962), "1.7 M"),
        (lambda: formatting.count(19_421_274), "19.4 M"),
        (lambda: formatting.count(11.3e9), "11.3 G"),
        (lambda: formatting.count(9_500), "9,500"),
        (lambda: formatting.count(999_990_000), "1.0 G"),
        (lambda: formatting.rate(1123.4), "1,120 images/s"),
        (lambda: formatting.rate(math.nan), "–"),
        (lambda: formatting.duration(0.42), "0.4 s"),
        (lambda: formatting.duration(59.7), "1 min"),
        (lambda: formatting.duration(200), "3 min 20 s"),
        (lambda: formatting.duration(3_900), "1 h 5 min"),
        (lambda: formatting.duration(2 * 86_400 + 3 * 3_600), "2 d 3 h"),
        (lambda: formatting.duration(-1), "–"),
        (lambda: formatting.file_size(812), "812 B"),
        (lambda: formatting.file_size(3_200), "3.2 kB"),
        (lambda: formatting.file_size(170_498_071), "170 MB"),
        (lambda: formatting.scientific(3.21e-5), "3.2 × 10⁻⁵"),
        (lambda: formatting.scientific(-3.21e-5), "-3.2 × 10⁻⁵"),
        (lambda: formatting.scientific(0.0321), "0.0321"),
        (lambda: formatting.scientific(0.0), "exactly 0"),
        (lambda: formatting.scientific(math.inf), "infinite"),
        (lambda: formatting.scientific(math.nan), "not a number"),
        (lambda: formatting.decade(-6), "10⁻⁶"),
        (lambda: formatting.decade(0), "1"),
    ],
)
def test_numbers_read_as_people_write_them(call, shown):
    assert call() == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12.5 roses, Shapes-10 (new!)", "12.5 roses, Shapes-10 (new!)"),
        ("[a](b) **c** _d_ `e` $f$ <i>", r"\[a\](b) \*\*c\*\* \_d\_ \`e\` \$f\$ \<i\>"),
        (":red[x] :smile: :material/home:", ":\u200bred\\[x\\] :\u200bsmile: :\u200bmaterial/home:"),
        ("&lt;b&gt; a|b", "\\&lt;b\\&gt; a\\|b"),
        ("http://a.de www.a.de a@b.de", "http:\u200b//a.de www\u200b.a.de a@\u200bb.de"),
        ("# a", "\\# a"),
        ("- a\n\n1. b\n    c", "\\- a 1. b c"),
        ("1. a", "1\\. a"),
        ("2) a", "2\\) a"),
        ("Error: at step 3", "Error: at step 3"),
    ],
)
def test_text_from_outside_is_no_markdown(text, shown):
    assert formatting.escape_markdown(text) == shown
