import numpy as np

from resnet_core.figures.layers import Profile
from resnet_core.figures.statistics import STATISTICS
from resnet_core.figures.story import flow_height, gradient_flow, residual_block_drawing
from resnet_core.figures.style import describe

GRADIENT = STATISTICS["block_grad_rms"]
NAMES = ("conv1", "layer1.0", "layer2.0", "layer3.0")


def test_only_the_residual_block_has_an_arc_and_an_addition():
    figure = residual_block_drawing(False)
    middle = sum(figure.layout.xaxis.range) / 2
    arc = next(shape for shape in figure.layout.shapes if shape.type == "path")
    assert float(arc.path.split()[1].split(",")[0]) > middle
    assert [note.x > middle for note in figure.layout.annotations if note.text == "<b>+</b>"] == [True]


def test_strips_share_a_scale_and_say_first_last_and_ratio(twins):
    profiles = {
        "a": Profile(NAMES, np.array([400.0, 40.0, 4.0, 1.0])),
        "b": Profile(NAMES, np.array([[1.0, 2.0, 2.0, 1.0], [3.0, 2.0, 2.0, 1.0], [2.0, 2.0, 2.0, 1.0]])),
    }
    figure = gradient_flow(profiles, GRADIENT, twins, False)
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert 10**figure.layout.coloraxis.cmax >= 399 and figure.layout.coloraxis.cmin <= 0
    words = " ".join(note.text for note in figure.layout.annotations)
    assert "<b>400</b>" in words and "<b>2.00</b>" in words  # ratio of the median over seeds
    assert "median of 3 seeds" in figure.data[1].text[0][0]
    assert "400 nearest the input" in describe(figure)


def test_no_ratio_is_claimed_where_a_gradient_is_zero(twins):
    figure = gradient_flow({"a": Profile(NAMES, np.array([0.0, 0.0, 1.0, 1.0]))}, GRADIENT, twins, False)
    words = " ".join(note.text for note in figure.layout.annotations)
    assert "÷" not in words and "exactly 0" in words


def test_no_profile_is_a_calm_sentence_of_the_size_of_a_twin_pair(twins):
    assert gradient_flow({}, GRADIENT, twins, False).layout.height == flow_height(2)
