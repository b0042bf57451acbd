import pytest

from resnet_core.figures.line_labels import label_margin, label_traces, spread_apart


def test_what_is_far_apart_stays_where_it_is():
    assert spread_apart([1.0, 9.0, 5.0], gap=1, low=0, high=10) == [1.0, 9.0, 5.0]


def test_what_is_close_moves_apart_in_its_order_and_inside_the_axis():
    placed = spread_apart([0.1, 0.0, 0.2], gap=1, low=0, high=10)
    assert placed[1] < placed[0] < placed[2]
    assert placed[0] - placed[1] == pytest.approx(1, abs=0.1)
    assert min(placed) >= 0


def test_labels_of_equal_ends_do_not_overlap_on_a_log_axis(styles):
    labels = label_traces({"a": 1e-3, "b": 1e-3}, 10, styles, False, (1e-6, 1.0), True, 400)
    upper, lower = sorted((label["y"][0] for label in labels), reverse=True)
    # 6 decades on 400 px: 22 px are a third of a decade.
    assert upper / lower == pytest.approx(10 ** (22 * 6 / 400), rel=0.05)


def test_the_margin_grows_with_the_longest_name_but_has_an_end(styles):
    assert label_margin(["a"], styles) < label_margin(["a", "c"], styles)
    assert label_margin([], styles) == 0
