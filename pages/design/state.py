"""The design of this session: one NetSpec, also in the address as ``?net=``. No torch.

The controls show it, and every change goes through `try_design`, so that a link, a preset, a click in the drawing and a
control all end in the same place.
"""

from collections.abc import Callable

import streamlit as st

from resnet_core.errors import SpecError
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec

DESIGN, REFUSAL = "design", "design_refused"
FIRST = preset("resnet-20")


def current_design() -> NetSpec:
    """The session's design, else the link's, else ResNet-20; the address follows."""
    if DESIGN not in st.session_state:
        st.session_state[DESIGN] = _design_in_address() or FIRST
    design: NetSpec = st.session_state[DESIGN]
    st.query_params["net"] = design.to_query()
    return design


def _design_in_address() -> NetSpec | None:
    """The design that the link names; a sentence when it names none that exists."""
    text = st.query_params.get("net")
    if text is None:
        return None
    try:
        return NetSpec.from_query(text)
    except SpecError as error:
        st.session_state[REFUSAL] = f"The link's network cannot be built: {error}"
        return None


def set_design(spec: NetSpec) -> None:
    """Makes this the design."""
    st.session_state[DESIGN] = spec


def try_design(make: Callable[[], NetSpec]) -> None:
    """Takes over the design that ``make`` returns; what cannot be built is said, and nothing is lost."""
    try:
        set_design(make())
    except SpecError as error:
        st.session_state[REFUSAL] = str(error)


def show_refusal() -> None:
    """Says, once, why a design could not be taken over."""
    if refusal := st.session_state.pop(REFUSAL, None):
        st.warning(refusal, icon=":material/block:")
