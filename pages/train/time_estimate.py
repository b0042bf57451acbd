"""The time that a training will take on this machine, from a few steps measured here. No torch."""

import math

import streamlit as st

from pages.parts.backend import service, show_errors
from resnet_core.compute.service import Estimate
from resnet_core.data.dataset import DatasetInfo
from resnet_core.formatting import duration, file_size
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe


def show_time_estimate(spec: NetSpec, recipe: Recipe, dataset: DatasetInfo, twins: bool) -> None:
    """Time and memory, and what makes them uncertain."""
    machine = service().machine()
    if not machine.ready:
        st.caption("The time this will take is measured as soon as the machine is ready.")
        return
    with show_errors(), st.spinner("Measuring a few steps on this machine …", show_time=True):
        estimate = _estimate(spec, recipe.batch_size, recipe.precision, recipe.augment, 2 if twins else 1)
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


@st.cache_data(max_entries=128, show_spinner=False)
def _estimate(spec: NetSpec, batch_size: int, precision: str, augment: bool, together: int) -> Estimate:
    """Speed and memory of one training step here; measured once for each network, batch and share of the machine."""
    recipe = Recipe(epochs=1, batch_size=batch_size, precision=precision, augment=augment)
    return service().estimate(spec, recipe, together=together)
