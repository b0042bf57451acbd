"""The designs to compare with, in the address as ``?beside=``. No torch."""

import streamlit as st

from pages.parts.address import Carried
from resnet_core.errors import SpecError
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec

OTHERS = "beside"
MOST_OTHERS = 3


def choose_others(spec: NetSpec) -> list[NetSpec]:
    """Up to three other designs to compare with."""
    carried: Carried[list[str]] = Carried(OTHERS, OTHERS, [], _parse_others, ",".join)
    carried.restore()
    twin = [spec.twin().to_query()] if spec.family not in ("alexnet", "vgg") else []
    known = dict.fromkeys([*st.session_state[OTHERS], *twin, *(row.spec.to_query() for row in PRESETS.values())])
    st.multiselect(
        "Compare with",
        list(known),
        key=OTHERS,
        persist_state="session",
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
    carried.write(st.session_state[OTHERS])
    return [NetSpec.from_query(text) for text in st.session_state[OTHERS]]


def set_others(specs: list[NetSpec]) -> None:
    """Makes these the designs to compare with."""
    st.session_state[OTHERS] = [spec.to_query() for spec in specs]


def _parse_others(text: str) -> list[str]:
    """The designs that a link names, those left out that cannot be built."""
    return [design for design in text.split(",") if _can_be_built(design)][:MOST_OTHERS]


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
