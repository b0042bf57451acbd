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
    """``slow_estimates(seconds)``: estimates take that long and tell in the folder returned when they begin, that they
    go on, and when they are through.
    """

    def make(seconds):
        def estimate(*_):
            name = str(time.monotonic_ns())
            (tmp_path / f"begun-{name}").touch()
            for _ in range(seconds * 10):
                time.sleep(0.1)
                (tmp_path / f"beat-{name}").touch()
            (tmp_path / f"done-{name}").touch()

        monkeypatch.setattr(jobs, "estimate_task", estimate)
        return tmp_path

    return make


def beats(folder: Path) -> list[float]:
    return [beat.stat().st_mtime for beat in folder.glob("beat-*")]


def at_rest(folder: Path) -> bool:
    """Whether no estimate has gone on for two seconds."""
    before = beats(folder)
    time.sleep(2)
    return beats(folder) == before


def count(folder: Path, what: str) -> int:
    return len(list(folder.glob(f"{what}-*")))


def test_whoever_moves_on_ends_the_estimate(service, tools, slow_estimates, monkeypatch):
    folder = slow_estimates(60)

    def on_wait():
        if count(folder, "begun"):
            raise MovedOn

    monkeypatch.setattr(service, "on_wait", on_wait)
    with pytest.raises(MovedOn):
        service.estimate(tools.SPEC, tools.recipe())
    tools.wait_until(lambda: at_rest(folder))
    assert (count(folder, "begun"), count(folder, "done")) == (1, 0)


def test_two_estimates_run_and_the_others_wait(service, tools, slow_estimates):
    folder = slow_estimates(3)
    threads = [threading.Thread(target=lambda: service.estimate(tools.SPEC, tools.recipe())) for _ in range(4)]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        most = max(most, count(folder, "begun") - count(folder, "done"))
        time.sleep(0.05)
    assert (most, count(folder, "done")) == (2, 4)


def test_an_estimate_that_takes_too_long_is_a_sentence_and_ends(service, tools, slow_estimates):
    folder = slow_estimates(60)
    with pytest.raises(JobError, match="could not be measured"):
        service.estimate(tools.SPEC, tools.recipe(), timeout=1.0)
    tools.wait_until(lambda: at_rest(folder))
    assert count(folder, "done") == 0
