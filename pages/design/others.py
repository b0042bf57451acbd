"""The designs to compare with, in the address as ``?beside=``. No torch."""

import streamlit as st

from resnet_core.errors import SpecError
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec

OTHERS = "beside"
MOST_OTHERS = 3


def choose_others(spec: NetSpec) -> list[NetSpec]:
    """Up to three other designs to compare with."""
    if OTHERS not in st.session_state:
        named = [text for text in st.query_params.get(OTHERS, "").split(",") if text]
        st.session_state[OTHERS] = [text for text in named if _can_be_built(text)][:MOST_OTHERS]
    twin = [spec.twin().to_query()] if spec.family not in ("alexnet", "vgg") else []
    known = dict.fromkeys([*st.session_state[OTHERS], *twin, *(row.spec.to_query() for row in PRESETS.values())])
    st.multiselect(
        "Compare with",
        list(known),
        key=OTHERS,
        max_selections=MOST_OTHERS,
        select_all=False,
        placeholder="Other designs …",
        format_func=lambda text: NetSpec.from_query(text).name,
        help="Up to three other designs, measured on the same pictures.",
    )
    with st.container(horizontal=True):
        if twin and twin[0] not in st.session_state[OTHERS]:
            st.button(
                "Its twin",
                key="add_twin",
                on_click=_add_other,
                args=(twin[0],),
                help="The same network without skips, or with all of them: same starting weights.",
            )
        st.button(
            "A copy of this",
            key="add_copy",
            on_click=_add_other,
            args=(spec.to_query(),),
            help="Keeps the design as it is now, so that you can change it and compare.",
        )
    if st.session_state[OTHERS]:
        st.query_params[OTHERS] = ",".join(st.session_state[OTHERS])
    else:
        st.query_params.pop(OTHERS, None)
    return [NetSpec.from_query(text) for text in st.session_state[OTHERS]]


def set_others(specs: list[NetSpec]) -> None:
    """Makes these the designs to compare with."""
    st.session_state[OTHERS] = [spec.to_query() for spec in specs]


def _can_be_built(text: str) -> bool:
    """Whether a link's text names a network that can be built."""
    try:
        NetSpec.from_query(text)
    except SpecError:
        return False
    return True


def _add_other(text: str) -> None:
    """Adds a design to compare with, in place of the last one when there are three."""
    kept = [other for other in st.session_state[OTHERS] if other != text]
    st.session_state[OTHERS] = [*kept[: MOST_OTHERS - 1], text]
