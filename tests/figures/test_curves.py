import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from resnet_core.figures.curves import (
    PaperMark,
    error_curves,
    group_seeds,
    seed_curves,
    small_live_curve,
)
from resnet_core.figures.style import alt_text


def lines(figure, run):
    """The training and the test line of a run."""
    return [trace for trace in figure.data if trace.legendgroup == run and "lines" in trace.mode]


def test_a_run_is_a_thin_training_and_a_thick_test_line_in_its_own_sign(epochs, styles):
    figure = error_curves(epochs, styles, dark=False)
    for run, dash in (("a", "dash"), ("b", "solid")):
        train, test = lines(figure, run)
        assert train.line.width < test.line.width
        assert {train.line.dash, test.line.dash} == {dash}
        assert {train.line.color, test.line.color} == {styles[run].color}
    assert lines(figure, "c") == []


def test_errors_are_in_per_cent_and_losses_are_not(epochs, styles):
    assert lines(error_curves(epochs, styles, False), "b")[1].y[-1] == pytest.approx(10.0)
    assert lines(error_curves(epochs, styles, False, y="loss"), "b")[1].y[-1] == pytest.approx(0.4)


def test_all_runs_share_an_axis_that_starts_at_zero(epochs, styles):
    low, high = error_curves(epochs, styles, False).layout.yaxis.range
    assert low == 0
    assert high > 40  # a starts at 38 % test error


def test_a_log_axis_holds_every_value_and_zeros_become_gaps(epochs, styles):
    epochs.loc[epochs.index[-1], "train_error"] = 0.0
    figure = error_curves(epochs, styles, False, log_y=True)
    low, high = figure.layout.yaxis.range
    assert figure.layout.yaxis.type == "log"
    assert 10**low < 3.0 and 10**high > 38
    assert np.isnan(lines(figure, "b")[0].y[-1])


def test_a_diverged_loss_does_not_break_or_flatten_the_figure(epochs, styles):
    epochs.loc[epochs.index[:2], "train_loss"] = [np.inf, np.nan]
    epochs.loc[epochs.index[2], "train_loss"] = 1e9
    many = pd.concat([epochs] * 20)
    figure = error_curves(many, styles, False, y="loss")
    assert figure.layout.yaxis.range[1] < 10


def test_few_runs_are_named_at_their_ends_without_overlap(epochs, styles):
    figure = error_curves(epochs, styles, False)
    labels = [trace for trace in figure.data if trace.mode == "text"]
    assert len(labels) == 2
    assert all("Net-20" in t.text[0] or "Plain-20" in t.text[0] for t in labels)
    assert figure.layout.margin.r > 80

    close = epochs.assign(test_error=0.1)
    heights = [t.y[0] for t in error_curves(close, styles, False).data if t.mode == "text"]
    assert abs(heights[0] - heights[1]) > 0.3


def test_a_run_that_stopped_early_has_no_label_across_the_others(epochs, styles):
    figure = error_curves(epochs[(epochs["run"] == "a") | (epochs["epoch"] <= 5)], styles, False)
    assert [trace.legendgroup for trace in figure.data if trace.mode == "text"] == ["a"]


def test_the_papers_numbers_are_marks_in_the_axis_unit(epochs, styles):
    marks = [PaperMark(0.0875, "He et al. 2015, ResNet-20: 8.75 %", "b")]
    figure = error_curves(epochs, styles, False, marks=marks)
    mark = next(trace for trace in figure.data if trace.text and "He et al." in trace.text[0])
    assert mark.y[0] == pytest.approx(8.75)
    assert mark.marker.color[0] == styles["b"].color
    without = error_curves(epochs, styles, False)
    assert not any(trace.name == "stated in the paper" for trace in without.data)


def test_seeds_become_a_mean_and_one_standard_deviation(epochs):
    grouped = group_seeds(epochs, {"g": ["a", "b"]}).set_index("epoch")
    last = grouped.loc[10]
    assert last["n"] == 2
    assert last["test"] == pytest.approx(0.15)
    assert last["test_high"] - last["test"] == pytest.approx(np.std([0.2, 0.1], ddof=1))
    assert last["test"] - last["test_low"] == pytest.approx(np.std([0.2, 0.1], ddof=1))


def test_a_mean_over_seeds_ends_where_the_first_of_them_does(epochs):
    cut = epochs[(epochs["run"] == "a") | (epochs["epoch"] <= 4)]
    assert group_seeds(cut, {"g": ["a", "b"]})["epoch"].max() == 4


def test_a_group_is_drawn_with_its_band_and_its_number_of_seeds(epochs, styles):
    figure = seed_curves(epochs, {"a": ["a", "b"]}, {"a": styles["a"]}, False)
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(bands) == 1
    assert "mean of 2 seeds" in lines(figure, "a")[-1].hovertemplate
    single = seed_curves(epochs, {"a": ["a"]}, {"a": styles["a"]}, False)
    assert not any(trace.fill == "toself" for trace in single.data)


def test_a_live_curve_spans_the_whole_training(styles):
    steps = pd.DataFrame({"run": "a", "step": [10, 20], "loss": [2.0, 1.0], "error": [0.9, 0.5]})
    figure = small_live_curve(steps, styles, False, total_steps=400)
    assert tuple(figure.layout.xaxis.range) == (0, 400)
    assert list(figure.data[0].y) == pytest.approx([90, 50])


def test_long_runs_are_thinned_but_keep_their_ends(styles):
    n = 5_000
    steps = pd.DataFrame({"run": "a", "step": range(n), "loss": 1.0, "error": np.linspace(1, 0, n)})
    line = small_live_curve(steps, styles, False).data[0]
    assert len(line.x) <= 400
    assert (line.x[0], line.x[-1]) == (0, n - 1)


@pytest.mark.parametrize("dark", [False, True])
def test_no_data_is_a_calm_sentence_of_the_same_size(epochs, styles, dark):
    full, empty = error_curves(epochs, styles, dark), error_curves(epochs[:0], styles, dark)
    assert isinstance(empty, go.Figure)
    assert empty.layout.height == full.layout.height
    no_steps = pd.DataFrame(columns=["run", "step", "loss", "error"])
    assert small_live_curve(no_steps, styles, dark).layout.annotations


def test_the_words_for_a_screen_reader_name_the_results(epochs, styles):
    words = alt_text(error_curves(epochs, styles, False))
    assert "ResNet-20" in words and "10.0 %" in words


def test_ticks_stand_at_whole_epochs(epochs, styles):
    assert error_curves(epochs, styles, dark=False).layout.xaxis.dtick >= 1
