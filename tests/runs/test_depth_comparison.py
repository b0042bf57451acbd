"""Which runs are compared, and what their errors say."""

import pandas as pd
import pytest

from resnet_core.networks.spec import NetSpec
from resnet_core.runs.depth_comparison import find_depth_comparison
from resnet_core.runs.depth_comparison_text import describe_errors, describe_training
from tests.runs.conftest import finished_run


def run(kind, depth, seed=0, **wanted):
    return finished_run(f"{kind}-{depth}-{seed}", NetSpec(family=kind, depth=depth), seed=seed, **wanted)


def twins(depth, seed=0, **wanted):
    return [run(kind, depth, seed, **wanted) for kind in ("residual", "plain")]


def found(*runs):
    """The networks as "kind-depth seeds"."""
    networks = find_depth_comparison(runs)
    return [f"{n.kind}-{n.depth} {','.join(str(run.recipe['seed']) for run in n.runs)}" for n in networks]


def test_nothing_of_nothing():
    assert found() == []


def test_the_shallowest_and_the_deepest_of_both_kinds():
    assert found(*twins(8), *twins(14), *twins(26)) == ["plain-8 0", "residual-8 0", "plain-26 0", "residual-26 0"]


def test_of_many_depths_the_papers_two():
    runs = [run for depth in (8, 20, 56, 62) for run in twins(depth)]
    assert found(*runs) == ["plain-20 0", "residual-20 0", "plain-56 0", "residual-56 0"]


def test_a_depth_with_one_kind_only_does_not_count():
    assert found(*twins(8), run("plain", 14)) == ["plain-8 0", "residual-8 0"]


def test_only_seeds_that_all_of_them_have():
    runs = [run for seed in (2, 0, 1) for run in twins(8, seed)]
    assert found(*runs, run("residual", 8, 3)) == ["plain-8 0,1,2", "residual-8 0,1,2"]


@pytest.mark.parametrize("state", ["queued", "running", "stopping", "stopped", "failed"])
def test_a_run_that_has_not_finished_neither_counts_nor_displaces_one_that_has(state):
    again = run("plain", 8, epoch=1, state=state, created=9e9)
    assert found(*twins(8), again) == ["plain-8 0", "residual-8 0"]
    assert find_depth_comparison([*twins(8), again])[0].first is not again
    assert found(run("residual", 8), again) == []


def test_two_depths_without_a_common_seed_leave_the_deeper():
    assert found(*twins(8, 0), *twins(14, 1)) == ["plain-14 1", "residual-14 1"]


@pytest.mark.parametrize(
    "other",
    [
        run("residual", 8, seed=1),
        run("residual", 8, dataset="dots"),
        run("residual", 8, epoch=0),
        finished_run("narrow", NetSpec(depth=8, width=8)),
        finished_run("cut", NetSpec(depth=8).with_skips("101")),
        finished_run("long", NetSpec(depth=8), recipe=run("residual", 8).recipe | {"epochs": 9}),
    ],
)
def test_what_was_trained_otherwise_is_not_compared(other):
    assert found(run("plain", 8), other) == []


def test_a_recipes_name_and_logging_do_not_matter():
    recipe = run("plain", 8).recipe | {"name": "custom", "log_every": 7}
    assert found(run("plain", 8, recipe=recipe), run("residual", 8)) == ["plain-8 0", "residual-8 0"]


def test_more_networks_then_newer_ones_are_preferred():
    older, newer = twins(8, created=1.0), twins(8, dataset="dots", created=2.0)
    assert find_depth_comparison([*newer, *older])[0].first.dataset == "dots"
    assert find_depth_comparison([*newer, *older, *twins(14, created=0.0)])[0].first.dataset == "cifar-10"


def frame(train, networks):
    """The last epoch of each run, and an earlier one, that does not count; test errors 10 points above."""
    rows = [
        {"run": run.id, "epoch": epoch, "train_error": error + 0.5 * (epoch == 1), "test_error": error + 0.1}
        for network, errors in zip(networks, train, strict=True)
        for run, error in zip(network.runs, errors, strict=True)
        for epoch in (2, 1)
    ]
    return pd.DataFrame(rows)


def test_the_last_errors_and_what_depth_did_to_them():
    networks = find_depth_comparison([*twins(20), *twins(56)])
    text = describe_errors(networks, frame([[0.1], [0.1], [0.3], [0.05]], networks))
    assert text.startswith("**Plain-20** ends with 10.0 % of its training and 20.0 % of its test pictures wrong; ")
    assert "n = 1" in text
    assert text.endswith(
        "Here going from 20 to 56 layers without skips raised the *training* error by 20.0 percentage points and going "
        "from 20 to 56 layers with skips lowered the *training* error by 5.0 percentage points."
    )


def test_several_seeds_are_averaged_and_counted():
    networks = find_depth_comparison([run for seed in (0, 1) for run in twins(8, seed)])
    text = describe_errors(networks, frame([[0.1, 0.3], [0.2, 0.2]], networks))
    assert "20.0 % ± 14.1 %" in text and "n = 2" in text and text.endswith("one standard deviation.")
    assert "Seeds 0, 1," in describe_training(networks)
