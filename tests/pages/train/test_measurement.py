"""Measuring in the background: given up when no page wants to know, and begun again when one does."""

import threading
import time

import pytest

from pages.train import measurement
from pages.train.measurement import Measurement, Question, UnwantedError, find_measurement, take_result
from resnet_core.errors import JobError
from resnet_core.networks.spec import NetSpec

QUESTION = Question(NetSpec(depth=8), 128, "auto", True, together=1)
SOON = 20


class SlowLab:
    """A service whose estimates take until somebody says what comes of them."""

    def __init__(self):
        self.begun, self.answer, self.given_up = 0, threading.Event(), threading.Event()

    def estimate(self, spec, recipe, together, on_wait):
        self.begun += 1
        while not self.answer.wait(0.01):
            try:
                on_wait()
            except BaseException:
                self.given_up.set()
                raise
        raise JobError("It cannot be measured.")


def test_what_no_page_asks_for_any_more_is_given_up(monkeypatch):
    monkeypatch.setattr(measurement, "UNWANTED_S", 0.2)
    lab = SlowLab()
    asked = Measurement(lab, QUESTION)
    assert lab.given_up.wait(SOON)
    with pytest.raises(UnwantedError):
        asked.take(SOON)


def test_what_a_page_asks_for_is_not(monkeypatch):
    monkeypatch.setattr(measurement, "UNWANTED_S", 2)
    lab = SlowLab()
    asked = Measurement(lab, QUESTION)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert not asked.is_done()
        time.sleep(0.05)
    assert not lab.given_up.is_set()
    lab.answer.set()
    with pytest.raises(JobError):
        asked.take(SOON)


def test_one_question_is_measured_once_and_again_after_a_failure(monkeypatch):
    lab = SlowLab()
    monkeypatch.setattr(measurement, "service", lambda: lab)
    find_measurement.clear()
    assert take_result(QUESTION, 0.01) is None and take_result(QUESTION, 0.01) is None
    lab.answer.set()
    for begun in (1, 2):
        with pytest.raises(JobError):
            take_result(QUESTION, SOON)
        assert lab.begun == begun
