import numpy as np
import pytest

from resnet_core.figures.layer_heatmaps import NOT_FINITE_COLOR, ZERO_COLOR, heatmaps_height, layer_heatmaps


def maps(figure):
    return [trace for trace in figure.data if trace.type == "heatmap" and trace.coloraxis]


def cells(trace):
    """(layer, step) of every cell that is drawn."""
    rows, columns = np.nonzero(np.isfinite(trace.z))
    return {(trace.y[row], int(trace.x[column])) for row, column in zip(rows, columns, strict=True)}


def test_twins_share_one_colour_scale_that_holds_both(history, twins):
    histories = {"a": history(scale=1e-6), "b": history(scale=10.0)}
    figure = layer_heatmaps(histories, "weight_grad_rms", twins, False)
    assert {trace.coloraxis for trace in maps(figure)} == {"coloraxis"}
    assert figure.layout.coloraxis.cmin < -10 and figure.layout.coloraxis.cmax > 5


def test_the_input_is_on_top_and_steps_go_right(history, twins):
    figure = layer_heatmaps({"a": history()}, "weight_grad_rms", twins, False)
    drawn = maps(figure)[0]
    top_is = figure.layout.yaxis.range
    assert top_is[0] > top_is[1]
    assert (drawn.y[0], drawn.y[-1]) == ("conv1", "fc")
    assert list(drawn.x) == [0, 100, 200, 300, 400, 500]
    assert drawn.z[0] == pytest.approx(-np.arange(6), abs=1e-5)  # of the stem: log10 of 10 ** -s
    assert list(figure.layout.yaxis.ticktext) == ["stage 1", "stage 2", "stage 3"]


def test_the_colour_bar_has_real_units(history, twins):
    bar = layer_heatmaps({"a": history()}, "weight_grad_rms", twins, False).layout.coloraxis.colorbar
    assert "10⁻³" in bar.ticktext
    assert bar.tickvals[bar.ticktext.index("10⁻³")] == -3


def test_noise_is_not_blown_up_to_an_effect(history, twins):
    flat = history()
    flat.weight_stats[:] = 1.0
    axis = layer_heatmaps({"a": flat}, "weight_grad_rms", twins, False).layout.coloraxis
    assert axis.cmax - axis.cmin >= 2


def test_zeros_and_overflows_have_colours_of_their_own(history, twins):
    toy = history()
    toy.weight_stats[2, 3] = 0
    toy.weight_stats[5, :] = np.nan
    figure = layer_heatmaps({"a": toy}, "weight_grad_rms", twins, False)
    assert np.isnan(maps(figure)[0].z[3, 2]) and np.isnan(maps(figure)[0].z[0, 5])
    odd = {t.colorscale[0][1]: t for t in figure.data if t.type == "heatmap" and not t.coloraxis}
    assert cells(odd[ZERO_COLOR]) == {(toy.weight_names[3], 200)}
    assert cells(odd[NOT_FINITE_COLOR]) == {(name, 500) for name in toy.weight_names}
    assert {t.name for t in figure.data if t.showlegend} == {"exactly zero", "not finite (overflow)"}


def test_a_signed_statistic_has_zero_in_the_middle(history, twins):
    axis = layer_heatmaps({"a": history()}, "block_mean", twins, False).layout.coloraxis
    assert axis.cmin == -axis.cmax
    assert axis.cmid == 0


def test_the_chosen_step_is_a_line_on_every_map(history, twins):
    histories = {"a": history(), "b": history()}
    marked = layer_heatmaps(histories, "block_grad_rms", twins, False, step=300)
    assert {s.yref for s in marked.layout.shapes if s.x0 == 300} == {"y domain", "y2 domain"}


def test_runs_are_stacked_and_the_height_is_known_beforehand(history, twins):
    figure = layer_heatmaps({"a": history(), "b": history()}, "block_grad_rms", twins, False)
    assert figure.layout.height == heatmaps_height(2)
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.xaxis2.matches == "x"
    assert "Plain-20" in figure.layout.annotations[0].text


def test_a_deep_and_long_run_stays_small(history, twins):
    deep, deepest = history(18, 200), history(200, 900)
    for toy in (deep, deepest):
        toy.weight_stats[:] = np.random.default_rng(0).lognormal(size=toy.weight_stats.shape)
    assert len(layer_heatmaps({"a": deep}, "weight_grad_rms", twins, False).to_json()) < 300_000
    deepest = layer_heatmaps({"a": deepest}, "weight_grad_rms", twins, False)
    rows, columns = maps(deepest)[0].z.shape
    assert rows <= 240 and columns <= 200
    assert (maps(deepest)[0].y[0], maps(deepest)[0].y[-1]) == ("conv1", "fc")
    assert maps(deepest)[0].x[-1] == 89_900


def test_no_history_is_a_calm_sentence(history, twins):
    assert layer_heatmaps({}, "block_grad_rms", twins, False).layout.annotations
    unrecorded = history(n_steps=0)
    assert layer_heatmaps({"a": unrecorded}, "block_grad_rms", twins, False).layout.annotations
