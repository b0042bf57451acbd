import numpy as np
import pandas as pd
import pytest

from resnet_core.attribution.methods import METHODS
from resnet_core.figures.trust import deletion_insertion_curves, maps_side_by_side

CURVES = pd.DataFrame(
    {
        "fraction": [0.0, 0.5, 1.0],
        "deletion": [0.9, 0.2, 0.1],
        "insertion": [0.1, 0.8, 0.9],
        "deletion_random": [0.9, 0.5, 0.1],
        "insertion_random": [0.1, 0.3, 0.9],
    }
)


def test_each_curve_stands_beside_its_random_order():
    figure = deletion_insertion_curves(CURVES, dark=False)
    drawn = [(trace.xaxis, trace.y[1]) for trace in figure.data]
    assert drawn == [("x", 20), ("x", 50), ("x2", 80), ("x2", 30)]
    assert figure.data[1].line.dash and not figure.data[0].line.dash


@pytest.mark.parametrize(("name", "low"), [("integrated_gradients", -1), ("saliency", 0)])
def test_all_maps_are_on_the_scale_of_the_first(name, low):
    first = np.ones((4, 4), np.float32)
    figure = maps_side_by_side(
        {"one": 0.5 * first, "strong": 50 * first, "coarse": first[:2, :2]}, METHODS[name], dark=True
    )
    axis = figure.layout.coloraxis
    assert axis.cmax == pytest.approx(0.5) and axis.cmin == pytest.approx(0.5 * low)
    assert [trace.coloraxis for trace in figure.data] == ["coloraxis"] * 3
    assert len({trace.xaxis for trace in figure.data}) == 3
