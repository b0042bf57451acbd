import numpy as np

from resnet_core.figures.predictions import prediction_bars, select_classes
from resnet_core.figures.style import alt_text

CLASSES = ["cat", "dog", "frog", "ship"]
ANSWERS = {"a": np.array([0.5, 0.3, 0.15, 0.05]), "b": np.array([0.1, 0.0, 0.9, 0.0])}


def test_networks_stand_side_by_side_on_the_same_scale_and_classes(styles):
    figure = prediction_bars(ANSWERS, CLASSES, styles, False, top=3)
    assert [list(bars.y) for bars in figure.data] == [["frog", "cat", "dog"]] * 2
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert list(figure.data[0].x) == [15, 50, 30]


def test_each_networks_choice_is_bold(styles):
    figure = prediction_bars(ANSWERS, CLASSES, styles, False, top=3)
    assert [[text.startswith("<b>") for text in bars.text] for bars in figure.data] == [
        [False, True, False],
        [True, False, False],
    ]


def test_the_true_class_is_shown_and_marked_even_when_nobody_thought_of_it(styles):
    assert select_classes(list(ANSWERS.values()), 2, always=3) == [2, 3]
    figure = prediction_bars(ANSWERS, CLASSES, styles, False, true_class=3, top=2)
    assert "ship" in figure.data[0].y[-1] and "✓" in figure.data[0].y[-1]
    assert "true class is ship" in alt_text(figure)


def test_plain_and_residual_bars_differ_by_more_than_colour(styles):
    plain, residual = prediction_bars(ANSWERS, CLASSES, styles, False).data
    assert plain.marker.pattern.shape == "/" and not residual.marker.pattern.shape


def test_no_network_is_a_calm_sentence_of_the_same_size(styles):
    empty = prediction_bars({}, CLASSES, styles, False)
    assert empty.layout.height == prediction_bars(ANSWERS, CLASSES, styles, False).layout.height
    assert empty.layout.annotations
