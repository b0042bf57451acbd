"""The time that a training will take on this machine, from a few steps measured here. No torch."""

import math

import streamlit as st

from pages.parts.backend import service, show_errors
from pages.train.measurement import Question, find_measurement, take_result
from resnet_core.compute.service import Estimate, Machine
from resnet_core.data.dataset import DatasetInfo
from resnet_core.formatting import duration, file_size
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe

TICK_S = 1
PATIENCE_S = 0.5  # lest the line flickers where the answer is there at once


def show_time_estimate(spec: NetSpec, recipe: Recipe, dataset: DatasetInfo, twins: bool) -> None:
    """Time and memory, and what makes them uncertain; while they are measured the page goes on without them."""
    machine = service().machine()
    if not machine.ready:
        st.caption("The time this will take is measured as soon as the machine is ready.")
        return
    question = Question(spec, recipe.batch_size, recipe.precision, recipe.augment, together=2 if twins else 1)
    with show_errors():
        estimate = take_result(question, PATIENCE_S)
        if estimate is None:
            st.fragment(_wait_for_result, run_every=TICK_S)(question)
        else:
            _show_estimate(estimate, recipe, dataset, twins, machine)


def _wait_for_result(question: Question) -> None:
    """Says that something is being measured; the page begins anew once it is known."""
    if find_measurement(question).is_done():
        st.rerun()
    st.caption(":shimmer[Measuring a few steps on this machine …]")


def _show_estimate(estimate: Estimate, recipe: Recipe, dataset: DatasetInfo, twins: bool, machine: Machine) -> None:
    steps = recipe.total_steps(dataset.n_train)
    n_tests = math.ceil(steps / recipe.steps_per_epoch(dataset.n_train))
    seconds = estimate.seconds(steps, n_tests * dataset.n_test)
    st.markdown(
        f"About **{duration(seconds)}** here{' for each of the two' if twins else ''} "
        f"({estimate.images_per_s:,.0f} images/s measured, {file_size(estimate.memory_bytes)} of memory)."
    )
    if n_others := machine.n_running + machine.n_waiting:
        others = "1 other training is" if n_others == 1 else f"{n_others} other trainings are"
        st.caption(f"{others} in work or waiting here, so it can begin later and take longer than that.")
    if twins and estimate.device != "cpu":
        st.caption("Measured alone: two that share a GPU can take up to twice as long.")
    if not estimate.fits:
        st.warning(
            f"It will hardly fit: {file_size(estimate.free_bytes)} of memory were free when this was measured. "
            "Choose a smaller batch or a smaller network.",
            icon=":material/memory:",
        )
