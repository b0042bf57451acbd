import dataclasses
import signal

import numpy as np
import pytest

from resnet_core.compute import jobs
from resnet_core.compute.failures import Failure, describe_failure
from resnet_core.data.catalog import load_dataset
from resnet_core.errors import DataError
from resnet_core.trained.net import DataFacts
from resnet_core.training.events import Started, StepStats


class Version(str):
    """A str that is not str, as torch.__version__ is."""


def test_events_cross_with_plain_types_only():
    event = StepStats(np.int64(3), np.float64(0.5), 0.1, 0.1, 1.0)
    assert type(jobs.with_plain_types(event).loss) is float
    started = Started(0, 1, 1.0, "cpu", "CPU", "fp32", 1, 1, ("a",), ("b",), Version("torch 2"))
    assert type(jobs.with_plain_types(started).software) is str and jobs.with_plain_types(started) == started


def test_a_training_that_fails_says_so_in_the_stream(home, tools):
    dataset = load_dataset("dots", home)
    job = jobs.Job("k", {}, {"steps": 40, "name": "broken", "seed": 0}, 1, None, "fake_training:train")
    quiet = dataclasses.replace(job)
    *said, last = jobs.train_task(quiet, dataset, None, NoFlags())
    assert isinstance(said[0], DataFacts) and isinstance(last, Failure)
    assert "ZeroDivisionError" in last.details


def test_a_task_can_be_interrupted_though_its_process_ignored_that():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            jobs.run_interruptible(signal.raise_signal, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


class NoFlags:
    """In place of the actor: never asked, since StopCheck is replaced."""


@pytest.fixture(autouse=True)
def nobody_stops(monkeypatch):
    monkeypatch.setattr(jobs, "StopCheck", lambda flags, key: lambda: False)
    monkeypatch.setattr(jobs, "lower_priority", lambda: None)


def test_a_dataset_that_could_not_be_loaded_ends_the_training(home):
    failure = jobs.load_task("nowhere", str(home))
    assert isinstance(failure, Failure) and "nowhere" in failure.sentence and failure.details == ""
    job = jobs.Job("k", {}, {}, 1, None)
    assert list(jobs.train_task(job, failure, None, NoFlags())) == [failure]


def test_a_loaded_dataset_needs_no_disk(home):
    loaded, mapped = jobs.load_task("dots", str(home)), load_dataset("dots", home)
    assert type(loaded.x_train) is np.ndarray and not isinstance(loaded.x_train, np.memmap)
    assert loaded.fingerprint == mapped.fingerprint
    np.testing.assert_array_equal(loaded.x_train, mapped.x_train)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DataError("The picture is odd: take another."), "The picture is odd"),
        (MemoryError(), "Memory ran out"),
        (OSError(28, "No space left on device"), "disk is full"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_failures_are_sentences(error, words):
    failure = describe_failure(error)
    assert words in failure.sentence and failure.sentence.endswith(".")
    assert bool(failure.details) is not isinstance(error, DataError)
