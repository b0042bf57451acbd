"""Runs that ship: named, planned, made, gone on with."""

import pytest

from resnet_core.compute import making
from resnet_core.errors import DataError, SpecError
from resnet_core.runs import gallery
from resnet_core.runs.store import RunStore
from resnet_core.runs.wanted import PAPER, SHORT, Wanted, wanted
from resnet_core.training.events import CheckpointSaved, StepStats

SMALL = Wanted("plain-8", "short-4", 0)


@pytest.fixture
def store(home, tools):
    """With noise in the place of CIFAR-10."""
    tools.add_dataset(home, making.DATA, seed=1)
    store = RunStore(home)
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shipped"


def test_every_name_leads_back_to_its_training() -> None:
    for each in (*PAPER, *SHORT):
        assert wanted(each.name) == each
        recipe = each.made_of()[1]
        assert recipe.seed == each.seed and recipe.is_paper == (each in PAPER)
    assert len({each.name for each in (*PAPER, *SHORT)}) == len(PAPER) + len(SHORT)


@pytest.mark.parametrize(
    "name", ["plain-20", "plain-20-short-12", "cat-20-paper-s0", "plain-21-paper-s0", "../x-paper-s0"]
)
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(SpecError):
        wanted(name)


def test_what_is_made_ships(store, folder) -> None:
    run = making.make(store, SMALL, device="cpu", folder=folder)
    assert run.state == "done"
    assert gallery.take_in(store, folder) == ["gallery-plain-8-short-4-s0"]
    shipped = store.get("gallery-plain-8-short-4-s0")
    assert (shipped.spec, shipped.recipe, shipped.facts["fingerprint"]) == (
        run.spec,
        run.recipe,
        run.facts["fingerprint"],
    )
    scores = shipped.facts["best_scores"]
    assert len(scores) == 101 and scores == sorted(scores) and scores[0] < scores[-1]


def test_it_goes_on_where_it_was_cut_off(store, folder) -> None:
    def cut(event: object) -> None:
        if isinstance(event, CheckpointSaved):
            raise KeyboardInterrupt

    begun = making.make(store, SMALL, device="cpu", folder=folder, on_event=cut)
    assert begun.state == "stopped" and not folder.exists()
    steps = []
    done = making.make(
        store,
        SMALL,
        device="cpu",
        folder=folder,
        on_event=lambda e: steps.append(e.step) if isinstance(e, StepStats) else 0,
    )
    assert (done.id, done.state) == (begun.id, "done") and min(steps) > begun.step
    assert making.make(store, SMALL, folder=folder).id == begun.id  # nothing is trained twice
    assert making.make(store, Wanted("plain-8", "short-4", 1), device="cpu", folder=folder).id != begun.id


def test_without_the_pictures_nothing_is_begun(tmp_path, folder) -> None:
    store = RunStore(tmp_path / "empty")
    with pytest.raises(DataError, match="CIFAR-10"):
        making.make(store, SMALL, folder=folder)
    assert store.runs() == []
    store.close()


def test_the_plan_knows_what_ships_what_is_begun_and_what_is_left(store, folder, monkeypatch) -> None:
    ships, begun, missing = SMALL, Wanted("plain-8", "short-4", 1), Wanted("plain-8", "short-4", 2)
    monkeypatch.setattr(making, "PAPER", (ships, begun))
    monkeypatch.setattr(making, "SHORT", (missing,))
    monkeypatch.setattr(making, "MEASURED_S", 0.2)
    making.make(store, ships, device="cpu", folder=folder)
    gallery.take_in(store, folder)
    half_way = making.make(store, begun, device="cpu", folder=folder, on_event=stop_half_way)
    rows = list(making.plan(store, "cpu", folder))
    assert [row.wanted for row in rows] == [ships, begun, missing]
    assert (rows[0].seconds, rows[0].shipped.id) == (None, gallery.run_id(ships.name))
    assert rows[1].begun.id == half_way.id and rows[2].begun is None
    assert 0 < rows[1].seconds < rows[2].seconds


def stop_half_way(event: object) -> None:
    if isinstance(event, CheckpointSaved) and event.epoch >= 2:
        raise KeyboardInterrupt
