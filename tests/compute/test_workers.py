"""Estimates: few at once, and none for whoever has moved on."""

import threading
import time
from pathlib import Path

import pytest

from resnet_core.compute import jobs
from resnet_core.errors import JobError


class MovedOn(BaseException):
    """As Streamlit ends a rerun."""


@pytest.fixture
def slow_estimates(monkeypatch, tmp_path):
    """Estimates that take three seconds and tell in a folder when they begin and when they are through."""

    def estimate(*_):
        name = str(time.monotonic_ns())
        (tmp_path / f"begun-{name}").touch()
        for _ in range(30):
            time.sleep(0.1)
        (tmp_path / f"done-{name}").touch()

    monkeypatch.setattr(jobs, "estimate_task", estimate)
    return tmp_path


def count(folder: Path, what: str) -> int:
    return len(list(folder.glob(f"{what}-*")))


def test_whoever_moves_on_ends_the_estimate(lab, tools, slow_estimates, monkeypatch):
    def on_wait():
        if count(slow_estimates, "begun"):
            raise MovedOn

    monkeypatch.setattr(lab, "on_wait", on_wait)
    with pytest.raises(MovedOn):
        lab.estimate(tools.SPEC, tools.recipe())
    time.sleep(3.5)
    assert (count(slow_estimates, "begun"), count(slow_estimates, "done")) == (1, 0)


def test_two_estimates_run_and_the_others_wait(lab, tools, slow_estimates):
    threads = [threading.Thread(target=lambda: lab.estimate(tools.SPEC, tools.recipe())) for _ in range(4)]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        most = max(most, count(slow_estimates, "begun") - count(slow_estimates, "done"))
        time.sleep(0.05)
    assert (most, count(slow_estimates, "done")) == (2, 4)


def test_an_estimate_that_takes_too_long_is_a_sentence_and_ends(lab, tools, slow_estimates):
    with pytest.raises(JobError, match="could not be measured"):
        lab.estimate(tools.SPEC, tools.recipe(), timeout=1.0)
    time.sleep(3.5)
    assert count(slow_estimates, "done") == 0
