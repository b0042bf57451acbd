import numpy as np
import pytest

from resnet_core.analysis import trends
from resnet_core.analysis.trends import find_trend


def decades(*exponents: float) -> list[float]:
    return [10.0**exponent for exponent in exponents]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (decades(-2.1, -1, 0), trends.VANISHES),
        (decades(-1.9, -1, 0), trends.STEADY),
        (decades(1.9, 1, 0), trends.STEADY),
        (decades(2.1, 1, 0), trends.GROWS),
        (decades(0, 2.1, 0), trends.UNEVEN),
        ([0, 0, 1.0], trends.VANISHES),
        ([0, 0, 0], trends.BLOCKED),
        ([1.0, 0, 0], trends.BLOCKED),
        ([1.0, np.inf, 1.0], trends.NOT_FINITE),
        ([np.nan, np.nan, np.nan], trends.NOT_FINITE),
    ],
)
def test_the_kind_follows_from_the_numbers(made_up, row, kind: str) -> None:
    assert find_trend(made_up(row)).kind == kind


def test_ratio_slope_and_span_of_a_straight_line(made_up) -> None:
    found = find_trend(made_up([decades(4, 3, 2, 1, 0), decades(6, 4.5, 3, 1.5, 0), decades(8, 6, 4, 2, 0)]))
    assert found.ratio == pytest.approx(1e6) and found.drift == pytest.approx(6)
    assert found.ratios == pytest.approx((1e4, 1e6, 1e8))
    assert found.slope == pytest.approx(1.5)
    assert found.span == pytest.approx(6)
    assert found.kind == trends.GROWS


def test_zeros_and_what_float32_holds_badly_do_not_bend_the_slope(made_up) -> None:
    found = find_trend(made_up([0, 3e-45, *decades(-36, -24, -12, 0)]))
    assert found.slope == pytest.approx(-12)
    assert found.zeros == 1 and found.ratio == 0 and found.drift == -np.inf


def test_a_ratio_passes_over_branches_that_start_at_zero(made_up) -> None:
    found = find_trend(made_up([1, 1, 1, 1], weight_grad_rms=[8.0, 0, 4.0, 0, 1.0]), "weight_grad_rms")
    assert found.ratio == 2 and found.zeros == 2 and found.kind == trends.STEADY


def test_the_classifier_is_not_the_last_convolution(made_up) -> None:
    found = find_trend(made_up([1, 1], weight_grad_rms=[1.0, 1.0, 1e9]), "weight_grad_rms")
    assert found.layers == 2 and found.ratio == 1


def test_weights_that_are_all_zero_have_no_ratio_to_them(made_up) -> None:
    found = find_trend(made_up([1, 1, 1], grad_over_weight=[1.0, np.nan, 2.0, 1.0]), "grad_over_weight")
    assert found.layers == 2 and found.kind == trends.STEADY


def test_most_seeds_decide(made_up) -> None:
    found = find_trend(made_up([decades(3, 0), decades(4, 0), decades(1, 0)]))
    assert found.kind == trends.GROWS and found.kinds.count(trends.STEADY) == 1


def test_the_first_bad_layer_is_the_one_nearest_to_the_output(made_up) -> None:
    assert find_trend(made_up([np.nan, np.inf, 1.0])).first_nonfinite == "block1"
