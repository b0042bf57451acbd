"""What the person wants to know: methods, the class asked about, the methods' settings. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.explain.predictions import Predictions
from pages.explain.questions import Settings
from resnet_core.attribution.methods import METHODS, Method, Param
from resnet_core.trained.net import TrainedNet

FIRST_ANSWER, OWN_ANSWER = "first", "own"
ANSWERS = {FIRST_ANSWER: "What the first network answers", OWN_ANSWER: "Each network's own answer"}
FIRST_METHODS = ["saliency", "integrated_gradients", "grad_cam"]


@dataclass(frozen=True)
class MapSettings:
    """What is asked about the picture.

    Attributes:
        methods: names, in the order of the table of methods.
        target: a class, the same for all networks, or a key of ANSWERS.
        settings: method -> its settings.
        strength: how far the maps cover the picture, 0 to 1.
    """

    methods: tuple[str, ...]
    target: str
    settings: Mapping[str, Settings]
    strength: float

    def target_of(self, net: TrainedNet, predictions: Predictions) -> int:
        """The index of the class that a network is asked about."""
        if self.target in predictions.classes:
            return predictions.classes.index(self.target)
        return predictions.top_class(net if self.target == OWN_ANSWER else predictions.nets[0])


def choose_map_settings(nets: Sequence[TrainedNet]) -> MapSettings:
    """The controls."""
    methods = st.pills(
        "Methods",
        list(METHODS),
        selection_mode="multi",
        wrap=True,
        default=FIRST_METHODS,
        key="methods",
        persist_state="session",
        format_func=lambda name: METHODS[name].title,
        help="\n\n".join(f"**{method.title}**: {method.question}" for method in METHODS.values()),
    )
    target = st.selectbox(
        "Class asked about",
        [*ANSWERS, *nets[0].facts.classes],
        key="target",
        persist_state="session",
        format_func=lambda name: ANSWERS.get(name, name),
        help="A map is always about one class: which pixels speak for it, and which against. "
        "To compare networks, ask them about the same class.",
    )
    with st.expander("Strength and settings of the methods"):
        strength = st.slider("Strength of the maps over the picture", 0, 100, 75, format="%d %%", key="strength") / 100
        settings = {name: _choose_settings(METHODS[name]) for name in methods if METHODS[name].params}
    return MapSettings(tuple(name for name in METHODS if name in methods), target, settings, strength)


def _choose_settings(method: Method) -> dict[str, int | float | str]:
    """One control a setting, built from the table of methods."""
    st.markdown(f"**{method.title}**")
    return {param.name: _choose_setting(method.name, param) for param in method.params}


def _choose_setting(method: str, param: Param) -> int | float | str:
    """A select box, a number or a text, as the setting wants it."""
    key = f"{method}_{param.name}"
    if param.choices:
        return st.selectbox(param.title, param.choices, param.choices.index(param.default), key=key, help=param.help)
    if isinstance(param.default, str):
        return st.text_input(param.title, param.default, key=key, help=param.help)
    step = 1 if isinstance(param.default, int) else 0.01
    return st.number_input(param.title, param.low, param.high, param.default, step, key=key, help=param.help)
