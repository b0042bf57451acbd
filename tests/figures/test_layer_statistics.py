import numpy as np
import pytest

from resnet_core.figures.layer_statistics import (
    STATISTICS,
    layer_frame,
    layer_names,
    layer_values,
    nearest_step,
    stage_spans,
)
from resnet_core.training.events import BLOCK_STATS, WEIGHT_STATS


def test_every_recorded_statistic_can_be_shown_once():
    shown = {(s.of, s.column) for s in STATISTICS.values()}
    recorded = {("weights", i) for i in range(len(WEIGHT_STATS))}
    recorded |= {("blocks", i) for i in range(len(BLOCK_STATS))}
    assert shown == recorded
    assert len(STATISTICS) == len(recorded)


def test_values_and_names_belong_together(history):
    toy = history()
    for statistic in STATISTICS.values():
        assert layer_values(toy, statistic).shape == (len(toy.steps), len(layer_names(toy, statistic)))


@pytest.mark.parametrize(("step", "index"), [(None, 5), (0, 0), (149, 1), (151, 2), (10_000, 5)])
def test_the_nearest_recorded_step_is_taken(history, step, index):
    assert nearest_step(history(), step) == index


def test_stages_are_read_off_the_names(history):
    spans = stage_spans(history().weight_names)
    assert spans == [
        ("stem", 0, 1),
        ("stage 1", 1, 7),
        ("stage 2", 7, 13),
        ("stage 3", 13, 19),
        ("head", 19, 20),
    ]
    assert [title for title, _, _ in stage_spans(("features.0", "features.3", "classifier.1"))] == [
        "features",
        "classifier",
    ]


def test_columns_are_those_of_the_events(history):
    toy = history()
    toy.block_stats[..., BLOCK_STATS.index("variance")] = 7.0
    assert np.all(layer_values(toy, STATISTICS["block_variance"]) == 7.0)
    assert not np.any(layer_values(toy, STATISTICS["block_grad_rms"]) == 7.0)


def test_numbers_of_several_runs_as_one_frame(history):
    toy = history()
    frame = layer_frame({"a": toy, "b": toy}, "weight_grad_rms", {"a": "Plain", "b": "Residual"})
    assert len(frame) == 2 * len(toy.steps) * len(toy.weight_names)
    row = frame[(frame.run == "b") & (frame.step == toy.steps[1]) & (frame.layer == toy.weight_names[2])]
    assert row["name"].tolist() == ["Residual"]
    assert row["weight_grad_rms"].tolist() == [layer_values(toy, STATISTICS["weight_grad_rms"])[1, 2]]
