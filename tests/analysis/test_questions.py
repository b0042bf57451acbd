import pickle

import numpy as np
import pytest

from resnet_core.analysis import questions
from resnet_core.analysis.questions import compare_same_weights, measure_design, sample_batch
from resnet_core.data.dataset import Dataset
from resnet_core.errors import DataError
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
    questions._measure_cached.cache_clear()
    questions._BATCHES.clear()


def test_after_a_toggle_only_what_changed_is_measured(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []
    real = questions.measure_step0
    monkeypatch.setattr(questions, "measure_step0", lambda spec, *rest: measured.append(spec) or real(spec, *rest))
    residual, toggled = NetSpec(depth=8), NetSpec(depth=8, skips="101")
    for spec in (residual, toggled, residual):
        found = measure_design(spec, "tiny", tmp_path, 8, 0)
    assert measured == [residual, toggled]
    assert pickle.loads(pickle.dumps(found)).spec == residual
    assert measure_design(residual, "tiny", tmp_path, 8, 1).seeds == (1,)
    assert measured == [residual, toggled, residual]


def test_a_batch_has_more_than_the_first_class_and_is_always_the_same(dataset: Dataset) -> None:
    batch = sample_batch(dataset, 32)
    assert len(set(batch.labels)) >= 8 and batch.count == 32
    questions._BATCHES.clear()
    assert (sample_batch(dataset, 32).images == batch.images).all()
    assert sample_batch(dataset, 1000).count == 100


def test_a_network_too_large_for_the_memory_gets_fewer_pictures(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert questions._fit_batch_size(NetSpec(depth=110), 64) == 64
    assert 4 <= questions._fit_batch_size(NetSpec(depth=1202), 64) < 64
    monkeypatch.setattr(questions, "MEMORY_BYTES", 1)
    assert measure_design(NetSpec(depth=8), "tiny", tmp_path, 64, 0).pictures == questions.MIN_PICTURES


def test_a_design_with_too_few_classes_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="classes"):
        measure_design(NetSpec(depth=8, num_classes=3), "tiny", tmp_path, 64, 0)


def test_the_same_weights_with_and_without_skips(tmp_path) -> None:
    spec = NetSpec(depth=8)
    facts = DataFacts("tiny", tuple("abcdefghij"), (0.5,) * 3, (0.2,) * 3)
    asked = LoadedNet(TrainedNet("n", "Net", spec, facts, 0), build_net(spec))
    rows = compare_same_weights([asked], "tiny", tmp_path, pictures=20)
    assert [row.skips for row in rows] == ["as trained", "all removed"]
