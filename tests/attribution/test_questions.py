import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from resnet_core.attribution import questions
from resnet_core.attribution.explain import explain
from resnet_core.attribution.methods import AttributionError
from resnet_core.attribution.questions import compute_logits, explain_many, object_shares, predict_many, trust_report
from resnet_core.attribution.statistics import object_share
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")


@pytest.fixture
def net(resnet, normalise, loaded):
    return loaded(resnet[0], normalise.mean, normalise.std)


@pytest.fixture
def twin(loaded):
    """Another network, trained with another normalisation."""
    return loaded(build_net(NetSpec(depth=8), seed=7), (0.1, 0.2, 0.3), (1.0, 0.5, 0.25))


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(256, size=(3, 32, 32, 3), dtype=np.uint8)


def test_predictions_are_probabilities(net, twin, pictures):
    ours, others = predict_many([net, twin], pictures[0])
    assert ours.shape == (10,) and ours.sum() == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        logits = net.module.eval()(net.input(pictures[0]))
    np.testing.assert_allclose(ours, logits.softmax(1)[0], rtol=1e-4)
    assert not np.allclose(ours, others)


def test_parts_are_the_logits_of_every_network_in_order(net, twin, monkeypatch):
    monkeypatch.setattr(questions, "_PREDICTED_AT_ONCE", 2)
    pictures = np.random.default_rng(0).integers(256, size=(5, 32, 32, 3), dtype=np.uint8)
    parts = list(compute_logits([net, twin], pictures))
    assert [part.shape for part in parts] == [(2, 2, 10), (2, 2, 10), (2, 1, 10)]
    with torch.no_grad():
        alone = [each.module.eval()(each.input(pictures)).numpy() for each in (net, twin)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), alone, rtol=1e-4, atol=1e-5)


def test_a_network_is_used_in_evaluation_mode_and_left_as_it_was(net, pictures):
    module = net.module.train()
    first, again = next(compute_logits([net], pictures)), next(compute_logits([net], pictures))
    np.testing.assert_array_equal(first, again)
    assert module.training


def test_answers_come_method_by_method(net, twin, pictures):
    answers = explain_many([net, twin], pictures[0], ["saliency", "grad_cam"], target=4)
    assert [(index, a.method, a.target) for index, a in answers] == [
        (0, "saliency", 4),
        (1, "saliency", 4),
        (0, "grad_cam", 4),
        (1, "grad_cam", 4),
    ]


def test_each_network_gets_its_own_normalisation_and_settings(net, twin, pictures):
    params = {"integrated_gradients": {"n_steps": 5}}
    answers = dict(explain_many([net, twin], pictures[0], ["integrated_gradients"], 2, params))
    for index, who in enumerate((net, twin)):
        alone = explain(
            who.module,
            who.input(pictures[0]),
            2,
            "integrated_gradients",
            normalise=who.normalise,
            params={"n_steps": 5},
        )
        np.testing.assert_array_equal(answers[index].map, alone.map)
    assert not np.allclose(answers[0].map, answers[1].map)


def test_without_a_class_each_explains_its_own_prediction(net, twin, pictures):
    predicted = [int(p.argmax()) for p in predict_many([net, twin], pictures[1])]
    answers = dict(explain_many([net, twin], pictures[1], ["saliency"]))
    assert [answers[index].target for index in (0, 1)] == predicted


def test_unknown_method_is_refused_before_work_is_done(net, pictures):
    with pytest.raises(AttributionError, match="lime"):
        next(explain_many([net], pictures[0], ["saliency", "lime"], target=0))


def test_answers_reach_a_process_without_torch(net, pictures):
    answers = list(explain_many([net], pictures[0], ["grad_cam", "deeplift"], target=0))
    report = list(trust_report([net], pictures[0], answers[1][1]))
    rows = list(object_shares([net], pictures, np.ones((3, 32, 32), bool), [0, 1, 2], ["saliency"]))
    code = (
        "import pickle, sys\n"
        "pickle.load(sys.stdin.buffer)\n"
        "sys.exit('torch came along' if 'torch' in sys.modules else None)"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps((answers, report, rows)), check=True)


@pytest.mark.parametrize("method", ["deeplift", "grad_cam"])
def test_trust_report_has_every_measure_that_applies(net, pictures, method):
    _, answer = next(explain_many([net], pictures[0], [method], target=1))
    report = dict(trust_report([net], pictures[0], answer))
    expected = {"randomisation", "deletion_insertion", "infidelity", "sensitivity"}
    assert report.keys() == expected | ({"completeness"} if method == "deeplift" else set())
    assert 0 <= report["deletion_insertion"]["insertion_area"] <= 1
    if method == "deeplift":
        assert report["completeness"]["relative"] == answer.relative_gap


def test_object_shares_by_network_and_method(net, twin, pictures):
    masks = np.zeros((3, 32, 32), bool)
    masks[:, 8:24, 8:24] = True
    rows = list(object_shares([net, twin], pictures, masks, [1, 2, 3], ["saliency", "grad_cam"]))
    assert [(row["net"], row["method"]) for row in rows] == [
        (0, "saliency"),
        (1, "saliency"),
        (0, "grad_cam"),
        (1, "grad_cam"),
    ]
    for row in rows:
        assert row["chance"] == 0.25 and row["count"] == 3
        assert row["low"] <= row["mean"] <= row["high"]
    alone = explain(net.module, net.input(pictures[2]), 3, "saliency", normalise=net.normalise)
    assert rows[0]["shares"][2] == pytest.approx(object_share(alone.map, masks[2]), rel=1e-4)


def test_as_many_masks_as_pictures(net, pictures):
    with pytest.raises(AttributionError, match="3 pictures, 2 masks"):
        next(object_shares([net], pictures, np.ones((2, 32, 32), bool), [0, 1, 2], ["saliency"]))
