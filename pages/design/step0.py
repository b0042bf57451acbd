"""The gradient microscope: signal and gradient in every layer of some designs, before their first update. No torch."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.design.controls import put_design, style_designs
from pages.parts import address
from pages.parts.backend import said_plainly, service
from pages.parts.frame import dark, figure
from resnet_core.analysis.cases import Case, cases
from resnet_core.analysis.comparison import compare
from resnet_core.analysis.step0_result import Profile, joined
from resnet_core.analysis.trends import QUANTITIES
from resnet_core.analysis.verdict import verdict
from resnet_core.figures.layer_profiles import Profile as Depths
from resnet_core.figures.layer_profiles import depth_profile
from resnet_core.figures.layer_statistics import STATISTICS
from resnet_core.networks.spec import NetSpec

BATCH = 64
FIGURES = {  # what can be looked at -> how the figure names it
    "grad_rms": "block_grad_rms",
    "weight_grad_rms": "weight_grad_rms",
    "grad_over_weight": "weight_grad_over_weight",
    "variance": "block_variance",
    "mean": "block_mean",
}
ABOUT = (
    "Each network is made with fresh starting weights, is shown one batch of real pictures, and the loss is sent back "
    "through it once: nothing has been trained. Read the line from right (the answer) to left (the picture), the "
    "way the "
    "gradient travels. Which quantity you look at decides what you find: the gradient at a block's *output* is what "
    "arrives there, the gradient of the *weights* also depends on the signal, and with batch norm only its ratio to "
    "the "
    "weights says how far a step would move the layer."
)


def show(specs: list[NetSpec]) -> None:
    """The cases, the figure, what it says."""
    st.markdown("#### The gradient before any training")
    ask_a_case()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = address.choice(
            st.selectbox,
            "Quantity",
            {name: STATISTICS[statistic].title for name, statistic in FIGURES.items()},
            key="quantity",
            width=340,
            help="\n\n".join(f"**{q.title}**: {q.meaning}" for q in QUANTITIES.values()),
        )
        ready = [info for info in service().datasets() if info.ready or info.name == "shapes-10"]
        data = st.selectbox(
            "Pictures",
            [info.name for info in ready],
            key="profile_data",
            width=220,
            format_func={info.name: info.title for info in ready}.get,
            help=f"The batch of {BATCH} training pictures that is sent through.",
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
    with said_plainly():
        measure(specs, quantity, data, n_seeds)


def ask_a_case() -> None:
    """Four questions to start from, one click each."""
    every = {case.title: case for case in cases()}
    st.session_state["case"] = None
    st.pills(
        "Start from a question",
        list(every),
        key="case",
        wrap=True,
        on_change=lambda: take(every[st.session_state["case"]]),
        help="\n\n".join(f"**{case.title}**: {case.question}" for case in every.values()),
    )


def take(case: Case) -> None:
    """Lays the designs of a case side by side."""
    first, *others = case.specs
    put_design(first)
    st.session_state["beside"] = [spec.to_query() for spec in others]
    st.session_state["quantity"] = next(name for name in case.look_at if name in FIGURES)


def measure(specs: list[NetSpec], quantity: str, data: str, n_seeds: int) -> None:
    """The figure after the first seed, and again after each further one."""
    place = st.empty()
    rounds: list[list[Profile]] = []
    for seed in range(n_seeds):
        with st.spinner(f"Measuring, seed {seed + 1} of {n_seeds} …") if rounds else st.spinner("Measuring …"):
            rounds.append([profiled(spec, data, seed) for spec in specs])
        if seed in (0, n_seeds - 1):
            with place.container():
                drawn([joined(of_one) for of_one in zip(*rounds, strict=True)], quantity, data)


def drawn(profiles: list[Profile], quantity: str, data: str) -> None:
    """One figure for all designs and the sentences that its numbers make."""
    styles = style_designs([profile.spec for profile in profiles])
    depths = {profile.spec.to_query(): by_depth(profile, quantity) for profile in profiles}
    statistic = STATISTICS[FIGURES[quantity]]
    unlike = len({len(depth.names) for depth in depths.values()}) > 1
    seeds = len(profiles[0].seeds)
    pictures = sorted({profile.pictures for profile in profiles})
    figure(
        depth_profile(depths, statistic, styles, dark(), relative=unlike),
        f"step0_{quantity}_{seeds}_seed{'s' * (seeds > 1)}",
        caption=f"{statistic.title} at step 0, before any training; {' or '.join(map(str, pictures))} training "
        f"pictures of "
        f"{data}, {seeds} seed{'s' * (seeds > 1)}, float32. {statistic.meaning}",
        about=ABOUT,
        numbers=lambda: pd.concat([frame(profile, quantity) for profile in profiles]),
    )
    if quantity in QUANTITIES:
        sentences([verdict(profile, quantity) for profile in profiles], compare(profiles, quantity))


def sentences(verdicts: list, differences: list[str]) -> None:
    """What was measured, in words."""
    for said in verdicts:
        st.markdown(f"- {said.headline} {said.signal}")
    for text in differences:
        st.markdown(f"- {text}")
    with st.popover("Why the verdict depends on the quantity", icon=":material/rule:", type="tertiary"):
        for said in verdicts:
            st.markdown(f"- {said.others}")


def by_depth(profile: Profile, quantity: str) -> Depths:
    """The quantity as the figure wants it: names and values, input first."""
    values = getattr(profile, quantity)
    if FIGURES[quantity].startswith("block"):
        return Depths(profile.block_names, values)
    on_path = np.array(profile.weight_on_path)
    names = tuple(name for name, on in zip(profile.weight_names, on_path, strict=True) if on)
    return Depths(names, values[:, on_path])


def frame(profile: Profile, quantity: str) -> pd.DataFrame:
    """The figure's numbers, one row a design, seed and layer."""
    depths = by_depth(profile, quantity)
    wide = pd.DataFrame(
        depths.values, index=pd.Index(profile.seeds, name="seed"), columns=pd.Index(depths.names, name="layer")
    )
    return wide.stack().rename(quantity).reset_index().assign(design=profile.spec.name, net=profile.spec.to_query())


@st.cache_data(max_entries=512, show_spinner=False)
def profiled(spec: NetSpec, data: str, seed: int) -> Profile:
    """One design with one seed; measured once."""
    return service().measure_step0(spec, data, BATCH, seed)
