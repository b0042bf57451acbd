import itertools
import threading
import time

import numpy as np
import pytest

from resnet_core.compute import asking
from resnet_core.compute.lab import QUESTIONS, Lab, Missing, NetKey, Parcel, Whole
from resnet_core.compute.service import Service
from resnet_core.errors import JobError
from resnet_core.training.events import Finished

FAKES = ("double", "count", "refuse", "torch_error", "die_once", "always_die", "hang", "describe", "overlap")


@pytest.fixture(scope="module")
def line_home(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def service(ray_running, line_home):
    """A service whose lab also knows the fake questions; one for all tests, since its torch takes seconds."""
    service = Service(line_home, warm=False)
    service._lab = asking.LabLine(service.store, QUESTIONS | {name: f"fake_answers:{name}" for name in FAKES})
    service._started.set()
    service._lab.wait_until_ready()
    return service


@pytest.fixture
def trained(service, tools):
    """Ids of two finished runs, of twins with different weights."""
    import torch

    from resnet_core.networks.build import build_net
    from resnet_core.training.checkpoint import save_weights

    ids = []
    for seed, spec in enumerate((tools.SPEC, tools.SPEC.twin())):
        run_id = service.store.create(spec.to_dict(), tools.recipe().to_dict(), "dots", name=spec.name)
        facts = {"fingerprint": "", "classes": list("abcdefghij"), "mean": [0.5] * 3, "std": [0.2] * 3}
        service.store.note_facts(run_id, facts)
        with torch.no_grad():
            weights = save_weights(build_net(spec, seed=seed))
        service.store.record(run_id, Finished(1, 1.0, weights))
        ids.append(run_id)
    return ids


def test_a_question_and_its_answer(service):
    assert service.ask("double", 21) == 42


def test_an_answer_in_parts(service):
    assert service.ask("count", 3) == [0, 1, 2]
    assert list(service.ask_each("count", 3)) == [0, 1, 2]
    assert service.ask("count", 0) == []


def test_no_answer_is_a_sentence(service):
    with pytest.raises(JobError, match="7 is no answer"):
        service.ask("refuse", 7)
    with pytest.raises(JobError, match="Memory ran out"):
        service.ask("torch_error")
    assert service.ask("double", 1) == 2


def test_the_networks_of_runs_come_to_the_question(service, trained):
    described = service.ask("describe", runs=trained)
    assert [name for name, _, _ in described] == ["ResNet-8", "Plain-8"] or described[0][0] != described[1][0]
    assert all(first == "a" and module.startswith("resnet_core.") for _, first, module in described)


def test_a_run_without_weights_is_a_sentence(service, tools):
    run_id = service.store.create(tools.SPEC.to_dict(), {}, "dots", name="Fresh")
    with pytest.raises(JobError, match="Fresh"):
        service.ask("describe", runs=[run_id])


def test_predictions_are_those_of_the_networks(service, trained):
    import torch

    from resnet_core.networks.build import build_net
    from resnet_core.networks.spec import NetSpec
    from resnet_core.training.checkpoint import load_weights

    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    answers = service.ask("predict", picture, runs=trained)
    for run_id, probabilities in zip(trained, answers, strict=True):
        net = build_net(NetSpec.from_dict(service.store.get(run_id).spec), seed=9).eval()
        load_weights(service.store.weights(run_id), net)
        x = (torch.from_numpy(picture).permute(2, 0, 1)[None] / 255 - 0.5) / 0.2
        with torch.no_grad():
            expected = net(x.float()).softmax(1)[0].numpy()
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_two_visitors_at_once_get_the_maps_they_would_get_alone(service, trained):
    pictures = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    methods = ["guided_backprop", "saliency"]
    known = [method for method in methods if method in all_methods()]

    def maps(picture):
        return [a.map for _, a in service.ask("explain", picture, known, 3, runs=trained)]

    alone = [maps(picture) for picture in pictures]
    together = [None, None]

    def visit(i):
        together[i] = maps(pictures[i])

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(known) * 2
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def all_methods():
    from resnet_core.attribution.methods import METHODS

    return METHODS


def test_questions_are_computed_one_at_a_time(service):
    spans = []
    threads = [threading.Thread(target=lambda: spans.append(service.ask("overlap", 0.2))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_patience_ends_with_a_sentence(service):
    begun = time.monotonic()
    with pytest.raises(JobError, match="too long"):
        service.ask("hang", 1.5, timeout=0.3)
    assert time.monotonic() - begun < 1.4
    assert service.ask("double", 2) == 4, "the lab was busy, not hung, and goes on"


def test_a_lab_that_hangs_is_started_anew(service, monkeypatch):
    monkeypatch.setattr(asking, "STUCK_S", 0.2)
    with pytest.raises(JobError):
        service.ask("hang", 600, timeout=0.5)
    assert service.ask("double", 3) == 6


def test_a_lab_that_dies_is_asked_again_and_goes_on_where_it_was(service, tmp_path):
    assert list(service.ask_each("die_once", str(tmp_path / "died"))) == [1, 2, 3]


def test_a_question_that_always_kills_the_lab_is_given_up(service):
    with pytest.raises(JobError, match="died 2 times"):
        service.ask("always_die")
    assert service.ask("double", 4) == 8


# The cache, without an actor


@pytest.fixture
def lab(tools):
    import gc

    yield Lab(1, {"names": "fake_answers:describe"})
    gc.unfreeze()


def parcel(tools, size):
    from resnet_core.networks.build import build_net
    from resnet_core.training.checkpoint import save_weights

    weights = save_weights(build_net(tools.SPEC))
    return Parcel(tools.SPEC.to_dict(), weights, {"classes": ["a"], "mean": [0] * 3, "std": [1] * 3})


def test_networks_stay_until_others_push_them_out(lab, tools, monkeypatch):
    keys = [NetKey(f"r{i}", 1) for i in range(3)]
    one = parcel(tools, 1)
    monkeypatch.setattr("resnet_core.compute.lab.CACHE_BYTES", 2 * len(one.weights))
    assert list(lab.answer("names", (), keys[:1], {})) == [Missing((keys[0],))]
    for key in keys[:2]:
        (answer,) = lab.answer("names", (), [key], {key: one})
        assert isinstance(answer, Whole)
    list(lab.answer("names", (), [keys[0]], {}))  # the first was used last
    list(lab.answer("names", (), [keys[2]], {keys[2]: one}))
    assert lab.missing(keys) == (keys[1],)
