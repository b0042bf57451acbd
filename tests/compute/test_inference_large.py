"""Large networks in the inference worker: at most two in memory, whatever is asked."""

import gc
import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from resnet_core.compute.failures import Failure
from resnet_core.compute.inference_worker import QUESTIONS, InferenceWorker, Missing, Whole
from resnet_core.data.download import downloads_folder
from resnet_core.errors import JobError
from resnet_core.networks import presets
from resnet_core.networks.build import build_net
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec
from resnet_core.trained import imagenet
from resnet_core.trained.net import DataFacts, TrainedNet

LARGE = replace(preset("resnet-18"), width=4, num_classes=3)
SMALL = replace(LARGE, image_size=32)
FACTS = DataFacts("photos", ("a", "b", "c"), (0.5,) * 3, (0.2,) * 3)
PICTURE = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)


@pytest.fixture
def worker():
    threads = torch.get_num_threads()
    yield InferenceWorker(threads, QUESTIONS | {"describe": "fake_questions:describe"})
    torch.set_num_threads(threads)
    gc.unfreeze()


@pytest.fixture
def save_net(tmp_path):
    """``save_net("a")``: the file of weights of a network for 224 pixels."""

    def save(name: str, spec: NetSpec = LARGE) -> Path:
        file = tmp_path / f"{name}.safetensors"
        save_file(build_net(spec, seed=ord(name)).state_dict(), file)
        return file

    return save


def ask(worker: InferenceWorker, question: str, names: str, files: dict[str, Path], *args: object) -> list:
    nets = [TrainedNet(name, name, SMALL if name == "s" else LARGE, FACTS, 0) for name in names]
    return list(worker.answer("q", question, args, nets, {(name, 0): file for name, file in files.items()}))


def here(worker: InferenceWorker) -> set[str]:
    return {name for name, _ in worker._nets}


def test_the_large_network_asked_longest_ago_makes_room(worker, save_net):
    ask(worker, "describe", "s", {"s": save_net("s", SMALL)})
    for name in "ab":
        ask(worker, "describe", name, {name: save_net(name)})
    ask(worker, "describe", "a", {})
    ask(worker, "describe", "c", {"c": save_net("c")})
    assert here(worker) == {"s", "a", "c"}
    assert isinstance(ask(worker, "describe", "b", {})[0], Missing)


def test_what_made_room_is_out_of_memory(worker, save_net):
    ask(worker, "predict", "a", {"a": save_net("a")}, PICTURE)
    first = weakref.ref(worker._nets["a", 0].module)
    for name in "bc":
        ask(worker, "predict", name, {name: save_net(name)}, PICTURE)
    gc.collect()
    assert first() is None


def test_two_large_networks_of_one_question_stay_together(worker, save_net):
    for name in "ab":
        ask(worker, "describe", name, {name: save_net(name)})
    assert isinstance(ask(worker, "describe", "ac", {"c": save_net("c")})[0], Whole)
    assert here(worker) == {"a", "c"}


def test_a_file_answers_as_the_network_it_was_saved_from(worker, save_net):
    [whole] = ask(worker, "predict", "a", {"a": save_net("a")}, PICTURE)
    net = build_net(LARGE, seed=ord("a")).eval()
    x = (torch.from_numpy(PICTURE).permute(2, 0, 1)[None] / 255 - 0.5) / 0.2
    with torch.no_grad():
        np.testing.assert_allclose(whole.value[0], net(x).softmax(1)[0].numpy(), atol=1e-5)


def test_a_picture_of_another_size_is_a_sentence(worker, save_net):
    [failure] = ask(worker, "predict", "a", {"a": save_net("a")}, PICTURE[:32, :32])
    assert isinstance(failure, Failure) and "224 x 224" in failure.sentence and not failure.details


def test_a_damaged_file_is_a_sentence(worker, save_net):
    file = save_net("a")
    file.write_bytes(file.read_bytes()[:-100])
    [failure] = ask(worker, "predict", "a", {"a": file}, PICTURE)
    assert "a.safetensors" in failure.sentence and "damaged" in failure.sentence and not failure.details
    assert here(worker) == set()


def test_the_trust_of_a_large_network_comes_without_what_takes_minutes(worker, save_net):
    [(_, attribution)] = ask(worker, "explain", "a", {"a": save_net("a")}, PICTURE, ["input_x_gradient"], 1)
    assert [name for name, _ in ask(worker, "trust", "a", {}, PICTURE, attribution)] == ["randomisation"]


@pytest.fixture
def service(make_service, tmp_path, monkeypatch):
    """A service whose three smallest published ResNets are tiny and here; the worker for them is not started."""
    imagenet.classes_file(tmp_path).parent.mkdir()
    imagenet.classes_file(tmp_path).write_text(json.dumps([f"class {index}" for index in range(LARGE.num_classes)]))
    for seed, name in enumerate(("resnet-18", "resnet-34", "resnet-50")):
        monkeypatch.setitem(presets.PRESETS, name, replace(presets.PRESETS[name], spec=LARGE))
        save_file(build_net(LARGE, seed=seed).state_dict(), imagenet.weights_file(tmp_path, name))
    return make_service(tmp_path)


def test_a_page_asks_by_name_and_the_worker_of_the_others_stays_free(service):
    ids = ["imagenet:resnet-18", "imagenet:resnet-34"]
    first, second = service.ask("predict", PICTURE, nets=service.nets(ids))
    assert first.shape == (3,) and first.sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(first, second)
    assert service._workers._large_inference is not None


def test_weights_that_are_not_here_and_too_many_networks_are_sentences(service):
    with pytest.raises(JobError, match="VGG-19's weights are not here"):
        service.ask("predict", PICTURE, nets=service.nets(["imagenet:vgg-19"]))
    three = [f"imagenet:{name}" for name in ("resnet-18", "resnet-34", "resnet-50")]
    with pytest.raises(JobError, match="at once"):
        service.ask("predict", PICTURE, nets=service.nets(three))


def test_weights_asked_for_twice_are_fetched_once(make_service, tmp_path, tools):
    service = make_service(tmp_path)
    file = downloads_folder(tmp_path) / imagenet.NETWORKS["alexnet"].file
    file.parent.mkdir()
    file.write_bytes(b"half of it")
    assert service.fetch_weights("alexnet") == service.fetch_weights("alexnet")
    [task] = tools.wait_until(lambda: [task for task in service.data_tasks() if task.state != "running"])
    assert task.state == "failed" and "checksum" in task.error and task.source == "imagenet:alexnet"
