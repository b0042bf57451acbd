"""The form that queues a training: a network or twins, a dataset, a recipe, and what that will cost here. No torch."""

import dataclasses

import streamlit as st

from pages.parts import table
from pages.parts.backend import service, show_errors
from pages.parts.datasets import choose_dataset
from pages.parts.starters import note_start
from pages.train.network_form import choose_network, choose_network_details, wants_twins
from pages.train.recipe_form import choose_recipe, choose_recipe_details
from pages.train.time_estimate import show_time_estimate
from resnet_core.data.dataset import DatasetInfo
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe


def show_order_form() -> None:
    """The whole form, with the button that queues."""
    kind, network = choose_network()
    dataset = choose_dataset()
    recipe = choose_recipe()
    action = st.container()  # the button stands above the options that most people leave as they are
    with st.expander("Width, batch norm, single skips"):
        spec = choose_network_details(kind, network)
    with st.expander("Learning rate, batch, augmentation"):
        recipe = choose_recipe_details(recipe)
    if dataset is None:
        return
    spec = dataclasses.replace(spec, num_classes=len(dataset.classes))
    twins = wants_twins(kind, spec)
    with action:
        estimate = st.container()  # measured after the button is there
        label = f"Train {spec.short_name}" + (" and its twin" if twins else "")
        # Not by on_click: a callback would get the order as it was before a field that was typed in just now.
        if st.button(label, type="primary", key="train", width="stretch"):
            _submit(spec, recipe, dataset, twins)
    with estimate:
        show_time_estimate(spec, recipe, dataset, twins)


def _submit(spec: NetSpec, recipe: Recipe, dataset: DatasetInfo, twins: bool) -> None:
    """Queues the order and puts it on the table."""
    with show_errors():
        runs: tuple[str, ...]
        if twins:
            runs = service().submit_twins(spec, recipe, dataset.name)
        else:
            runs = (service().submit(spec, recipe, dataset.name),)
        note_start(*runs)
        st.toast("Queued. The curves appear on the right.", icon=":material/check:")
        table.put_and_rerun(*runs)
