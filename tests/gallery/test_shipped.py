from pathlib import Path

import pytest

from resnet_core.errors import StoreError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.runs import gallery
from resnet_core.runs.bundle import export_run
from resnet_core.runs.gallery import FOLDER, take_in
from resnet_core.runs.store import RunStore
from resnet_core.training.checkpoint import save_weights
from resnet_core.training.events import CheckpointSaved, Finished
from resnet_core.training.recipe import Recipe


@pytest.fixture
def finished_bundle(tmp_path: Path, events) -> bytes:
    """A finished run of another lab as a bundle."""
    spec = NetSpec(depth=8, width=2)
    elsewhere = RunStore(tmp_path / "elsewhere")
    run_id = elsewhere.create(spec.to_dict(), Recipe(steps=30).to_dict(), "shapes-10", name="A net")
    facts = {"fingerprint": "ab" * 32, "classes": list("abcdefghij"), "mean": [0.5] * 3, "std": [0.2] * 3}
    elsewhere.note_facts(run_id, facts)
    told = [event for event in events() if not isinstance(event, CheckpointSaved | Finished)]
    elsewhere.record_all(run_id, [*told, Finished(30, 4.5, save_weights(build_net(spec)))])
    bundle = export_run(elsewhere, run_id)
    elsewhere.close()
    return bundle


@pytest.fixture
def folder(tmp_path: Path, finished_bundle: bytes) -> Path:
    """A gallery of one run."""
    folder = tmp_path / "gallery"
    folder.mkdir()
    (folder / "tiny.skiprun").write_bytes(finished_bundle)
    return folder


def test_a_shipped_run_is_taken_in_once_under_its_own_id(store: RunStore, folder: Path) -> None:
    assert take_in(store, folder) == ["gallery-tiny"] == take_in(store, folder)
    version = store.version()
    take_in(store, folder)
    assert store.version() == version
    assert [run.origin for run in store.runs() if run.id == "gallery-tiny"] == ["gallery"]
    assert len(store.epochs("gallery-tiny")) > 0 and store.weights("gallery-tiny")


def test_it_cannot_be_changed_or_deleted(store: RunStore, folder: Path) -> None:
    take_in(store, folder)
    for change in (
        lambda: store.rename("gallery-tiny", "mine"),
        lambda: store.tag("gallery-tiny", ["mine"]),
        lambda: store.delete("gallery-tiny"),
    ):
        with pytest.raises(StoreError, match="ships"):
            change()


def test_a_run_that_ships_no_more_goes(store: RunStore, folder: Path) -> None:
    take_in(store, folder)
    (folder / "tiny.skiprun").rename(folder / "other.skiprun")
    assert take_in(store, folder) == ["gallery-other"] == [run.id for run in store.runs()]


def test_a_damaged_bundle_is_left_out(store: RunStore, folder: Path) -> None:
    (folder / "broken.skiprun").write_bytes(b"no zip")
    assert take_in(store, folder) == ["gallery-tiny"]


def test_two_processes_that_start_at_once_end_with_one_whole_run(store: RunStore, folder: Path, monkeypatch) -> None:
    other, real, inner = RunStore(store.home), gallery.import_run, []

    def slower(*args, **kwargs):
        if not inner:
            inner.append(True)
            take_in(other, folder)
        return real(*args, **kwargs)

    monkeypatch.setattr(gallery, "import_run", slower)
    assert take_in(store, folder) == ["gallery-tiny"]
    assert store.weights("gallery-tiny") and store.get("gallery-tiny").facts["bundle"]
    other.close()


def test_what_ships_here_is_whole_and_small(store: RunStore) -> None:
    bundles = list(FOLDER.glob("*.skiprun"))
    assert len(take_in(store)) == len(bundles)
    assert sum(path.stat().st_size for path in bundles) <= 40e6
    for run in store.runs():
        if run.origin == "gallery":
            assert run.state == "done" and run.device_name and run.software and run.recipe["name"]
