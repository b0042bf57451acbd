"""The design, in the address as ``?net=``, and how it changes. No torch.

The controls show it, and every change goes through `try_design`, so that a link, a preset, a click in the drawing and a
control all end in the same place.
"""

from collections.abc import Callable

import streamlit as st

from pages.parts.address import Carried
from pages.parts.design import DESIGN, parse_design, set_design
from resnet_core.errors import SpecError
from resnet_core.formatting import escape_markdown
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec

REFUSAL = "design_refused"
FIRST = preset("resnet-20")


def current_design() -> NetSpec:
    """The session's design, else the link's, else ResNet-20; the address follows."""
    carried = Carried("net", DESIGN, FIRST, parse_design, NetSpec.to_query)
    design = carried.restore()
    carried.write(design)
    return design


def try_design(make: Callable[[], NetSpec]) -> None:
    """Takes over the design that ``make`` returns; what cannot be built is said, and nothing is lost."""
    try:
        set_design(make())
    except SpecError as error:
        st.session_state[REFUSAL] = str(error)


def show_refusal() -> None:
    """Says, once, why a design could not be taken over."""
    if refusal := st.session_state.pop(REFUSAL, None):
        st.warning(escape_markdown(refusal), icon=":material/block:")
