"""What the Design page is made of: the controls, the drawing whose blocks can be clicked, the numbers. No torch.

The design itself is one NetSpec in the session; the controls show it, and every change goes through
:func:`change_field`, so that a link, a preset, a click and a control all end in the same place.
"""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.parts.frame import dark, figure
from resnet_core.analysis.comparison import change
from resnet_core.errors import SpecError
from resnet_core.figures.network_drawing import network_drawing
from resnet_core.figures.path_lengths import path_length_bars
from resnet_core.figures.style import RunStyle, describe, style_runs
from resnet_core.formatting import count, file_size, scientific
from resnet_core.networks import adapt, options
from resnet_core.networks.costs import count_costs
from resnet_core.networks.paths import count_paths, path_lengths
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

DESIGN, BESIDE, REFUSED = "design", "beside", "design_refused"
MOST_BESIDE = 3
FIRST = preset("resnet-20")


def controls() -> NetSpec:
    """The controls; returns the design they show."""
    spec = current()
    st.selectbox(
        "Start from",
        list(PRESETS),
        index=None,
        key="preset",
        on_change=take_preset,
        placeholder="A network of the papers …",
        format_func=lambda name: f"{PRESETS[name].title}  ·  {PRESETS[name].group}",
        help="Every network that the papers (and your teaching notes) name. Choose one, then change it.",
    )
    choice(spec, "family", "Family")
    depth(spec)
    skips(spec)
    choice(spec, "norm", "Normalisation")
    choice(spec, "init", "Starting weights")
    with st.expander("Block, shortcut, width, gates"):
        for field, label in (
            ("block", "Block"),
            ("shortcut", "Shortcut"),
            ("merge", "How the skip is merged"),
            ("order", "Where BN and ReLU stand"),
            ("layout", "Layout"),
        ):
            choice(spec, field, label)
        number(spec, "width", "Width", 1, 1024, 1, "Channels of the first stage.")
        number(spec, "skip_strength", "Strength of the skips", 0.0, 1.0, 0.1, "What the shortcut is multiplied by.")
        number(
            spec,
            "gate_bias",
            "Gate bias at the start",
            -20.0,
            20.0,
            1.0,
            "Highway networks and gated shortcuts only. Negative: gates begin nearly closed, and the input is carried "
            "on. -2 as in [Srivastava et al. 2015](https://arxiv.org/abs/1505.00387).",
        )
        number(
            spec,
            "drop_path",
            "Stochastic depth",
            0.0,
            0.99,
            0.1,
            "Chance that the last block's branch is left out of a training step; falls towards the first block "
            "([Huang et al. 2016](https://arxiv.org/abs/1603.09382)).",
        )
    if refused := st.session_state.pop(REFUSED, None):
        st.warning(refused, icon=":material/block:")
    return spec


def current() -> NetSpec:
    """The design: the session's, else the link's, else ResNet-20; and into the address with it."""
    if DESIGN not in st.session_state:
        st.session_state[DESIGN] = from_link() or FIRST
    st.query_params["net"] = st.session_state[DESIGN].to_query()
    return st.session_state[DESIGN]


def from_link() -> NetSpec | None:
    """The design that the address names; a sentence when it names none that exists."""
    text = st.query_params.get("net")
    if text is None:
        return None
    try:
        return NetSpec.from_query(text)
    except SpecError as error:
        st.session_state[REFUSED] = f"The link's network cannot be built: {error}"
        return None


def choice(spec: NetSpec, field: str, label: str) -> None:
    """A select box for one field, with the paper behind each of its values."""
    allowed = options.CHOICES[field]
    key = f"design_{field}"
    st.session_state[key] = getattr(spec, field)
    st.selectbox(
        label,
        list(allowed),
        key=key,
        on_change=lambda: change_field(field, st.session_state[key]),
        format_func=lambda name: allowed[name].title,
        help="\n\n".join(
            f"**{o.title}**: {o.help}" + (f" [{o.paper.cite}]({o.paper.url})" if o.paper else "")
            for o in allowed.values()
        ),
    )


def number(spec: NetSpec, field: str, label: str, low: float, high: float, step: float, text: str) -> None:
    """A number for one field."""
    key = f"design_{field}"
    st.session_state[key] = getattr(spec, field)
    st.number_input(
        label, low, high, step=step, key=key, help=text, on_change=lambda: change_field(field, st.session_state[key])
    )


def depth(spec: NetSpec) -> None:
    """The depth: a box where there are few, a number that steps from one buildable depth to the next else."""
    st.session_state["design_depth"] = spec.depth
    step = {"basic": 6, "bottleneck": 9}[spec.block] if spec.family != "highway" else 1
    help_text = (
        "Layers with weights on the longest path: 6n+2 with basic blocks, 9n+2 with bottlenecks (He et al. 2015, 2016)."
    )
    fixed = {"alexnet": [8], "vgg": [19]}.get(spec.family) or (
        {"basic": [18, 34], "bottleneck": [50, 101, 152]}[spec.block] if spec.layout == "imagenet" else None
    )
    changed = lambda: change_field("depth", st.session_state["design_depth"])  # noqa: E731
    if fixed:
        st.selectbox("Depth (layers)", fixed, key="design_depth", on_change=changed, help=help_text)
    else:
        st.number_input(
            "Depth (layers)", 2 + step, 2000, step=step, key="design_depth", on_change=changed, help=help_text
        )


def skips(spec: NetSpec) -> None:
    """Patterns of skips; single ones are switched in the drawing."""
    if spec.family in ("plain", "alexnet", "vgg"):
        if spec.family == "plain":
            st.button("Give it skips", key="give_skips", on_click=lambda: put_design(spec.twin()), width="stretch")
        return
    patterns: dict[str, Callable[[], NetSpec]] = {
        "All": lambda: spec.with_skips("all"),
        "None": lambda: spec.with_skips("none"),
        "Every 2nd": lambda: spec.every_kth(2),
        "Every 3rd": lambda: spec.every_kth(3),
        **{f"Stage {i}": (lambda i=i: spec.only_stage(i)) for i in range(1, len(spec.stages) + 1)},
    }
    st.session_state["skip_pattern"] = None
    st.pills(
        "Skips",
        list(patterns),
        key="skip_pattern",
        wrap=True,
        on_change=lambda: try_design(patterns[st.session_state["skip_pattern"]]),
        help="Which blocks have their skip connection. Click a block in the drawing to switch a single one.",
    )


def change_field(field: str, value: object) -> None:
    """The design with one field changed; the rest is kept as far as it fits."""
    spec = st.session_state[DESIGN]
    try_design(lambda: adapt.change_field(spec, field, value))


def try_design(make: Callable[[], NetSpec]) -> None:
    """Takes over the design that ``make`` returns; what cannot be built is said and nothing is lost."""
    try:
        put_design(make())
    except SpecError as error:
        st.session_state[REFUSED] = str(error)


def put_design(spec: NetSpec) -> None:
    """Makes this the design."""
    st.session_state[DESIGN] = spec


def take_preset() -> None:
    """The preset that was chosen becomes the design."""
    if st.session_state["preset"]:
        put_design(preset(st.session_state["preset"]))
    st.session_state["preset"] = None


def beside(spec: NetSpec) -> list[NetSpec]:
    """Up to three other designs to compare with; in the address as ``?beside=``."""
    if BESIDE not in st.session_state:
        asked = [text for text in st.query_params.get("beside", "").split(",") if text]
        st.session_state[BESIDE] = [text for text in asked if is_design(text)][:MOST_BESIDE]
    twin = [spec.twin().to_query()] if spec.family not in ("alexnet", "vgg") else []
    known = dict.fromkeys([*st.session_state[BESIDE], *twin, *(row.spec.to_query() for row in PRESETS.values())])
    st.multiselect(
        "Compare with",
        list(known),
        key=BESIDE,
        max_selections=MOST_BESIDE,
        select_all=False,
        placeholder="Other designs …",
        format_func=lambda text: NetSpec.from_query(text).name,
        help="Up to three other designs, measured on the same pictures.",
    )
    with st.container(horizontal=True):
        if twin and twin[0] not in st.session_state[BESIDE]:
            st.button(
                "Its twin",
                key="add_twin",
                on_click=add_beside,
                args=(twin[0],),
                help="The same network without skips, or with all of them: same starting weights.",
            )
        st.button(
            "A copy of this",
            key="add_copy",
            on_click=add_beside,
            args=(spec.to_query(),),
            help="Keeps the design as it is now, so that you can change it and compare.",
        )
    if st.session_state[BESIDE]:
        st.query_params["beside"] = ",".join(st.session_state[BESIDE])
    else:
        st.query_params.pop("beside", None)
    return [NetSpec.from_query(text) for text in st.session_state[BESIDE]]


def is_design(text: str) -> bool:
    """Whether a link's text names a network that can be built."""
    try:
        NetSpec.from_query(text)
    except SpecError:
        return False
    return True


def add_beside(text: str) -> None:
    """Adds a design to compare with, in place of the last one when there are three."""
    kept = [other for other in st.session_state[BESIDE] if other != text]
    st.session_state[BESIDE] = [*kept[: MOST_BESIDE - 1], text]


def drawing(spec: NetSpec) -> None:
    """The network with every block and every skip; a click on a block switches its skip."""
    st.markdown(f"#### {spec.name}")
    key = f"drawing_{spec.to_query()}"
    drawn = network_drawing(spec, dark())
    st.plotly_chart(
        drawn,
        key=key,
        alt=describe(drawn),
        theme=None,
        on_select=lambda: toggle(spec, key),
        selection_mode="points",
        config={"displayModeBar": False},
    )


def toggle(spec: NetSpec, key: str) -> None:
    """Switches the skips of the blocks that were clicked."""
    points = st.session_state[key].selection.points
    spans = [point["customdata"] for point in points if point.get("customdata")]
    if not spans or spec.family in ("alexnet", "vgg"):
        return
    first, stop = int(spans[0][0]), int(spans[0][1])
    try_design(lambda: adapt.toggle_skips(spec, first, stop))


def numbers(spec: NetSpec, others: list[NetSpec]) -> None:
    """What the designs cost, side by side, how they differ, and the way to train them."""
    rows = pd.DataFrame([facts(design) for design in [spec, *others]])
    st.table(rows.set_index("design"), border="horizontal")
    for other in others:
        words = change(spec, other)
        st.markdown(f"**{other.name}** is this design {words}." if words else f"**{other.name}** is this very design.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train this",
            key="train_design",
            type="primary",
            icon=":material/model_training:",
            on_click=to_train,
            args=(False,),
        )
        if spec.family not in ("alexnet", "vgg"):
            st.button("Train it with its twin", key="train_design_twins", on_click=to_train, args=(True,))
        with st.popover("Paths through it"):
            styles = style_designs([spec, *others])
            figure(
                path_length_bars({one.to_query(): path_lengths(one) for one in [spec, *others]}, styles, dark()),
                "paths",
                caption="How many blocks the signal passes through their branch, over all ways from picture to answer "
                "([Veit et al. 2016](https://arxiv.org/abs/1605.06431)).",
            )
    if st.session_state.pop("go_train", False):
        st.switch_page("train/page.py")


def facts(spec: NetSpec) -> dict[str, object]:
    """One row of the table of numbers."""
    costs, paths = count_costs(spec), count_paths(spec)
    return {
        "design": spec.name,
        "layers": spec.depth,
        "blocks": spec.n_blocks,
        "parameters": f"{costs.parameters:,}",
        "multiply-adds": count(costs.macs),
        "memory a picture": file_size(costs.activation_bytes_per_image),
        "receptive field": f"{costs.receptive_field} px",
        "paths": f"{paths:,}" if paths < 100_000 else scientific(float(paths)),
    }


def to_train(twins: bool) -> None:
    """Carries the design to the Train page."""
    st.session_state.update(kind="design", which_network="design", with_twin=twins, go_train=True)


def style_designs(specs: list[NetSpec]) -> dict[str, RunStyle]:
    """Colour and signs of each design."""
    return style_runs([(spec.to_query(), spec.name, spec.kind) for spec in dict.fromkeys(specs)])
