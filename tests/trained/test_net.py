"""Networks that can be asked: from runs, and with what is known of their data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resnet_core.data.dataset import Dataset
from resnet_core.errors import SpecError
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import DataFacts, TrainedNet
from resnet_core.training.events import CheckpointSaved

SPEC = NetSpec(depth=8, width=4, num_classes=2)
FACTS = DataFacts("dots", ("cat", "dog"), (0.5, 0.4, 0.3), (0.2, 0.25, 0.5), "ab" * 32)


@pytest.fixture
def store(tmp_path: Path):
    store = RunStore(tmp_path)
    yield store
    store.close()


def test_a_run_is_a_trained_network_from_its_first_weights_on(store: RunStore) -> None:
    run = store.create(SPEC.to_dict(), {}, "dots", name="Mine")
    assert store.get(run).net() is None
    store.set_facts(run, FACTS.to_dict())
    assert store.get(run).net() is None
    store.record(run, [CheckpointSaved(7, 0, b"weights")])
    assert store.get(run).net() == TrainedNet(run, "Mine", SPEC, FACTS, 7)


def test_a_damaged_spec_is_a_sentence(store: RunStore) -> None:
    run = store.create({"depth": 21}, {}, "dots", name="Odd", begin_with=b"w", facts=FACTS.to_dict())
    with pytest.raises(SpecError, match="21"):
        store.get(run).net()


@pytest.mark.parametrize("facts", [FACTS, replace(FACTS, fingerprint="", best_scores=(0.5, 1.5))])
def test_facts_go_through_json(facts: DataFacts) -> None:
    assert DataFacts.from_dict(facts.dataset, facts.to_dict()) == facts


def test_facts_of_a_dataset() -> None:
    pictures, labels = np.zeros((4, 32, 32, 3), np.uint8), np.arange(4) % 2
    dataset = Dataset("dots", "Dots", ("cat", "dog"), pictures, labels, pictures, labels, "made up", "ab" * 32)
    facts = DataFacts.from_dataset(dataset)
    assert (facts.dataset, facts.classes, facts.fingerprint) == ("dots", ("cat", "dog"), "ab" * 32)
    assert (facts.mean, facts.std) == (dataset.mean, dataset.std)


def test_what_is_large_follows_from_the_spec() -> None:
    large = [TrainedNet("n", "n", spec, FACTS, 0).is_large for spec in (SPEC, preset("resnet-18"))]
    assert large == [False, True]
