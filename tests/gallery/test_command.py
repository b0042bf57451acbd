"""The command that makes a run again, held by parsing it as the command line does."""

import shlex
from dataclasses import replace

import pytest

from resnet_core import cli
from resnet_core.gallery.command import reproduce_command, why_no_command
from resnet_core.gallery.wanted import find_wanted
from resnet_core.networks.presets import parse_spec
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.store import RunStore
from resnet_core.training.recipe import Recipe, preset

SPECS = [
    NetSpec(),
    NetSpec(family="plain", depth=56),
    NetSpec(depth=26, width=4, num_classes=3).with_skips("110110110110"),
]
RECIPES = [
    preset("paper").replace(seed=3),
    preset("short-12"),
    preset("short-4").replace(epochs=7, batch_size=32, lr=0.05, precision="fp32"),
    preset("short-1").replace(steps=250),
]


def run_of(store: RunStore, spec: NetSpec, recipe: Recipe):
    return store.get(store.create(spec.to_dict(), recipe.to_dict(), "my pictures", name="n"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_it_asks_for_the_same_training(store: RunStore, spec: NetSpec, recipe: Recipe) -> None:
    words = shlex.split(reproduce_command(run_of(store, spec, recipe)))
    assert words[:3] == ["python", "-m", "resnet_core"]
    args = cli.parser().parse_args(words[3:])
    assert parse_spec(args.preset) == spec and args.data == "my pictures"
    assert cli.build_recipe(args).to_dict() | {"name": ""} == recipe.to_dict() | {"name": ""}


def grown(store: RunStore, **changes):
    facts = {"grown_from": {"id": "r1abc", "name": "ResNet-8"}}
    spec, recipe = NetSpec(depth=14), preset("short-4")
    return replace(store.get(store.create(spec.to_dict(), recipe.to_dict(), "dots", name="n", facts=facts)), **changes)


def test_a_grown_run_names_the_run_it_grew_from(store: RunStore) -> None:
    args = cli.parser().parse_args(shlex.split(reproduce_command(grown(store)))[3:])
    assert (args.grow, args.depth, args.preset, args.data) == ("r1abc", 14, None, "dots")


@pytest.mark.parametrize("changes", [{"origin": "import"}, {"facts": {}, "tags": ("grown",)}])
def test_where_the_source_is_unknown_no_command_is_claimed(store: RunStore, changes) -> None:
    run = grown(store, **changes)
    assert reproduce_command(run) is None
    assert "weights of" in why_no_command(run)


def test_the_source_survives_what_is_found_when_the_data_is_loaded(store: RunStore) -> None:
    run = grown(store)
    store.set_facts(run.id, {"fingerprint": "ab", "classes": ["a", "b"]})
    assert store.get(run.id).facts["grown_from"]["id"] == "r1abc" and store.get(run.id).facts["fingerprint"] == "ab"


def test_a_shipped_run_is_made_by_its_name(store: RunStore) -> None:
    run = replace(
        run_of(store, *find_wanted("plain-20-short-12-s0").resolve()),
        id="gallery-plain-20-short-12-s0",
        origin="gallery",
    )
    args = cli.parser().parse_args(shlex.split(reproduce_command(run))[3:])
    assert find_wanted(args.make).resolve() == (NetSpec.from_dict(run.spec), Recipe.from_dict(run.recipe))


def test_a_recipe_that_no_option_can_say_has_none(store: RunStore) -> None:
    assert reproduce_command(run_of(store, NetSpec(), Recipe(epochs=4, schedule="cosine"))) is None
