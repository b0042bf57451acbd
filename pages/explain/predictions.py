"""What each network answers to the picture. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from pages.explain.dataset_picture import with_same_classes
from pages.explain.input_picture import InputPicture
from pages.explain.questions import predict
from pages.parts import table
from pages.parts.frame import is_dark, show_figure
from resnet_core.attribution.answers_text import describe_answers
from resnet_core.figures.predictions import prediction_bars
from resnet_core.formatting import escape_markdown
from resnet_core.trained.net import TrainedNet

SHOWN_CLASSES = 5


@dataclass(frozen=True, eq=False)
class Predictions:
    """What networks that know the same classes answer.

    Attributes:
        probabilities: network -> (num_classes,).
    """

    nets: Sequence[TrainedNet]
    probabilities: Mapping[str, np.ndarray]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.nets[0].facts.classes

    def top_class(self, net: TrainedNet) -> int:
        """The index of the class that a network finds most probable."""
        return int(self.probabilities[net.id].argmax())


def show_predictions(nets: Sequence[TrainedNet], picture: InputPicture) -> Predictions:
    """The networks' answers as bars; those that know other classes than the first are left out."""
    comparable = with_same_classes(nets)
    predictions = Predictions(comparable, {net.id: predict(net, picture) for net in comparable})
    classes = predictions.classes
    if len(comparable) < len(nets):
        st.caption(
            "Networks that know other classes than the first one are left out: their answers cannot be compared."
        )
    show_figure(
        prediction_bars(
            predictions.probabilities,
            classes,
            table.net_styles(comparable),
            is_dark(),
            true_class=classes.index(picture.label) if picture.label in classes else None,
            top=SHOWN_CLASSES,
        ),
        "predictions",
        caption=escape_markdown(
            describe_answers({net.name: classes[predictions.top_class(net)] for net in comparable}, len(classes))
        ),
        numbers=lambda: pd.DataFrame(
            {net.name: predictions.probabilities[net.id] for net in comparable}, index=pd.Index(classes, name="class")
        ).reset_index(),
    )
    return predictions


def show_waiting_for_picture() -> None:
    """Before there is a picture."""
    with st.container(border=True):
        st.markdown("**Choose a picture on the left.** What each network answers, and what it looks at, stands here.")
