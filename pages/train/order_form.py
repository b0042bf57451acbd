"""The order form of the Train page: a network or twins, a dataset, a recipe, and what that will cost here. No torch."""

import dataclasses
import math

import streamlit as st

from pages.parts import address, datasets, table
from pages.parts.backend import said_plainly, service
from resnet_core.compute.service import Estimate
from resnet_core.data.dataset import DatasetInfo
from resnet_core.formatting import count, duration, file_size
from resnet_core.networks.costs import count_costs
from resnet_core.networks.presets import PRESETS as PRESETS_OF_NETWORKS
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import PRESETS, Recipe

KINDS = {"twins": "Twins", "residual": "With skips", "plain": "Without", "design": "Any"}
TITLES = {
    name: f"Short: {count(recipe.epochs)} epoch{'s' * (recipe.epochs > 1)}"
    for name, recipe in PRESETS.items()
    if recipe.epochs
} | {"paper": "The paper's: 64,000 steps", "paper-110": "The paper's for 110 layers: with a warm-up"}
FIRST = "short-4"  # long enough to see a difference on Shapes-10, short enough to wait for
DEPTHS = tuple(6 * n + 2 for n in range(1, 20))  # He et al. 2015, section 4.2: 6n+2 layers; 8 to 116


def order() -> None:
    """The whole form, with the button that queues."""
    kind, depth = network()
    info = datasets.choose()
    recipe = how()
    action = st.container()  # the button stands above the options that most people leave as they are
    with st.expander("Width, batch norm, single skips"):
        spec = details(kind, depth)
    with st.expander("Learning rate, batch, augmentation"):
        recipe = recipe_details(recipe)
    if info is None:
        return
    spec = dataclasses.replace(spec, num_classes=len(info.classes))
    twins = kind == "twins" or (kind == "design" and st.session_state.get("with_twin", False))
    with action:
        price = st.container()  # measured after the button is there
        label = f"Train {spec.short_name}" + (" and its twin" if twins else "")
        # Not by on_click: a callback would get the order as it was before a field that was typed in just now.
        if st.button(label, type="primary", key="train", width="stretch"):
            submit(spec, recipe, info, twins)
    with price:
        cost(spec, recipe, info, twins)


def network() -> tuple[str, int | NetSpec]:
    """The kind of network that is chosen (a key of KINDS), and its depth, or for "design" the design itself."""
    kind = address.choice(
        st.segmented_control,
        "Network",
        KINDS,
        key="kind",
        required=True,
        help="A **residual** network adds each block's input to its output: that is the skip connection. A **plain** "
        "network is the same without. **Twins** are one of each, with the same starting weights and the same "
        "pictures in the same order, so that the skips are the only difference. **Any** is every other network: those "
        "of the papers, and what you build on the Design page.",
    )
    if kind == "design":
        return kind, a_design()
    depth = address.choice(
        st.select_slider,
        "Depth (layers with weights)",
        {depth: str(depth) for depth in DEPTHS},
        key="depth",
        first=20,
        help="The CIFAR networks of He et al. 2015: 6n+2 layers, so 8, 14, 20, … The paper compares 20 with 56.",
    )
    return kind, depth


def a_design() -> NetSpec:
    """A network by its name in the papers, or the one from the Design page."""
    own = st.session_state.get("design")
    names = (["design"] if own else []) + list(PRESETS_OF_NETWORKS)
    name = st.selectbox(
        "Which",
        names,
        key="which_network",
        persist_state="session",
        format_func=lambda name: (
            f"{own.name}  ·  Your design"
            if name == "design"
            else f"{PRESETS_OF_NETWORKS[name].title}  ·  {PRESETS_OF_NETWORKS[name].group}"
        ),
    )
    spec = own if name == "design" else PRESETS_OF_NETWORKS[name].spec
    if spec.family not in ("alexnet", "vgg"):
        st.toggle(
            "and its twin",
            key="with_twin",
            persist_state="session",
            help="The same network without skips, or with all of them, from the same starting weights.",
        )
    return spec


def details(kind: str, depth: int | NetSpec) -> NetSpec:
    """The network of that kind and depth, with what else can be set; of twins, the one with skips."""
    if kind == "design":
        st.page_link("design/page.py", label="Change it on the Design page", icon=":material/schema:")
        spec = depth
    else:
        width = st.number_input(
            "Width (channels of the first stage)",
            4,
            128,
            16,
            4,
            key="width",
            persist_state="session",
            help="The three stages have this many, twice and four times as many channels. The paper: 16.",
        )
        norm = st.toggle(
            "Batch norm",
            True,
            key="norm",
            persist_state="session",
            help="Batch normalisation (Ioffe & Szegedy 2015) rescales every channel to mean 0 and variance 1 over "
            "the batch, after each convolution. Without it deep networks are far harder to train.",
        )
        spec = NetSpec(depth=depth, width=int(width), norm="batch" if norm else "none")
        spec = spec.twin() if kind == "plain" else spec.with_skips(single_skips(spec))
    total = count_costs(spec)
    st.caption(
        f"{spec.name}: {spec.depth} layers, {spec.n_blocks} blocks, {count(total.parameters)} parameters, "
        f"{count(total.macs)} multiply-adds a picture."
    )
    return spec


def single_skips(spec: NetSpec) -> tuple[bool, ...]:
    """One pill a block; all are on unless switched off."""
    blocks = list(range(1, spec.n_blocks + 1))
    on = st.pills(
        "Skips that are on, by block",
        blocks,
        selection_mode="multi",
        default=blocks,
        key=f"skips_{spec.n_blocks}",
        persist_state="session",
        help="Block 1 is next to the picture. Click one to cut its skip connection.",
    )
    return tuple(block in on for block in blocks)


def how() -> Recipe:
    """The recipe: a preset, its length and seed open, the rest folded."""
    names = list(PRESETS)
    name = st.selectbox(
        "Recipe",
        names,
        names.index(FIRST),
        format_func=TITLES.get,
        key="recipe",
        persist_state="session",
        help="How the network is trained: how long, how fast, with which tricks. Only the recipe of the paper gives "
        "numbers that may be compared with the paper's.",
    )
    recipe = PRESETS[name]
    epochs, seed = st.columns(2)
    if recipe.epochs is not None:
        length = epochs.number_input(
            "Epochs",
            1,
            400,
            recipe.epochs,
            key=f"epochs_{name}",
            persist_state="session",
            help="One epoch shows the network every training picture once.",
        )
        recipe = recipe.replace(epochs=int(length))
    else:
        epochs.text_input("Steps", f"{recipe.steps:,}", disabled=True, help="The paper counts steps, not epochs.")
    chosen = seed.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        key="seed",
        persist_state="session",
        help="Fixes everything that is random: starting weights, order of pictures, crops and flips. Train with "
        "several seeds before you believe a small difference.",
    )
    return recipe.replace(seed=int(chosen))


def recipe_details(recipe: Recipe) -> Recipe:
    """The recipe with what else can be set."""
    name = st.session_state["recipe"]  # the preset: with another length the recipe itself is "custom"
    lr = st.number_input(
        "Peak learning rate",
        1e-5,
        10.0,
        recipe.lr,
        format="%.4g",
        key=f"lr_{name}",
        persist_state="session",
        help="How large a step the weights take at most.",
    )
    batch = st.number_input(
        "Batch size",
        1,
        4096,
        recipe.batch_size,
        key=f"batch_{name}",
        persist_state="session",
        help="Pictures per step. The paper: 128.",
    )
    augment = st.toggle(
        "Random crops and flips",
        recipe.augment,
        key=f"augment_{name}",
        persist_state="session",
        help="Each picture is shifted by up to 4 pixels and mirrored half of the time, anew in each epoch, so that the "
        "network cannot learn the pixels by heart.",
    )
    recipe = recipe.replace(lr=float(lr), batch_size=int(batch), augment=augment)
    st.caption(recipe.describe())
    return recipe


def cost(spec: NetSpec, recipe: Recipe, info: DatasetInfo, twins: bool) -> None:
    """The time that the training will take on this machine, from a few steps measured here."""
    machine = service().machine()
    if not machine.ready:
        st.caption("The time this will take is measured as soon as the machine is ready.")
        return
    with said_plainly(), st.spinner("Measuring a few steps on this machine …", show_time=True):
        measured = estimate(spec, recipe.batch_size, recipe.precision, recipe.augment, 2 if twins else 1)
        steps = recipe.total_steps(info.n_train)
        tests = math.ceil(steps / recipe.steps_per_epoch(info.n_train))
        seconds = measured.seconds(steps, tests * info.n_test)
        st.markdown(
            f"About **{duration(seconds)}** here"
            + (" for each of the two" if twins else "")
            + f" ({measured.images_per_s:,.0f} images/s measured, {file_size(measured.memory_bytes)} of memory)."
        )
        if others := machine.n_running + machine.n_waiting:
            many = "1 other training is" if others == 1 else f"{others} other trainings are"
            st.caption(f"{many} in work or waiting here, so it can begin later and take longer than that.")
        if twins and measured.device != "cpu":
            st.caption("Measured alone: two that share a GPU can take up to twice as long.")
        if not measured.fits:
            st.warning(
                f"It will hardly fit: {file_size(measured.free_bytes)} of memory were free when this was measured. "
                "Choose a smaller batch or a smaller network.",
                icon=":material/memory:",
            )


@st.cache_data(max_entries=128, show_spinner=False)
def estimate(spec: NetSpec, batch_size: int, precision: str, augment: bool, together: int) -> Estimate:
    """Speed and memory of one training step here; asked once for each network, batch and share of the machine."""
    recipe = Recipe(epochs=1, batch_size=batch_size, precision=precision, augment=augment)
    return service().estimate(spec, recipe, together=together)


def submit(spec: NetSpec, recipe: Recipe, info: DatasetInfo, twins: bool) -> None:
    """Queues the order and puts it on the table."""
    with said_plainly():
        if twins:
            runs = service().submit_twins(spec, recipe, info.name)
        else:
            runs = (service().submit(spec, recipe, info.name),)
        st.toast("Queued. The curves appear on the right.", icon=":material/check:")
        table.put_next(*runs)
