from pathlib import Path

import pytest

from resnet_core.errors import StoreError
from resnet_core.gallery import shipped
from resnet_core.gallery.shipped import FOLDER, install
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.bundle import export_run
from resnet_core.runs.store import RunStore
from resnet_core.training.checkpoint import save_weights
from resnet_core.training.events import EpochEnded, Finished, Started, StepStats
from resnet_core.training.recipe import Recipe

WEIGHTS = ("conv1", *(f"layer{stage}.0.conv{n}" for stage in (1, 2, 3) for n in (1, 2)), "fc")  # of ResNet-8
BLOCKS = ("relu", "layer1.0", "layer2.0", "layer3.0")


@pytest.fixture
def finished_bundle(tmp_path: Path) -> bytes:
    """A finished run of another lab as a bundle."""
    spec = NetSpec(depth=8, width=2)
    facts = {"fingerprint": "ab" * 32, "classes": list("abcdefghij"), "mean": [0.5] * 3, "std": [0.2] * 3}
    elsewhere = RunStore(tmp_path / "elsewhere")
    run_id = elsewhere.create(spec.to_dict(), Recipe(steps=10).to_dict(), "shapes-10", name="A net", facts=facts)
    events = [
        Started(0, 10, 10.0, "cpu", "CPU, 2 threads", "fp32", 1234, 100, WEIGHTS, BLOCKS, "none"),
        StepStats(10, 1.0, 0.5, 0.1, 100.0),
        EpochEnded(1, 10, 0.2, 0.4, 0.3, 0.8, 1.5),
        Finished(10, 4.5, save_weights(build_net(spec))),
    ]
    elsewhere.record(run_id, events)
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


def test_a_shipped_run_is_installed_once_under_its_own_id(store: RunStore, folder: Path) -> None:
    assert install(store, folder) == ["gallery-tiny"] == install(store, folder)
    version = store.version()
    install(store, folder)
    assert store.version() == version
    assert [run.origin for run in store.runs() if run.id == "gallery-tiny"] == ["gallery"]
    assert len(store.epochs("gallery-tiny")) > 0 and store.weights("gallery-tiny")


def test_it_cannot_be_changed_or_deleted(store: RunStore, folder: Path) -> None:
    install(store, folder)
    for change in (
        lambda: store.rename("gallery-tiny", "mine"),
        lambda: store.tag("gallery-tiny", ["mine"]),
        lambda: store.delete("gallery-tiny"),
    ):
        with pytest.raises(StoreError, match="ships"):
            change()


def test_a_run_that_ships_no_more_goes(store: RunStore, folder: Path) -> None:
    install(store, folder)
    (folder / "tiny.skiprun").rename(folder / "other.skiprun")
    assert install(store, folder) == ["gallery-other"] == [run.id for run in store.runs()]


def test_a_damaged_bundle_is_left_out(store: RunStore, folder: Path) -> None:
    (folder / "broken.skiprun").write_bytes(b"no zip")
    assert install(store, folder) == ["gallery-tiny"]


def test_two_processes_that_start_at_once_end_with_one_whole_run(store: RunStore, folder: Path, monkeypatch) -> None:
    other, real, inner = RunStore(store.home), shipped.import_run, []

    def slower(*args, **kwargs):
        if not inner:
            inner.append(True)
            install(other, folder)
        return real(*args, **kwargs)

    monkeypatch.setattr(shipped, "import_run", slower)
    assert install(store, folder) == ["gallery-tiny"]
    assert store.weights("gallery-tiny") and store.get("gallery-tiny").facts["bundle"]
    other.close()


def test_what_ships_here_is_whole_and_small(store: RunStore) -> None:
    bundles = list(FOLDER.glob("*.skiprun"))
    assert len(install(store)) == len(bundles)
    assert sum(path.stat().st_size for path in bundles) <= 40e6
    for run in store.runs():
        if run.origin == "gallery":
            assert run.state == "done" and run.device_name and run.software and run.recipe["name"]
