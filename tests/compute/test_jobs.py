import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from resnet_core.compute import jobs
from resnet_core.compute.failures import Failure, as_failure
from resnet_core.data.catalog import load_dataset
from resnet_core.errors import DataError
from resnet_core.training.events import Started, StepStats


class Version(str):
    """A str that is not str, as torch.__version__ is."""


def test_events_cross_with_plain_types_only():
    event = StepStats(np.int64(3), np.float64(0.5), 0.1, 0.1, 1.0)
    assert type(jobs.as_plain(event).loss) is float
    started = Started(0, 1, 1.0, "cpu", "CPU", "fp32", 1, 1, ("a",), ("b",), Version("torch 2"))
    assert type(jobs.as_plain(started).software) is str and jobs.as_plain(started) == started


def test_a_training_that_fails_says_so_in_the_stream(home, tools):
    dataset = load_dataset("dots", home)
    job = jobs.Job("k", {}, {"steps": 40, "name": "broken", "seed": 0}, 1, None, "fake_training:train")
    quiet = dataclasses.replace(job)
    *said, last = jobs.train_task(quiet, dataset, None, NoFlags())
    assert isinstance(said[0], jobs.DataFacts) and isinstance(last, Failure)
    assert "ZeroDivisionError" in last.details


class NoFlags:
    """In place of the actor: never asked, since StopQuestion is replaced."""


@pytest.fixture(autouse=True)
def nobody_stops(monkeypatch):
    monkeypatch.setattr(jobs, "StopQuestion", lambda flags, key: lambda: False)
    monkeypatch.setattr(jobs, "give_way", lambda: None)


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


def test_data_work_tells_its_end(home, tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no npz")
    *_, last = jobs.data_task(str(bad), str(home), None)
    assert isinstance(last, Failure) and last.details == "" and bad.exists()


def test_an_upload_is_removed_whatever_became_of_it(home):
    folder = home / "uploads" / "upload-1"
    folder.mkdir(parents=True)
    (folder / "bad.npz").write_bytes(b"no npz")
    *_, last = jobs.data_task(str(folder / "bad.npz"), str(home), None)
    assert isinstance(last, Failure)
    assert list((home / "uploads").iterdir()) == []


def test_an_import_becomes_a_dataset(home, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"x_{part}": rng.integers(0, 256, (20, 32, 32, 3), np.uint8) for part in ("train", "test")}
    arrays |= {f"y_{part}": np.arange(20) % 2 for part in ("train", "test")}
    np.savez(tmp_path / "mine.npz", **arrays)
    *said, last = jobs.data_task(str(tmp_path / "mine.npz"), str(home), "mine")
    assert isinstance(last, jobs.DataDone) and all(isinstance(item, jobs.Progress) for item in said)
    assert load_dataset(last.info.name, home).num_classes == 2


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
    failure = as_failure(error)
    assert words in failure.sentence and failure.sentence.endswith(".")
    assert bool(failure.details) is not isinstance(error, DataError)


def test_nothing_of_it_needs_torch_before_it_runs():
    names = "jobs, lab, service, supervisor, asking, datatasks, local, cluster"
    check = f"import sys; from resnet_core.compute import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
