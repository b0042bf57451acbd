"""What designs cost, side by side, how they differ, and the way to train them. No torch."""

import pandas as pd
import streamlit as st

from pages.parts.frame import is_dark, show_figure
from resnet_core.analysis.comparison import describe_change
from resnet_core.figures.path_lengths import path_length_bars
from resnet_core.figures.style import style_designs
from resnet_core.formatting import count, file_size, scientific
from resnet_core.networks.costs import count_costs
from resnet_core.networks.paths import count_paths, path_lengths
from resnet_core.networks.spec import NetSpec

EXACT_PATHS = 100_000  # numbers of paths below this are written out


def show_costs(spec: NetSpec, others: list[NetSpec]) -> None:
    """The table, a sentence on each difference, and buttons."""
    designs = [spec, *others]
    rows = pd.DataFrame([_row(design) for design in designs])
    st.table(rows.set_index("design"), border="horizontal")
    for other in others:
        words = describe_change(spec, other)
        st.markdown(f"**{other.name}** is this design {words}." if words else f"**{other.name}** is this very design.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train this",
            key="train_design",
            type="primary",
            icon=":material/model_training:",
            on_click=_order,
            args=(False,),
        )
        if spec.family not in ("alexnet", "vgg"):
            st.button("Train it with its twin", key="train_design_twins", on_click=_order, args=(True,))
        with st.popover("Paths through it"):
            show_figure(
                path_length_bars(
                    {design.to_query(): path_lengths(design) for design in designs},
                    style_designs(designs),
                    is_dark(),
                ),
                "paths",
                caption="How many blocks the signal passes through their branch, over all ways from picture to answer "
                "([Veit et al. 2016](https://arxiv.org/abs/1605.06431)).",
            )
    if st.session_state.pop("go_train", False):
        st.switch_page("train/page.py")


def _row(spec: NetSpec) -> dict[str, str | int]:
    """One row of the table."""
    costs, n_paths = count_costs(spec), count_paths(spec)
    return {
        "design": spec.name,
        "layers": spec.depth,
        "blocks": spec.n_blocks,
        "parameters": f"{costs.parameters:,}",
        "multiply-adds": count(costs.macs),
        "memory a picture": file_size(costs.activation_bytes_per_image),
        "receptive field": f"{costs.receptive_field} px",
        "paths": f"{n_paths:,}" if n_paths < EXACT_PATHS else scientific(float(n_paths)),
    }


def _order(twins: bool) -> None:
    """Carries the design to the Train page."""
    st.session_state.update(kind="design", which_network="design", with_twin=twins, go_train=True)
