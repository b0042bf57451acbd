"""Runs that ship: planned, made, gone on with."""

import pytest

from resnet_core.errors import DataError
from resnet_core.gallery import make, shipped
from resnet_core.gallery.wanted import Wanted
from resnet_core.runs.store import RunStore
from resnet_core.training.events import CheckpointSaved, StepStats

SMALL = Wanted("plain-8", "short-4", 0)

pytestmark = pytest.mark.usefixtures("cifar10")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shipped"


def test_what_is_made_ships(store, folder) -> None:
    run = make.make(store, SMALL, device="cpu", folder=folder)
    assert run.state == "done"
    assert shipped.install(store, folder) == ["gallery-plain-8-short-4-s0"]
    copy = store.get("gallery-plain-8-short-4-s0")
    assert (copy.spec, copy.recipe, copy.facts["fingerprint"]) == (
        run.spec,
        run.recipe,
        run.facts["fingerprint"],
    )
    scores = copy.facts["best_scores"]
    assert len(scores) == 101 and scores == sorted(scores) and scores[0] < scores[-1]


@pytest.mark.slow
def test_it_goes_on_where_it_was_cut_off(store, folder) -> None:
    def cut(event: object) -> None:
        if isinstance(event, CheckpointSaved):
            raise KeyboardInterrupt

    begun = make.make(store, SMALL, device="cpu", folder=folder, on_event=cut)
    assert begun.state == "stopped" and not folder.exists()
    steps = []
    done = make.make(
        store,
        SMALL,
        device="cpu",
        folder=folder,
        on_event=lambda e: steps.append(e.step) if isinstance(e, StepStats) else 0,
    )
    assert (done.id, done.state) == (begun.id, "done") and min(steps) > begun.step
    assert make.make(store, SMALL, folder=folder).id == begun.id  # nothing is trained twice
    assert make.make(store, Wanted("plain-8", "short-4", 1), device="cpu", folder=folder).id != begun.id


def test_without_the_pictures_nothing_is_begun(tmp_path, folder) -> None:
    store = RunStore(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="CIFAR-10"):
        make.make(store, SMALL, folder=folder)
    assert store.runs() == []
    store.close()


@pytest.mark.slow
def test_the_plan_knows_what_ships_what_is_begun_and_what_is_left(store, folder, monkeypatch) -> None:
    ships, begun, missing = SMALL, Wanted("plain-8", "short-4", 1), Wanted("plain-8", "short-4", 2)
    monkeypatch.setattr(make, "PAPER", (ships, begun))
    monkeypatch.setattr(make, "SHORT", (missing,))
    monkeypatch.setattr(make, "MEASURED_S", 0.2)
    make.make(store, ships, device="cpu", folder=folder)
    shipped.install(store, folder)
    half_way = make.make(store, begun, device="cpu", folder=folder, on_event=stop_half_way)
    rows = list(make.plan(store, "cpu", folder))
    assert [row.wanted for row in rows] == [ships, begun, missing]
    assert (rows[0].seconds, rows[0].shipped.id) == (None, shipped.run_id(ships.name))
    assert rows[1].begun.id == half_way.id and rows[2].begun is None
    assert 0 < rows[1].seconds < rows[2].seconds


def stop_half_way(event: object) -> None:
    if isinstance(event, CheckpointSaved) and event.epoch >= 2:
        raise KeyboardInterrupt
