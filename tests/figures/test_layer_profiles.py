import numpy as np
import pytest

from resnet_core.figures.layer_profiles import LayerValues, layer_profile, layer_profile_at_step
from resnet_core.figures.layer_statistics import STATISTICS

GRADIENT = STATISTICS["block_grad_rms"]


def line(figure, run):
    return next(t for t in figure.data if t.legendgroup == run and t.mode == "lines+markers")


def test_layers_run_from_the_input_to_the_output(history, twins):
    figure = layer_profile_at_step({"a": history(), "b": history()}, 0, "weight_grad_rms", twins, False)
    drawn = line(figure, "a")
    assert list(drawn.x) == list(range(1, 21))
    assert [entry[0] for entry in drawn.customdata][:: len(drawn.x) - 1] == ["conv1", "fc"]
    assert drawn.y == pytest.approx(10.0 ** (np.arange(20) / 4), rel=1e-5)


def test_the_stem_is_block_zero(history, twins):
    figure = layer_profile_at_step({"a": history()}, 0, "block_grad_rms", twins, False)
    assert line(figure, "a").x[0] == 0


def test_the_step_taken_is_told(history, twins):
    figure = layer_profile_at_step({"a": history(), "b": history(n_steps=2)}, 260, "block_grad_rms", twins, False)
    assert figure.layout.meta["steps"] == {"a": 300, "b": 100}


def test_twins_share_one_log_axis_that_holds_both(history, twins):
    histories = {"a": history(scale=1e-6), "b": history(scale=10.0)}
    figure = layer_profile_at_step(histories, 0, "weight_grad_rms", twins, False)
    low, high = figure.layout.yaxis.range
    assert figure.layout.yaxis.type == "log"
    assert low < -6 and high > 1 + 19 / 4


def test_noise_is_not_blown_up_to_an_effect(twins):
    flat = {"a": LayerValues(("x", "y", "z"), np.array([1.0, 1.02, 0.99]))}
    low, high = layer_profile(flat, GRADIENT, twins, False).layout.yaxis.range
    assert high - low >= 2


def test_a_signed_statistic_is_linear_around_zero(history, twins):
    figure = layer_profile_at_step({"a": history()}, 0, "block_mean", twins, False)
    low, high = figure.layout.yaxis.range
    assert figure.layout.yaxis.type is None
    assert low == -high


def test_zeros_and_overflows_are_marked_and_named(twins):
    values = np.array([0.0, 1e-3, np.inf, np.nan])
    figure = layer_profile({"a": LayerValues(tuple("wxyz"), values)}, GRADIENT, twins, False)
    assert np.isfinite(line(figure, "a").y).tolist() == [False, True, False, False]
    marks = {t.marker.symbol: list(t.text) for t in figure.data if t.mode == "markers" and t.text is not None}
    assert marks == {"triangle-down-open": ["w"], "x": ["y", "z"]}
    assert {"exactly zero", "not finite (overflow)"} <= {t.name for t in figure.data if t.x[0] is None}


def test_nothing_but_zeros_still_makes_a_figure(twins):
    figure = layer_profile({"a": LayerValues(("x", "y"), np.zeros(2))}, GRADIENT, twins, False)
    assert "triangle-down-open" in {t.marker.symbol for t in figure.data if t.mode == "markers"}


def test_seeds_are_a_median_and_the_band_from_least_to_most(twins):
    values = np.array([[1.0, 10.0], [2.0, 20.0], [9.0, 90.0]])
    figure = layer_profile({"a": LayerValues(("x", "y"), values)}, GRADIENT, twins, False)
    band = next(t for t in figure.data if t.fill == "toself")
    assert list(line(figure, "a").y) == [2.0, 20.0]
    assert list(band.y) == [9.0, 90.0, 10.0, 1.0]
    assert "median of 3 seeds" in line(figure, "a").hovertemplate


def test_stages_are_marked_only_where_all_networks_have_the_same(history, twins):
    same = layer_profile_at_step({"a": history(), "b": history()}, 0, "block_grad_rms", twins, False)
    assert len(same.layout.shapes) == 3
    assert [note.text for note in same.layout.annotations] == ["stage 1", "stage 2", "stage 3"]
    other = layer_profile_at_step({"a": history(), "b": history(5)}, 0, "block_grad_rms", twins, False)
    assert len(other.layout.shapes) == 0


def test_relative_depth_lays_networks_of_different_depth_over_each_other(history, twins):
    profiles = {
        run: LayerValues(names, np.ones(len(names))) for run, names in (("a", tuple("wxyz")), ("b", tuple("wx")))
    }
    figure = layer_profile(profiles, GRADIENT, twins, False, relative=True)
    for run in "ab":
        assert (line(figure, run).x[0], line(figure, run).x[-1]) == (0, 100)


def test_no_history_is_a_calm_sentence(twins):
    assert layer_profile_at_step({}, 0, "block_grad_rms", twins, False).layout.annotations
