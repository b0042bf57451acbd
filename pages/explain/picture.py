"""Where the picture comes from: a person's own, or a dataset; and what the network gets of it. No torch."""

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.explain import own_pictures
from pages.explain.survey import SEARCHED, dataset, survey
from pages.parts import address
from pages.parts.backend import said_plainly, service
from pages.parts.frame import dark, figure
from resnet_core.attribution.search import SEARCHES
from resnet_core.data.dataset import Dataset
from resnet_core.data.pictures import Picture, to_network
from resnet_core.figures.thumbnails import thumbnails
from resnet_core.runs.run import Run

SOURCES = {"dataset": "Dataset", **own_pictures.SOURCES}
STRIP = 18  # small pictures shown of those found
IN_ORDER = "in_order"


@dataclass(frozen=True, eq=False)
class Shown:
    """The picture that is asked about."""

    pixels: np.ndarray  # uint8 (S, S, 3), as the network gets it
    label: str | None  # its class, where it is known
    source: str  # in words
    dataset: str | None = None  # that it is a test picture of

    @property
    def key(self) -> str:
        """The same for the same pixels."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()


def choose(runs: list[Run]) -> Shown | None:
    """The picture that the person chooses, drawn as they see it and as the network gets it."""
    sources = ["dataset", *own_pictures.sources(st.context.url)]
    source = address.choice(
        st.segmented_control,
        "Picture",
        {source: SOURCES[source] for source in sources},
        key="picture_from",
        required=True,
        wrap=True,
    )
    if source == "dataset":
        return from_dataset(runs)
    picture = own_pictures.handed_in(source)
    return from_picture(picture) if picture else None


def from_picture(picture: Picture) -> Shown:
    """A picture of the person's own with the part that they choose."""
    square = own_pictures.crop(picture)
    pixels = to_network(square)
    as_seen, as_given = st.columns(2)
    as_seen.image(square, caption="As you see it", width="stretch", output_format="PNG")
    with as_given.container(key="pixels_own"):
        st.image(pixels, caption="As the network gets it: 32 × 32", width="stretch", output_format="PNG")
    own_pictures.notes(picture)
    return Shown(pixels, None, picture.filename)


def from_dataset(runs: list[Run]) -> Shown | None:
    """A test picture, by class and number."""
    ready = {info.name: info for info in service().datasets() if info.ready}
    if not ready:
        wait_for_pictures()
        return None
    names = list(ready)
    wanted = runs[0].dataset if runs[0].dataset in ready else names[0]
    name = st.selectbox(
        "Dataset", names, index=names.index(wanted), format_func=lambda name: ready[name].title, key="picture_dataset"
    )
    data = dataset(name, ready[name].fingerprint)
    number_key = f"picture_number_{name}"
    anew = {"on_change": begin_anew, "args": (number_key,)}
    kind = st.selectbox("Class", ["any", *data.classes], key=f"picture_class_{name}", **anew)
    search = st.selectbox(
        "Find",
        [IN_ORDER, *searches(runs, data)],
        key=f"picture_search_{name}",
        format_func=lambda name: SEARCHES[name].title if name in SEARCHES else "All, in their order",
        help=f"Asks the networks about the first {SEARCHED:,} test pictures.\n\n"
        + "\n\n".join(f"**{search.title}**: {search.help}" for search in SEARCHES.values()),
        **anew,
    )
    rows = np.arange(len(data.y_test))
    if search != IN_ORDER:
        with said_plainly():
            rows = hits(runs, data, search)
    if kind != "any":
        rows = rows[data.y_test[rows] == data.classes.index(kind)]
    if not len(rows):
        st.info("No test picture is like that: choose another class or another search.")
        return None
    row = rows[leaf(data, rows, number_key) - 1]
    pixels, label = np.array(data.x_test[row]), data.classes[data.y_test[row]]
    with st.container(key="pixels_dataset"):
        st.image(pixels, caption=f"{label}: test picture {row}, as the network gets it", width=240, output_format="PNG")
    return Shown(pixels, label, f"{data.title}, test picture {row}", data.name)


@st.fragment(run_every=2)
def wait_for_pictures() -> None:
    """In a new lab, until its first dataset has been drawn."""
    if any(info.ready for info in service().datasets()):
        st.rerun()
    st.info("The lab's first pictures are still being drawn; they appear here by themselves. Or upload one.")


def begin_anew(number_key: str) -> None:
    """What is chosen from has changed: back to its first picture."""
    st.session_state[number_key] = 1


def comparable(runs: list[Run]) -> list[Run]:
    """The networks that know the same classes as the first."""
    return [run for run in runs if run.facts["classes"] == runs[0].facts["classes"]]


def searches(runs: list[Run], data: Dataset) -> list[str]:
    """The searches that make sense for these networks and these pictures."""
    same = list(data.classes) == runs[0].facts["classes"]
    count = len(comparable(runs))
    return [name for name, search in SEARCHES.items() if count >= search.networks and (same or not search.needs_truth)]


def hits(runs: list[Run], data: Dataset, search: str) -> np.ndarray:
    """Indices of test pictures, the most telling first."""
    logits = survey(comparable(runs), data, SEARCHED)
    return SEARCHES[search].order(logits, np.array(data.y_test[: logits.shape[1]]))


def leaf(data: Dataset, rows: np.ndarray, number_key: str) -> int:
    """The number, from 1, that the person chooses: typed, or by a click on a small picture."""
    number = st.number_input(
        f"Number (of {len(rows):,})",
        1,
        len(rows),
        key=number_key,
        help="Which of the test pictures; none was trained on.",
    )
    first = (number - 1) // STRIP * STRIP
    part = rows[first : first + STRIP]
    strip_key = f"strip_{number_key}_{first}"
    figure(
        thumbnails(
            data.x_test[part],
            [f"{first + i}: {data.classes[data.y_test[row]]}" for i, row in enumerate(part, 1)],
            number - 1 - first,
            dark(),
        ),
        strip_key,
        on_select=lambda: pick(strip_key, number_key, first),
    )
    return number


def pick(strip_key: str, number_key: str, first: int) -> None:
    """A click on a small picture chooses its number."""
    points = st.session_state[strip_key]["selection"]["points"]
    if points:
        st.session_state[number_key] = first + points[0]["customdata"][0] + 1
