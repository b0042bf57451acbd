"""Measuring in the background what a training costs: the page and its queue go on meanwhile. No torch."""

import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass

import streamlit as st

from pages.parts.backend import service
from resnet_core.compute.service import Estimate, Service
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe

UNWANTED_S = 8.0  # after which a measurement that no page asks for any more is given up


@dataclass(frozen=True)
class Question:
    """What decides how fast a training is here; ``together``: how many share the machine."""

    spec: NetSpec
    batch_size: int
    precision: str
    augment: bool
    together: int


class Measurement:
    """The answer to a question, measured in a thread of its own for as long as some page wants to know it."""

    def __init__(self, lab: Service, question: Question) -> None:
        self._result: Future[Estimate] = Future()
        self._wanted = time.monotonic()
        threading.Thread(target=self._measure, args=(lab, question), name="estimate", daemon=True).start()

    def _measure(self, lab: Service, asked: Question) -> None:
        recipe = Recipe(epochs=1, batch_size=asked.batch_size, precision=asked.precision, augment=asked.augment)
        try:
            estimate = lab.estimate(asked.spec, recipe, together=asked.together, on_wait=self._end_if_unwanted)
            self._result.set_result(estimate)
        except BaseException as error:  # raised again where a page takes the result
            self._result.set_exception(error)

    def _end_if_unwanted(self) -> None:
        if time.monotonic() - self._wanted > UNWANTED_S:
            raise UnwantedError

    def is_done(self) -> bool:
        """Whether it has ended. Asking keeps it going."""
        self._wanted = time.monotonic()
        return self._result.done()

    def take(self, patience_s: float) -> Estimate | None:
        """The answer; None when it is not there in ``patience_s`` seconds. Raises JobError when there is none."""
        self._wanted = time.monotonic()
        wait([self._result], timeout=patience_s)
        return self._result.result() if self._result.done() else None


class UnwantedError(Exception):
    """A measurement was given up because no page asked for it any more."""


def take_result(question: Question, patience_s: float) -> Estimate | None:
    """The answer to the question, measured once; None while it is being measured. Raises JobError when it cannot be
    measured: the next call tries again.
    """
    try:
        return find_measurement(question).take(patience_s)
    except UnwantedError:  # and now it is wanted again
        find_measurement.clear(question)
        return None
    except BaseException:
        find_measurement.clear(question)
        raise


@st.cache_resource(max_entries=128, show_spinner=False)
def find_measurement(question: Question) -> Measurement:
    """The measurement of this question: the one begun before, or a new one."""
    return Measurement(service(), question)
