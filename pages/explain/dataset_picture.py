"""Choosing a test picture: by class, by what the networks answer, by number, by a click. No torch."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.explain.questions import survey
from pages.parts.backend import show_errors
from pages.parts.datasets import open_dataset, ready_datasets
from pages.parts.frame import is_dark, show_figure
from resnet_core.attribution.search import SEARCHES
from resnet_core.data.dataset import Dataset
from resnet_core.figures.thumbnails import thumbnails
from resnet_core.formatting import escape_markdown
from resnet_core.trained.net import TrainedNet

SEARCHED = 2000  # test pictures that a search asks the networks about, at most
STRIP = 18  # small pictures shown of those found
IN_ORDER, ANY_CLASS = "in_order", "any"
TICK_S = 2


def choose_test_picture(nets: Sequence[TrainedNet]) -> InputPicture | None:
    """A test picture of one of the datasets, by preference the one that the first network learned."""
    ready = ready_datasets()
    if not ready:
        show_waiting_for_datasets()
        return None
    names = list(ready)
    own = nets[0].facts.dataset
    name = st.selectbox(
        "Dataset",
        names,
        index=names.index(own) if own in ready else 0,
        format_func=lambda name: ready[name].title,
        key="picture_dataset",
    )
    dataset = open_dataset(name, ready[name].fingerprint)
    number_key = f"picture_number_{name}"
    rows = _choose_rows(nets, dataset, number_key)
    if not len(rows):
        st.info("No test picture is like that: choose another class or another search.")
        return None
    row = rows[_choose_number(dataset, rows, number_key) - 1]
    pixels, label = np.array(dataset.x_test[row]), dataset.classes[dataset.y_test[row]]
    with st.container(key="pixels_dataset"):
        caption = f"{escape_markdown(label)}: test picture {row}, as the network gets it"
        st.image(pixels, caption=caption, width=240, output_format="PNG")
    return InputPicture(pixels, label, f"{dataset.title}, test picture {row}", dataset.name)


@st.fragment(run_every=TICK_S)
def show_waiting_for_datasets() -> None:
    """In a new lab, until its first dataset has been drawn."""
    if ready_datasets():
        st.rerun()
    st.info("The lab's first pictures are still being drawn; they appear here by themselves. Or upload one.")


def with_same_classes(nets: Sequence[TrainedNet]) -> list[TrainedNet]:
    """The networks that know the same classes as the first: answers of others cannot be compared."""
    return [net for net in nets if net.facts.classes == nets[0].facts.classes]


def _choose_rows(nets: Sequence[TrainedNet], dataset: Dataset, number_key: str) -> np.ndarray:
    """Indices of the test pictures of the chosen class that the chosen search finds, the most telling first."""
    label = st.selectbox(
        "Class",
        [ANY_CLASS, *dataset.classes],
        key=f"picture_class_{dataset.name}",
        on_change=_restart,
        args=(number_key,),
    )
    search = st.selectbox(
        "Find",
        [IN_ORDER, *_searches(nets, dataset)],
        key=f"picture_search_{dataset.name}",
        format_func=lambda name: SEARCHES[name].title if name in SEARCHES else "All, in their order",
        help=f"Asks the networks about {min(SEARCHED, len(dataset.y_test)):,} test pictures.\n\n"
        + "\n\n".join(f"**{search.title}**: {search.help}" for search in SEARCHES.values()),
        on_change=_restart,
        args=(number_key,),
    )
    rows = np.arange(len(dataset.y_test))
    if search != IN_ORDER:
        with show_errors():
            rows = _hits(nets, dataset, search)
    if label != ANY_CLASS:
        rows = rows[dataset.y_test[rows] == dataset.classes.index(label)]
    return rows


def _restart(number_key: str) -> None:
    """What is chosen from has changed: back to its first picture."""
    st.session_state[number_key] = 1


def _searches(nets: Sequence[TrainedNet], dataset: Dataset) -> list[str]:
    """The searches that make sense for these networks and these pictures."""
    knows_truth = tuple(dataset.classes) == nets[0].facts.classes
    n_nets = len(with_same_classes(nets))
    return [
        name
        for name, search in SEARCHES.items()
        if n_nets >= search.networks and (knows_truth or not search.needs_truth)
    ]


def _hits(nets: Sequence[TrainedNet], dataset: Dataset, search: str) -> np.ndarray:
    """Indices of test pictures, the most telling first."""
    rows, logits = survey(with_same_classes(nets), dataset, SEARCHED)
    return rows[SEARCHES[search].order(logits, np.array(dataset.y_test[rows]))]


def _choose_number(dataset: Dataset, rows: np.ndarray, number_key: str) -> int:
    """The number, from 1, that the person chooses: typed, or by a click on a small picture."""
    number = int(
        st.number_input(
            f"Number (of {len(rows):,})",
            1,
            len(rows),
            key=number_key,
            help="Which of the test pictures; none was trained on.",
        )
    )
    first = (number - 1) // STRIP * STRIP
    part = rows[first : first + STRIP]
    strip_key = f"strip_{number_key}_{first}"
    show_figure(
        thumbnails(
            dataset.x_test[part],
            [f"{first + i}: {dataset.classes[dataset.y_test[row]]}" for i, row in enumerate(part, 1)],
            number - 1 - first,
            is_dark(),
        ),
        strip_key,
        on_select=lambda: choose_clicked(strip_key, number_key, first),
    )
    return number


def choose_clicked(strip_key: str, number_key: str, first: int) -> None:
    """A click on a small picture chooses its number; ``first``: how many come before the strip."""
    points = st.session_state[strip_key]["selection"]["points"]
    if points:
        st.session_state[number_key] = first + points[0]["customdata"][0] + 1
