"""Which network, or twins, to train. No torch."""

from functools import partial

import streamlit as st

from pages.parts import address, query
from pages.parts.address import SHOWN, Carried
from pages.parts.design import DESIGN, parse_design, set_design
from resnet_core.figures.style import shorten
from resnet_core.formatting import count
from resnet_core.networks.costs import count_costs
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec

KINDS = {"twins": "Twins", "residual": "With skips", "plain": "Without", "design": "Any"}
OWN = "design"  # among the networks' names: the session's own design
ADDRESSES = {row.spec.to_query(): name for name, row in PRESETS.items()}
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
        on_change=query.forget,
        args=("skips",),  # as many as it has blocks
        help="The CIFAR networks of He et al. 2015: 6n+2 layers, so 8, 14, 20, … The paper compares 20 with 56.",
    )
    return kind, depth


def wants_twins(kind: str, spec: NetSpec) -> bool:
    """Whether the network is to be trained together with its twin."""
    return kind == "twins" or (kind == "design" and _has_twin(spec) and bool(st.session_state["with_twin"]))


def _has_twin(spec: NetSpec) -> bool:
    return spec.family not in ("alexnet", "vgg")


def _choose_design() -> NetSpec:
    """A network by its name in the papers, or the session's design, which is that of the Design page or of a link."""
    if "which_network" not in st.session_state and DESIGN in st.session_state and query.text_of("net") is None:
        st.session_state["which_network"] = OWN
    carried = Carried("net", "which_network", next(iter(PRESETS)), _parse_network, _name_network)
    carried.restore()
    designs = {name: row.spec for name, row in PRESETS.items()}
    labels = {name: f"{row.title}  ·  {row.group}" for name, row in PRESETS.items()}
    own: NetSpec | None = st.session_state.get(DESIGN)
    if own:
        designs = {OWN: own} | designs
        labels[OWN] = f"{own.name}  ·  Your design"
    name = st.selectbox(
        "Which", list(designs), key="which_network", persist_state="session", format_func=labels.__getitem__
    )
    carried.write(name)
    spec = designs[name]
    if _has_twin(spec):
        address.toggle(
            "and its twin",
            key="with_twin",
            name="twin",
            help="The same network without skips, or with all of them, from the same starting weights.",
        )
    return spec


def _parse_network(text: str) -> str:
    """The option that a link names: a preset, or a design, which becomes that of the session."""
    if text in ADDRESSES:
        return ADDRESSES[text]
    if text.lower() in PRESETS:
        return text.lower()
    set_design(parse_design(text))
    return OWN


def _name_network(option: str) -> str:
    """An option as the address has it: as a design, as on the Design page."""
    spec: NetSpec = st.session_state[DESIGN] if option == OWN else PRESETS[option].spec
    return spec.to_query()


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
    width = address.number(
        st.number_input,
        "Width (channels of the first stage)",
        4,
        128,
        16,
        step=4,
        key="width",
        help="The three stages have this many, twice and four times as many channels. The paper: 16.",
    )
    norm = address.toggle(
        "Batch norm",
        default=True,
        key="norm",
        help="Batch normalisation (Ioffe & Szegedy 2015) rescales every channel to mean 0 and variance 1 over the "
        "batch, after each convolution. Without it deep networks are far harder to train.",
    )
    return NetSpec(depth=depth, width=width, norm="batch" if norm else "none")


def _choose_single_skips(spec: NetSpec) -> tuple[bool, ...]:
    """One pill a block; all are on unless switched off."""
    blocks = list(range(1, spec.n_blocks + 1))
    key = f"skips_{spec.n_blocks}"
    carried = Carried("skips", key, blocks, partial(_parse_skips, blocks), partial(_skips_to_text, blocks))
    carried.restore()
    on = st.pills(
        "Skips that are on, by block",
        blocks,
        selection_mode="multi",
        key=key,
        persist_state="session",
        help="Block 1 is next to the picture. Click one to cut its skip connection.",
    )
    carried.write(sorted(on))
    return tuple(block in on for block in blocks)


def _parse_skips(blocks: list[int], text: str) -> list[int]:
    """The blocks with skips of a link's pattern, such as "101" for the first and third of three."""
    if len(text) != len(blocks) or set(text) - {"0", "1"}:
        raise ValueError(
            f"This link says skips={shorten(text, SHOWN)}, which is no pattern of {len(blocks)} blocks: all are on."
        )
    return [block for block, on in zip(blocks, text, strict=True) if on == "1"]


def _skips_to_text(blocks: list[int], on: list[int]) -> str:
    return "".join("1" if block in on else "0" for block in blocks)
