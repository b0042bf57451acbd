import pickle

import numpy as np
import pytest

from resnet_core.analysis import questions
from resnet_core.analysis.questions import batch_of, profile_designs, same_weights_of
from resnet_core.analysis.step0_result import concat_seeds
from resnet_core.data.dataset import Dataset
from resnet_core.errors import DataError, SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.loaded import LoadedNet
from resnet_core.trained.net import DataFacts, TrainedNet


@pytest.fixture
def dataset() -> Dataset:
    """100 pictures sorted by class, as own files often are."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(10), 10)
    classes = tuple("abcdefghij")
    return Dataset("tiny", "Tiny", classes, images, labels, images, labels, "made up", f"{images.sum()}")


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    monkeypatch.setattr(questions, "load_dataset", lambda name, home: dataset)
    questions._profiled.cache_clear()
    questions._BATCHES.clear()


DESIGNS = [NetSpec(depth=8).to_dict(), NetSpec(family="plain", depth=8).to_dict()]


def test_every_design_is_there_before_the_second_seed_begins(tmp_path) -> None:
    parts = list(profile_designs(DESIGNS, "tiny", tmp_path, batch_size=8, seeds=(0, 1)))
    assert [(index, found.seeds) for index, found in parts] == [(0, (0,)), (1, (0,)), (0, (1,)), (1, (1,))]
    assert concat_seeds([found for index, found in parts if index == 0]).seeds == (0, 1)
    assert pickle.loads(pickle.dumps(parts[0][1])).spec == NetSpec(depth=8)


def test_after_a_toggle_only_what_changed_is_measured(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []
    real = questions.measure_step0
    monkeypatch.setattr(questions, "measure_step0", lambda spec, *rest: measured.append(spec) or real(spec, *rest))
    toggled = NetSpec(depth=8, skips="101")
    list(profile_designs(DESIGNS, "tiny", tmp_path, batch_size=8, seeds=(0,)))
    list(profile_designs([toggled.to_dict(), DESIGNS[1]], "tiny", tmp_path, batch_size=8, seeds=(0,)))
    assert measured == [NetSpec(depth=8), NetSpec(family="plain", depth=8), toggled]


def test_a_batch_has_more_than_the_first_class_and_is_always_the_same(dataset: Dataset) -> None:
    batch = batch_of(dataset, 32)
    assert len(set(batch.labels)) >= 8 and batch.count == 32
    questions._BATCHES.clear()
    assert (batch_of(dataset, 32).images == batch.images).all()
    assert batch_of(dataset, 1000).count == 100


def test_a_network_too_large_for_the_memory_gets_fewer_pictures(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert questions._affordable(NetSpec(depth=110), 64) == 64
    assert 4 <= questions._affordable(NetSpec(depth=1202), 64) < 64
    monkeypatch.setattr(questions, "MEMORY_BYTES", 1)
    (part,) = profile_designs(DESIGNS[:1], "tiny", tmp_path, seeds=(0,))
    assert part[1].pictures == questions.LEAST_PICTURES


def test_a_design_that_cannot_exist_and_one_with_too_few_classes_are_refused(tmp_path) -> None:
    with pytest.raises(SpecError):
        next(profile_designs([{"family": "residual", "depth": 21}], "tiny", tmp_path))
    with pytest.raises(DataError, match="classes"):
        next(profile_designs([NetSpec(depth=8, num_classes=3).to_dict()], "tiny", tmp_path))


def test_the_same_weights_with_and_without_skips(tmp_path) -> None:
    spec = NetSpec(depth=8)
    facts = DataFacts("tiny", tuple("abcdefghij"), (0.5,) * 3, (0.2,) * 3)
    asked = LoadedNet(TrainedNet("n", "Net", spec, facts, 0), build_net(spec))
    ((index, rows),) = same_weights_of([asked], "tiny", tmp_path, pictures=20)
    assert index == 0 and [row.skips for row in rows] == ["as trained", "all removed"]
