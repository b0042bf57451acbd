"""Signal and gradient in every layer of some designs, before their first update. No torch."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.design.others import set_others
from pages.parts import address, query
from pages.parts.backend import service, show_errors
from pages.parts.datasets import can_be_drawn_from, check_unchanged
from pages.parts.design import set_design
from pages.parts.frame import is_dark, show_figure
from resnet_core.analysis.cases import CASES, Case
from resnet_core.analysis.comparison import compare_designs
from resnet_core.analysis.step0_result import Step0Result, concat_seeds
from resnet_core.analysis.trends import QUANTITIES
from resnet_core.analysis.verdict import Verdict, judge
from resnet_core.data.dataset import DatasetInfo
from resnet_core.figures.layer_profiles import LayerValues, layer_profile
from resnet_core.figures.layer_statistics import STATISTICS
from resnet_core.figures.style import style_designs
from resnet_core.formatting import escape_markdown
from resnet_core.networks.spec import NetSpec

BATCH_SIZE = 64
STATISTIC_OF = {  # array of the measurement -> how figures call it
    "grad_rms": "block_grad_rms",
    "weight_grad_rms": "weight_grad_rms",
    "grad_over_weight": "weight_grad_over_weight",
    "variance": "block_variance",
    "mean": "block_mean",
}
ABOUT = (
    "Each network is made with fresh starting weights, is shown one batch of real pictures, and the loss is sent back "
    "through it once: nothing has been trained. Read the line from right (the answer) to left (the picture), "
    "the way the gradient travels. Which quantity you look at decides what you find: the gradient at a block's "
    "*output* is what arrives there, the gradient of the *weights* also depends on the signal, and with batch norm "
    "only its ratio to the weights says how far a step would move the layer."
)


def show_step0(specs: list[NetSpec]) -> None:
    """The cases, the figure, what it says."""
    st.markdown("#### The gradient before any training")
    _show_cases()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = address.choice(
            st.selectbox,
            "Quantity",
            {name: STATISTICS[statistic].title for name, statistic in STATISTIC_OF.items()},
            key="quantity",
            width=340,
            help="\n\n".join(f"**{q.title}**: {q.meaning}" for q in QUANTITIES.values()),
        )
        infos = {info.name: info for info in service().datasets() if can_be_drawn_from(info)}
        dataset = address.choice(
            st.selectbox,
            "Pictures",
            {name: info.title for name, info in infos.items()},
            key="pictures",
            width=220,
            help=f"The batch of {BATCH_SIZE} training pictures that is sent through.",
        )
        n_seeds = address.choice(
            st.segmented_control,
            "Seeds",
            {n: str(n) for n in (1, 3, 5)},
            key="seeds",
            required=True,
            help="Each seed draws other starting weights; with several, the line is their median and the band reaches "
            "from the smallest to the largest.",
        )
    with show_errors():
        _measure(specs, quantity, infos[dataset], n_seeds)


def _show_cases() -> None:
    """Four questions to start from, one click each."""
    by_title = {case.title: case for case in CASES}
    st.session_state["case"] = None
    st.pills(
        "Start from a question",
        list(by_title),
        key="case",
        wrap=True,
        on_change=lambda: _take_case(by_title[st.session_state["case"]]),
        help="\n\n".join(f"**{case.title}**: {case.question}" for case in by_title.values()),
    )


def _take_case(case: Case) -> None:
    """Lays the designs of a case side by side."""
    first, *others = case.specs
    set_design(first)
    set_others(others)
    st.session_state["quantity"] = case.quantity


def _measure(specs: list[NetSpec], quantity: str, dataset: DatasetInfo, n_seeds: int) -> None:
    """Draws the figure after the first seed, and again after the last one."""
    query.write()
    place = st.empty()
    rounds: list[list[Step0Result]] = []
    for seed in range(n_seeds):
        with st.spinner(f"Measuring, seed {seed + 1} of {n_seeds} …" if rounds else "Measuring …"):
            rounds.append([_measured(spec, dataset.name, dataset.fingerprint, seed) for spec in specs])
        if seed in (0, n_seeds - 1):
            with place.container():
                _show_profiles([concat_seeds(of_one) for of_one in zip(*rounds, strict=True)], quantity, dataset.name)


@st.cache_data(max_entries=512, show_spinner=False)
def _measured(spec: NetSpec, dataset: str, fingerprint: str | None, seed: int) -> Step0Result:
    """One design with one seed; measured once on each content of a dataset."""
    result = service().measure_step0(spec, dataset, BATCH_SIZE, seed)
    check_unchanged(dataset, fingerprint)
    return result


def _show_profiles(profiles: list[Step0Result], quantity: str, dataset: str) -> None:
    """One figure for all designs and the sentences that its numbers make."""
    by_depth = {profile.spec.to_query(): _by_depth(profile, quantity) for profile in profiles}
    statistic = STATISTICS[STATISTIC_OF[quantity]]
    unlike = len({len(depths.names) for depths in by_depth.values()}) > 1
    n_seeds = len(profiles[0].seeds)
    plural = "s" * (n_seeds > 1)
    pictures = " or ".join(str(n) for n in sorted({profile.pictures for profile in profiles}))
    show_figure(
        layer_profile(
            by_depth, statistic, style_designs(profile.spec for profile in profiles), is_dark(), relative=unlike
        ),
        f"step0_{quantity}_{n_seeds}_seed{plural}",
        caption=f"{statistic.title} at step 0, before any training; {pictures} training pictures of "
        f"{escape_markdown(dataset)}, {n_seeds} seed{plural}, float32. {statistic.meaning}",
        about=ABOUT,
        numbers=lambda: pd.concat([_numbers(profile, quantity) for profile in profiles]),
    )
    if quantity in QUANTITIES:
        _show_verdicts([judge(profile, quantity) for profile in profiles], compare_designs(profiles, quantity))


def _show_verdicts(verdicts: list[Verdict], differences: list[str]) -> None:
    """What was measured, in words."""
    for each in verdicts:
        st.markdown(f"- {each.headline} {each.signal}")
    for text in differences:
        st.markdown(f"- {text}")
    with st.popover("Why the verdict depends on the quantity", icon=":material/rule:", type="tertiary"):
        for each in verdicts:
            st.markdown(f"- {each.others}")


def _by_depth(profile: Step0Result, quantity: str) -> LayerValues:
    """The quantity as the figure wants it: names and values, input first."""
    values = getattr(profile, quantity)
    if STATISTIC_OF[quantity].startswith("block"):
        return LayerValues(profile.block_names, values)
    on_path = np.array(profile.weight_on_path)
    names = tuple(name for name, on in zip(profile.weight_names, on_path, strict=True) if on)
    return LayerValues(names, values[:, on_path])


def _numbers(profile: Step0Result, quantity: str) -> pd.DataFrame:
    """The figure's numbers, one row a design, seed and layer."""
    depths = _by_depth(profile, quantity)
    wide = pd.DataFrame(
        depths.values, index=pd.Index(profile.seeds, name="seed"), columns=pd.Index(depths.names, name="layer")
    )
    return wide.stack().rename(quantity).reset_index().assign(design=profile.spec.name, net=profile.spec.to_query())
