"""The controls of a design: one widget for each field of NetSpec, presets, and patterns of skips. No torch."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.design.state import current_design, show_refusal, try_design
from pages.parts.design import DESIGN, set_design
from resnet_core.networks.adapt import change_field
from resnet_core.networks.depths import MAX_DEPTH, depth_step, listed_depths
from resnet_core.networks.options import CHOICES
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec


def show_controls() -> NetSpec:
    """The controls; returns the design they show."""
    spec = current_design()
    st.selectbox(
        "Start from",
        list(PRESETS),
        index=None,
        key="preset",
        on_change=_take_preset,
        placeholder="A network of the papers …",
        format_func=lambda name: f"{PRESETS[name].title}  ·  {PRESETS[name].group}",
        help="Every network that the papers (and your teaching notes) name. Choose one, then change it.",
    )
    _show_choice(spec, "family", "Family")
    _show_depth(spec)
    _show_skip_patterns(spec)
    _show_choice(spec, "norm", "Normalisation")
    _show_choice(spec, "init", "Starting weights")
    with st.expander("Block, shortcut, width, gates"):
        _show_choice(spec, "block", "Block")
        _show_choice(spec, "shortcut", "Shortcut")
        _show_choice(spec, "merge", "How the skip is merged")
        _show_choice(spec, "order", "Where BN and ReLU stand")
        _show_choice(spec, "layout", "Layout")
        _show_number(spec, "width", "Width", 1, 1024, 1, "Channels of the first stage.")
        _show_number(
            spec, "skip_strength", "Strength of the skips", 0.0, 1.0, 0.1, "What the shortcut is multiplied by."
        )
        _show_number(
            spec,
            "gate_bias",
            "Gate bias at the start",
            -20.0,
            20.0,
            1.0,
            "Highway networks and gated shortcuts only. Negative: gates begin nearly closed, and the input is carried "
            "on. -2 as in [Srivastava et al. 2015](https://arxiv.org/abs/1505.00387).",
        )
        _show_number(
            spec,
            "drop_path",
            "Stochastic depth",
            0.0,
            0.99,
            0.1,
            "Chance that the last block's branch is left out of a training step; falls towards the first block "
            "([Huang et al. 2016](https://arxiv.org/abs/1603.09382)).",
        )
    show_refusal()
    return spec


def _take_preset() -> None:
    """The preset that was chosen becomes the design."""
    if st.session_state["preset"]:
        set_design(preset(st.session_state["preset"]))
    st.session_state["preset"] = None


def _show_choice(spec: NetSpec, field: str, label: str) -> None:
    """A select box for one field, with the paper behind each of its values."""
    allowed = CHOICES[field]
    st.selectbox(
        label,
        list(allowed),
        key=_show_value(spec, field),
        on_change=_take_value,
        args=(field,),
        format_func=lambda name: allowed[name].title,
        help="\n\n".join(
            f"**{option.title}**: {option.help}"
            + (f" [{option.paper.cite}]({option.paper.url})" if option.paper else "")
            for option in allowed.values()
        ),
    )


def _show_number(spec: NetSpec, field: str, label: str, low: float, high: float, step: float, text: str) -> None:
    """A number for one field."""
    st.number_input(
        label, low, high, step=step, key=_show_value(spec, field), help=text, on_change=_take_value, args=(field,)
    )


def _show_depth(spec: NetSpec) -> None:
    """The depth: a box where there are few, else a number that steps from one depth to the next."""
    key = _show_value(spec, "depth")
    text = (
        "Layers with weights on the longest path: 6n+2 with basic blocks, 9n+2 with bottlenecks (He et al. 2015, 2016)."
    )
    if listed := listed_depths(spec):
        st.selectbox("Depth (layers)", listed, key=key, on_change=_take_value, args=("depth",), help=text)
        return
    step = depth_step(spec)
    st.number_input(
        "Depth (layers)", 2 + step, MAX_DEPTH, step=step, key=key, on_change=_take_value, args=("depth",), help=text
    )


def _show_value(spec: NetSpec, field: str) -> str:
    """The key of a field's widget, which shows the value that the design has now."""
    key = f"design_{field}"
    st.session_state[key] = getattr(spec, field)
    return key


def _take_value(field: str) -> None:
    """The design takes over what a field's widget says; the rest is kept as far as it fits."""
    spec, value = st.session_state[DESIGN], st.session_state[f"design_{field}"]
    try_design(lambda: change_field(spec, field, value))


def _show_skip_patterns(spec: NetSpec) -> None:
    """Patterns of skips; single ones are switched in the drawing."""
    if spec.family in ("plain", "alexnet", "vgg"):
        if spec.family == "plain":
            st.button("Give it skips", key="give_skips", on_click=lambda: set_design(spec.twin()), width="stretch")
        return
    patterns: dict[str, Callable[[], NetSpec]] = {
        "All": lambda: spec.with_skips("all"),
        "None": lambda: spec.with_skips("none"),
        "Every 2nd": lambda: spec.every_kth(2),
        "Every 3rd": lambda: spec.every_kth(3),
        **{f"Stage {stage}": partial(spec.only_stage, stage) for stage in range(1, len(spec.stages) + 1)},
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
