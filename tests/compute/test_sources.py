"""Weights are those of the version that was asked about, or newer ones are pointed out."""

import json
import struct
import threading
import time

import pytest

from resnet_core.compute import sources
from resnet_core.compute.sources import find_net, find_weights
from resnet_core.errors import JobError, NewerWeightsError
from resnet_core.networks.spec import NetSpec
from resnet_core.runs import files
from resnet_core.runs.store import RunStore
from resnet_core.training.events import CheckpointSaved, Finished


def weights(step: int) -> bytes:
    """Safetensors without a tensor, that say which they are."""
    header = json.dumps({"__metadata__": {"step": str(step)}}).encode()
    return struct.pack("<Q", len(header)) + header


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "home")
    yield store
    store.close()


@pytest.fixture
def run(store):
    """The id of a run in work with a checkpoint at step 10."""
    run_id = store.create(NetSpec(depth=8).to_dict(), {}, "dots", name="ResNet-8")
    store.set_facts(run_id, {"fingerprint": "", "classes": ["a", "b"], "mean": [0.5] * 3, "std": [0.2] * 3})
    store.record(run_id, [CheckpointSaved(10, 1, weights(10))])
    return run_id


def test_the_weights_of_the_version_that_was_asked_about(store, run):
    assert find_weights(store, find_net(store, run)) == weights(10)
    store.record(run, [Finished(30, 1.0, weights(30))])
    assert find_weights(store, find_net(store, run)) == weights(30)


@pytest.mark.parametrize("event", [CheckpointSaved(20, 2, weights(20)), Finished(30, 1.0, weights(30))])
def test_newer_weights_never_stand_for_older_ones(store, run, event):
    net = find_net(store, run)
    store.record(run, [event])
    with pytest.raises(NewerWeightsError, match="ResNet-8"):
        find_weights(store, net)


def test_a_file_that_the_store_does_not_know_yet_is_not_taken_for_an_older_version(store, run, monkeypatch):
    monkeypatch.setattr(sources, "UNSAID_S", 60)
    net = find_net(store, run)
    files.write_checkpoint(store.folder(run), 20, weights(20))

    def say_so():
        time.sleep(0.1)
        store.record(run, [CheckpointSaved(20, 2, weights(20))])

    thread = threading.Thread(target=say_so)
    thread.start()
    with pytest.raises(NewerWeightsError):
        find_weights(store, net)
    thread.join()


def test_a_file_that_a_killed_process_left_is_what_there_is(store, run, monkeypatch):
    monkeypatch.setattr(sources, "UNSAID_S", 0.1)
    files.write_checkpoint(store.folder(run), 20, weights(20))
    assert find_weights(store, find_net(store, run)) == weights(20)


def test_weights_that_are_gone_are_said_to_be(store, run):
    net = find_net(store, run)
    files.drop_checkpoints(store.folder(run))
    with pytest.raises(JobError, match="gone"):
        find_weights(store, net)
