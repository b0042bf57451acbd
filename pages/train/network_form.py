"""Which network, or twins, to train. No torch."""

import streamlit as st

from pages.parts import address
from resnet_core.formatting import count
from resnet_core.networks.costs import count_costs
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec

KINDS = {"twins": "Twins", "residual": "With skips", "plain": "Without", "design": "Any"}
DEPTHS = tuple(6 * n + 2 for n in range(1, 20))  # He et al. 2015, section 4.2: 6n+2 layers; 8 to 116


def choose_network() -> tuple[str, int | NetSpec]:
    """The kind of network that is chosen (a key of KINDS), and its depth, or for "design" the network itself."""
    kind = address.choice(
        st.segmented_control,
        "Network",
        KINDS,
        key="kind",
        required=True,
        help="A **residual** network adds each block's input to its output: that is the skip connection. "
        "A **plain** network is the same without. **Twins** are one of each, with the same starting weights and the "
        "same pictures in the same order, so that the skips are the only difference. **Any** is every other network: "
        "those of the papers, and what you build on the Design page.",
    )
    if kind == "design":
        return kind, _choose_design()
    depth = address.choice(
        st.select_slider,
        "Depth (layers with weights)",
        {depth: str(depth) for depth in DEPTHS},
        key="depth",
        default=20,
        help="The CIFAR networks of He et al. 2015: 6n+2 layers, so 8, 14, 20, … The paper compares 20 with 56.",
    )
    return kind, depth


def wants_twins(kind: str) -> bool:
    """Whether the network is to be trained together with its twin."""
    return kind == "twins" or (kind == "design" and bool(st.session_state.get("with_twin", False)))


def _choose_design() -> NetSpec:
    """A network by its name in the papers, or the one from the Design page."""
    designs = {name: row.spec for name, row in PRESETS.items()}
    labels = {name: f"{row.title}  ·  {row.group}" for name, row in PRESETS.items()}
    own: NetSpec | None = st.session_state.get("design")
    if own:
        designs = {"design": own} | designs
        labels["design"] = f"{own.name}  ·  Your design"
    name = st.selectbox(
        "Which", list(designs), key="which_network", persist_state="session", format_func=labels.__getitem__
    )
    spec = designs[name]
    if spec.family not in ("alexnet", "vgg"):
        st.toggle(
            "and its twin",
            key="with_twin",
            persist_state="session",
            help="The same network without skips, or with all of them, from the same starting weights.",
        )
    return spec


def choose_network_details(kind: str, network: int | NetSpec) -> NetSpec:
    """The network of that kind and depth, with what else can be set; of twins, the one with skips."""
    if isinstance(network, NetSpec):
        st.page_link("design/page.py", label="Change it on the Design page", icon=":material/schema:")
        spec = network
    else:
        spec = _choose_width_and_norm(network)
        spec = spec.twin() if kind == "plain" else spec.with_skips(_choose_single_skips(spec))
    costs = count_costs(spec)
    st.caption(
        f"{spec.name}: {spec.depth} layers, {spec.n_blocks} blocks, {count(costs.parameters)} parameters, "
        f"{count(costs.macs)} multiply-adds a picture."
    )
    return spec


def _choose_width_and_norm(depth: int) -> NetSpec:
    """The residual network of that depth."""
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
        help="Batch normalisation (Ioffe & Szegedy 2015) rescales every channel to mean 0 and variance 1 over the "
        "batch, after each convolution. Without it deep networks are far harder to train.",
    )
    return NetSpec(depth=depth, width=int(width), norm="batch" if norm else "none")


def _choose_single_skips(spec: NetSpec) -> tuple[bool, ...]:
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
