import dataclasses
import json
import math
from itertools import pairwise

import pytest

from resnet_core.errors import SpecError
from resnet_core.training.recipe import DENSE_STEPS, PRESETS, Recipe, preset


def test_the_papers_schedule():
    """He et al. 2015, section 4.2: 0.1, divided by 10 at 32k and 48k of 64k iterations."""
    paper = preset("paper")
    assert paper.total_steps(50_000) == 64_000
    rates = [paper.lr_at(step, 64_000) for step in (0, 31_999, 32_000, 47_999, 48_000, 63_999)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert (paper.batch_size, paper.momentum, paper.weight_decay, paper.nesterov) == (128, 0.9, 1e-4, False)


def test_the_papers_warm_up_for_110_layers():
    recipe = preset("paper-110")
    assert [recipe.lr_at(step, 64_000) for step in (0, 399, 400)] == pytest.approx([0.01, 0.01, 0.1])
    assert recipe.is_paper


def test_one_cycle_rises_for_a_quarter_and_ends_near_zero():
    recipe = Recipe(epochs=1, schedule="one_cycle", lr=0.4)
    rates = [recipe.lr_at(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[250] == pytest.approx(0.4)
    assert all(a < b for a, b in pairwise(rates[:251]))
    assert all(a > b > 0 for a, b in pairwise(rates[250:]))
    assert rates[-1] < 0.001


def test_cosine_and_constant():
    assert Recipe(epochs=1, schedule="cosine", lr=0.2).lr_at(500, 1000) == pytest.approx(0.1)
    assert Recipe(epochs=1, schedule="constant", lr=0.2).lr_at(999, 1000) == 0.2


def test_epochs_end_within_batches():
    recipe = Recipe(epochs=3, batch_size=8)
    assert recipe.steps_per_epoch(20) == 2.5
    assert [recipe.epoch_end(epoch, 20) for epoch in (1, 2, 3)] == [3, 5, 8]
    assert recipe.total_steps(20) == 8
    assert Recipe(epochs=1).total_steps(50_000) == 391


def test_a_set_smaller_than_a_batch_is_one_batch():
    recipe = Recipe(epochs=3)
    assert recipe.effective_batch_size(5) == 5
    assert recipe.total_steps(5) == 3


@pytest.mark.parametrize("total", [20, 391, 4692, 64_000])
def test_statistics_are_neither_rare_nor_constant(total):
    recipe = Recipe(steps=total)
    logged = [step for step in range(total) if recipe.logs_at(step, total)]
    interval = min(50, max(5, total // 200))
    gaps = [b - a for a, b in pairwise(logged)]
    assert logged[: DENSE_STEPS + 1] == list(range(min(total, DENSE_STEPS + 1)))
    assert max(gaps) <= interval
    assert len(logged) <= total / interval + 60  # the dense start is a fixed, small number of steps
    assert set(range(0, total, interval)) <= set(logged)


def test_statistics_thin_out_gradually_between_the_dense_start_and_the_interval():
    recipe = Recipe(steps=64_000)
    logged = [step for step in range(300) if recipe.logs_at(step, 64_000) and step % 50]
    gaps = [b - a for a, b in pairwise(step for step in logged if step > DENSE_STEPS)]
    assert len(logged) > 30
    assert gaps[0] <= 4 and gaps[-1] > 20


def test_an_interval_that_was_asked_for_is_kept():
    recipe = Recipe(steps=100, log_every=7)
    assert [step for step in range(22) if recipe.logs_at(step, 100)] == [0, 7, 14, 21]


def test_only_the_papers_recipe_says_it_is():
    paper = preset("paper")
    for same in ({"seed": 3}, {"precision": "bf16"}, {"log_every": 10}, {"name": "mine"}):
        assert dataclasses.replace(paper, **same).is_paper
    changes = {
        "lr": 0.05,
        "momentum": 0.8,
        "weight_decay": 5e-4,
        "nesterov": True,
        "schedule": "cosine",
        "warmup_steps": 100,
        "warmup_lr": 0.01,
        "augment": False,
        "batch_size": 64,
        "steps": 63_000,
    }
    for name in set(changes) - {"warmup_lr"}:
        changed = dataclasses.replace(paper, **{name: changes[name]})
        assert not changed.is_paper
        assert changed.describe() != paper.describe()
    assert set(changes) | {"name", "seed", "precision", "log_every", "epochs"} == {
        field.name for field in dataclasses.fields(Recipe)
    }


def test_short_presets_say_that_they_are_not_the_papers():
    short = [recipe for name, recipe in PRESETS.items() if name.startswith("short")]
    assert {recipe.epochs for recipe in short} >= {1, 4, 12, 30}
    for recipe in short:
        assert not recipe.is_paper
        assert recipe.describe().startswith("Not the paper's")
        assert str(recipe.epochs) in recipe.describe()


@pytest.mark.parametrize("recipe", PRESETS.values(), ids=PRESETS)
def test_through_json_and_back(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "epochs"),
        ({"epochs": 1, "steps": 1}, "exactly one"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "1.5"),
        ({"epochs": True}, "True"),
        ({"steps": -3}, "steps is -3"),
        ({"epochs": 1, "lr": 0}, "lr"),
        ({"epochs": 1, "lr": math.nan}, "lr is nan"),
        ({"epochs": 1, "lr": "0.1"}, "'0.1'"),
        ({"epochs": 1, "batch_size": 0}, "batch_size is 0"),
        ({"epochs": 1, "momentum": 1}, "momentum"),
        ({"epochs": 1, "momentum": 0, "nesterov": True}, "nesterov"),
        ({"epochs": 1, "weight_decay": -1e-4}, "weight_decay"),
        ({"epochs": 1, "schedule": "onecycle"}, "one_cycle"),
        ({"epochs": 1, "precision": "fp16"}, "bf16"),
        ({"epochs": 1, "seed": -1}, "seed"),
        ({"epochs": 1, "augment": 1}, "augment"),
        ({"epochs": 1, "name": ""}, "name"),
        ({"epochs": 1, "log_every": 0}, "log_every"),
        ({"epochs": 1, "learning_rate": 0.1}, "'learning_rate'"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(values, said):
    with pytest.raises(SpecError) as error:
        Recipe.from_dict(values)
    assert said in str(error.value)


def test_what_is_not_an_object_is_refused():
    with pytest.raises(SpecError):
        Recipe.from_dict(["epochs", 3])


def test_an_unknown_preset_lists_what_there_is():
    with pytest.raises(SpecError, match="short-12"):
        preset("long")


def test_a_changed_preset_no_longer_goes_by_its_name():
    short = preset("paper").replace(epochs=3)
    assert (short.epochs, short.steps, short.name) == (3, None, "custom")
    assert preset("short-4").replace(steps=10).epochs is None
    assert preset("short-4").replace(seed=5).name == "short-4"
    assert preset("short-4").replace(epochs=4) == preset("short-4")
