"""Testing a trained network from the command line."""

import pytest
import torch

from resnet_core.compute.evaluation import evaluate_net
from resnet_core.data.catalog import load_dataset
from resnet_core.errors import DataError, JobError
from resnet_core.networks.build import build_net
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import DataFacts
from resnet_core.training.checkpoint import save_weights
from resnet_core.training.events import Finished


@pytest.fixture
def store(home):
    store = RunStore(home)
    yield store
    store.close()


def test_evaluation_counts_wrong_answers_by_class(store, tools):
    dataset = load_dataset("dots", store.home)
    facts = DataFacts.from_dataset(dataset).to_dict()
    run_id = store.create(tools.SPEC.to_dict(), tools.recipe().to_dict(), "dots", name="Mine", facts=facts)
    with pytest.raises(JobError, match="Mine"):
        evaluate_net(store, run_id)
    net = build_net(tools.SPEC).eval()
    with torch.no_grad():
        net.fc.weight.zero_()
        net.fc.bias.copy_(torch.arange(10.0) == 4)  # it says class 4 to everything
    store.record(run_id, [Finished(40, 1.0, save_weights(net))])
    result = evaluate_net(store, run_id)
    assert result["pictures"] == len(dataset.y_test) and result["dataset"] == "dots"
    assert result["error"] == pytest.approx((dataset.y_test != 4).mean())
    assert result["error_by_class"] == {f"class {i}": float(i != 4) for i in range(10)}
    assert result["balanced_error"] == pytest.approx(0.9)
    with pytest.raises(DataError, match="cats"):
        evaluate_net(store, run_id, "cats")
