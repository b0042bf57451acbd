"""The design of this session: one NetSpec, which the Design page changes and the Train page trains. No torch."""

import streamlit as st

from resnet_core.errors import SpecError
from resnet_core.networks.spec import NetSpec

DESIGN = "design"


def set_design(spec: NetSpec) -> None:
    """Makes this the design."""
    st.session_state[DESIGN] = spec


def parse_design(text: str) -> NetSpec:
    """The design that a link names. Raises ValueError, with a sentence, when it names none that can be built."""
    try:
        return NetSpec.from_query(text)
    except SpecError as error:
        raise ValueError(f"The link's network cannot be built: {error}") from error
