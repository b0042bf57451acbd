import gc
import itertools
import threading
import time

import numpy as np
import pytest
import torch

from resnet_core.compute import cluster, inference_client, inference_worker
from resnet_core.compute.inference_worker import QUESTIONS, InferenceWorker, Missing, Whole
from resnet_core.compute.jobs import import_function
from resnet_core.compute.service import Service
from resnet_core.errors import JobError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.net import DataFacts, TrainedNet
from resnet_core.training.checkpoint import load_weights, save_weights
from resnet_core.training.events import Finished

FAKES = (
    *("double", "count", "refuse", "torch_error", "die_once", "always_die", "hang", "describe", "overlap"),
    *("slow_count", "touch", "pid"),
)


@pytest.fixture(scope="module")
def service_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def service(ray_running, service_home):
    """A service whose worker also knows the fake questions; one for all tests, since its torch takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FAKES:
            patch.setitem(QUESTIONS, name, f"fake_questions:{name}")
        patch.setattr(cluster, "stop", lambda: None)  # others use the same Ray
        service = Service(service_home, warm=False)
        service.start()
        service._workers._inference.wait_until_ready()
        yield service
        service.stop()


@pytest.fixture
def trained(service, tools):
    """Ids of two finished runs, of twins with different weights."""
    ids = []
    for seed, spec in enumerate((tools.SPEC, tools.SPEC.twin())):
        run_id = service.store.create(spec.to_dict(), tools.recipe().to_dict(), "dots", name=spec.name)
        facts = {"fingerprint": "", "classes": list("abcdefghij"), "mean": [0.5] * 3, "std": [0.2] * 3}
        service.store.set_facts(run_id, facts)
        with torch.no_grad():
            weights = save_weights(build_net(spec, seed=seed))
        service.store.record(run_id, [Finished(1, 1.0, weights)])
        ids.append(run_id)
    return ids


@pytest.mark.parametrize("path", QUESTIONS.values())
def test_every_question_has_a_function(path):
    assert callable(import_function(path))


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
    described = service.ask("describe", nets=service.nets(trained))
    assert [name for name, _, _ in described] == ["ResNet-8", "Plain-8"] or described[0][0] != described[1][0]
    assert all(first == "a" and module.startswith("resnet_core.") for _, first, module in described)


def test_a_run_without_weights_is_a_sentence(service, tools):
    run_id = service.store.create(tools.SPEC.to_dict(), {}, "dots", name="Fresh")
    with pytest.raises(JobError, match="Fresh"):
        service.ask("describe", nets=service.nets([run_id]))


def test_predictions_are_those_of_the_networks(service, trained):
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    answers = service.ask("predict", picture, nets=service.nets(trained))
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

    def maps(picture):
        return [a.map for _, a in service.ask("explain", picture, methods, 3, nets=service.nets(trained))]

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
        assert len(one) == len(methods) * 2
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


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
        service.ask("hang", 3.0, timeout=0.3)
    assert time.monotonic() - begun < 2.9
    assert service.ask("double", 2) == 4, "the worker was busy, not hung, and goes on"


def test_an_impatient_one_among_many_harms_nobody(service):
    """Two dozen who wait their turn, and one whose patience ends long before: the worker is busy, not hung."""
    before = service.ask("pid")
    answers, refusals = [], []

    def ask(timeout):
        try:
            answers.append(service.ask("hang", 0.4, timeout=timeout))
        except JobError as error:
            refusals.append(str(error))

    threads = [threading.Thread(target=ask, args=(60,)) for _ in range(24)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    ask(timeout=0.5)
    assert len(refusals) == 1 and "others may be asking" in refusals[0]
    for thread in threads:
        thread.join()
    assert answers == ["at last"] * 24 and len(refusals) == 1
    assert service.ask("pid") == before


def test_a_closed_stream_computes_nothing_more(service, tmp_path):
    parts = service.ask_each("slow_count", 100, 0.05, str(tmp_path / "log"))
    assert next(parts) == 0
    parts.close()
    service.ask("double", 1)  # after what was in work
    counted = len((tmp_path / "log").read_text().split())
    time.sleep(0.3)
    assert len((tmp_path / "log").read_text().split()) == counted < 50


def test_a_question_whose_asker_has_lost_patience_is_not_computed(service, tmp_path):
    busy = threading.Thread(target=lambda: service.ask("hang", 1.0))
    busy.start()
    time.sleep(0.2)
    with pytest.raises(JobError, match="too long"):
        service.ask("touch", str(tmp_path / "computed"), timeout=0.3)
    busy.join()
    service.ask("double", 1)
    assert not (tmp_path / "computed").exists()


def test_whoever_moves_on_stops_waiting_at_once(service, tmp_path, monkeypatch):
    class MovedOn(BaseException):
        """As Streamlit ends a rerun."""

    def on_wait():
        raise MovedOn

    monkeypatch.setattr(service, "on_wait", on_wait)
    with pytest.raises(MovedOn):
        service.ask("slow_count", 100, 0.3, str(tmp_path / "log"))
    monkeypatch.undo()
    service.ask("double", 1)
    counted = len((tmp_path / "log").read_text().split())
    time.sleep(0.7)
    assert len((tmp_path / "log").read_text().split()) == counted < 10


def test_a_worker_that_is_only_starting_is_not_killed_for_its_silence(service, monkeypatch):
    """Under load a start takes longer than anybody's patience with a control call."""
    monkeypatch.setattr(inference_client, "CONTROL_S", 0.0)
    before = service.ask("pid")
    with pytest.raises(JobError, match="too long"):
        service.ask("hang", 1.0, timeout=0.2)
    assert service.ask("pid") == before


def test_a_worker_that_hangs_is_started_anew(service, monkeypatch):
    monkeypatch.setattr(inference_client, "STUCK_S", 0.2)
    with pytest.raises(JobError):
        service.ask("hang", 600, timeout=0.5)
    assert service.ask("double", 3) == 6


def test_a_worker_that_dies_is_asked_again_and_goes_on_where_it_was(service, tmp_path):
    assert list(service.ask_each("die_once", str(tmp_path / "died"))) == [1, 2, 3]


def test_a_question_that_always_kills_the_worker_is_given_up(service):
    with pytest.raises(JobError, match="died 2 times"):
        service.ask("always_die")
    assert service.ask("double", 4) == 8


# The cache, without an actor


@pytest.fixture
def worker():
    yield InferenceWorker(1, {"names": "fake_questions:describe"})
    gc.unfreeze()


def test_networks_stay_until_others_push_them_out(worker, tools, monkeypatch):
    facts = DataFacts("dots", ("a",), (0.0,) * 3, (1.0,) * 3)
    nets = [TrainedNet(f"r{i}", "n", tools.SPEC, facts, 1) for i in range(3)]
    weights = save_weights(build_net(tools.SPEC))
    monkeypatch.setattr(inference_worker, "CACHE_BYTES", 2 * len(weights))
    assert list(worker.answer("q", "names", (), nets[:1], {})) == [Missing((nets[0].key,))]
    for net in nets[:2]:
        (answer,) = worker.answer("q", "names", (), [net], {net.key: weights})
        assert isinstance(answer, Whole)
    list(worker.answer("q", "names", (), [nets[0]], {}))  # the first was used last
    list(worker.answer("q", "names", (), [nets[2]], {nets[2].key: weights}))
    assert worker.missing([net.key for net in nets]) == (nets[1].key,)
