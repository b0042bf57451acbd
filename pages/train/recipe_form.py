"""By which recipe to train. No torch."""

import streamlit as st

from pages.parts import address, query
from resnet_core.formatting import count
from resnet_core.training.recipe import PRESETS, Recipe

TITLES = {
    name: f"Short: {count(recipe.epochs)} epoch{'s' * (recipe.epochs > 1)}"
    for name, recipe in PRESETS.items()
    if recipe.epochs
} | {"paper": "The paper's: 64,000 steps", "paper-110": "The paper's for 110 layers: with a warm-up"}
FIRST = "short-4"  # long enough to see a difference on Shapes-10, short enough to wait for


def choose_recipe() -> Recipe:
    """A preset with its length and seed."""
    name = address.choice(
        st.selectbox,
        "Recipe",
        {name: TITLES[name] for name in PRESETS},
        key="recipe",
        default=FIRST,
        on_change=query.forget,
        args=("epochs", "lr", "batch", "augment"),  # each recipe has its own
        help="How the network is trained: how long, how fast, with which tricks. "
        "Only the recipe of the paper gives numbers that may be compared with the paper's.",
    )
    recipe = PRESETS[name]
    left, right = st.columns(2)
    if recipe.epochs is not None:
        epochs = address.number(
            left.number_input,
            "Epochs",
            1,
            400,
            recipe.epochs,
            key=f"epochs_{name}",
            name="epochs",
            help="One epoch shows the network every training picture once.",
        )
        recipe = recipe.replace(epochs=epochs)
    else:
        left.text_input("Steps", f"{recipe.steps:,}", disabled=True, help="The paper counts steps, not epochs.")
    seed = address.number(
        right.number_input,
        "Seed",
        0,
        2**31 - 1,
        0,
        key="seed",
        help="Fixes everything that is random: starting weights, order of pictures, crops and flips. "
        "Train with several seeds before you believe a small difference.",
    )
    return recipe.replace(seed=seed)


def choose_recipe_details(recipe: Recipe) -> Recipe:
    """The recipe with what else can be set."""
    name = st.session_state["recipe"]  # the preset: with another length the recipe itself is "custom"
    lr = address.number(
        st.number_input,
        "Peak learning rate",
        1e-5,
        10.0,
        recipe.lr,
        format="%.4g",
        key=f"lr_{name}",
        name="lr",
        help="How large a step the weights take at most.",
    )
    batch = address.number(
        st.number_input,
        "Batch size",
        1,
        4096,
        recipe.batch_size,
        key=f"batch_{name}",
        name="batch",
        help="Pictures per step. The paper: 128.",
    )
    augment = address.toggle(
        "Random crops and flips",
        default=recipe.augment,
        key=f"augment_{name}",
        name="augment",
        help="Each picture is shifted by up to 4 pixels and mirrored half of the time, anew in each epoch, "
        "so that the network cannot learn the pixels by heart.",
    )
    recipe = recipe.replace(lr=lr, batch_size=batch, augment=augment)
    st.caption(recipe.describe())
    return recipe
