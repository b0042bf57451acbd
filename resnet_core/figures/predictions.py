"""What networks predict for one picture: the probabilities of the top classes, side by side. No torch."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.style import (
    FONT_SIZE,
    SMALL_FONT_SIZE,
    RunStyle,
    base_layout,
    empty_figure,
    escape_plotly,
    shorten,
    theme,
)
from resnet_core.formatting import percent

_ROW = 40  # px per class
_TOP, _BOTTOM = 44, 52
_NUMBER, _NARROWEST = 58, 680  # px: of the number after a bar, and of all columns on a small screen


def prediction_bars(
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    styles: Mapping[str, RunStyle],
    dark: bool,
    true_class: int | None = None,
    top: int = 5,
) -> go.Figure:
    """Bars of probability, a column for each network and a row for each of the ``top`` classes, those with the largest
    probability in any network.

    ``probabilities``: run -> (num_classes,), each summing to 1. All columns run from 0 to 100 %. The class that a
    network predicts is bold; ``true_class``, always shown, is marked in the row's name.
    """
    rows = max(1, min(top, len(classes)))
    height = _TOP + _BOTTOM + rows * _ROW
    shown = {run: np.asarray(probabilities[run], dtype=float) for run in styles if run in probabilities}
    if not shown:
        return empty_figure("The networks' answers stand here once a picture is chosen.", dark, height)
    picked = select_classes(list(shown.values()), rows, true_class)
    names = [_class_name(classes[index], index == true_class) for index in picked]

    gap = 0.03
    width = (1 - gap * (len(shown) - 1)) / len(shown)
    traces, annotations, axes = [], [], {}
    for column, (run, values) in enumerate(shown.items()):
        axis = "" if column == 0 else str(column + 1)
        left = column * (width + gap)
        traces.append(_bars(values[picked], names, int(values.argmax()), picked, styles[run], dark, axis))
        annotations.append(
            {
                "text": styles[run].glyph_label(dark),
                "xref": "paper",
                "yref": "paper",
                "x": left,
                "y": 1,
                "xanchor": "left",
                "yanchor": "bottom",
                "yshift": 6,
                "showarrow": False,
                "font": {"size": FONT_SIZE},
            }
        )
        axes[f"xaxis{axis}"] = {
            "domain": [left, left + width],
            "range": [0, _axis_end(len(shown))],
            "tickvals": [0, 50, 100],
            "ticktext": ["0", "50 %", "100 %"],
            "fixedrange": True,
        }
    layout = base_layout(
        dark,
        height,
        _alt_text(shown, classes, styles, true_class),
        margin={"l": 120, "r": 16, "t": _TOP, "b": _BOTTOM},
        yaxis={
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
            "ticks": "",
            "fixedrange": True,
        },
        annotations=annotations,
        bargap=0.35,
        showlegend=False,
        **axes,
    )
    return go.Figure(data=traces, layout=layout)


def _axis_end(columns: int) -> float:
    """Far enough beyond 100 % for the number after a full bar, also in a narrow column."""
    return max(122.0, 100 / (1 - min(0.6, columns * _NUMBER / _NARROWEST)))


def select_classes(probabilities: Sequence[np.ndarray], top: int, always: int | None = None) -> list[int]:
    """The ``top`` classes by their largest probability in any of the networks; ``always`` is one of them."""
    order = list(np.argsort(-np.max(probabilities, axis=0), kind="stable"))
    picked = [int(index) for index in order[:top]]
    if always is not None and always not in picked:
        picked[-1] = always
    return picked


def _bars(
    values: np.ndarray,
    names: list[str],
    chosen: int,
    picked: list[int],
    style: RunStyle,
    dark: bool,
    axis: str,
) -> dict:
    texts = [percent(value) for value in values]
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": f"x{axis}",
        "x": (100 * values).round(2),
        "y": names,
        "marker": style.bar(dark),
        "text": [f"<b>{text}</b>" if index == chosen else text for text, index in zip(texts, picked, strict=True)],
        "textposition": "outside",
        "textfont": {"size": SMALL_FONT_SIZE, "color": theme(dark).ink},
        "cliponaxis": False,
        "name": style.legend_name,
        "hovertemplate": style.hover_template("%{y}: %{x:.2f} %"),
    }


def _class_name(name: str, is_true: bool) -> str:
    return f"<b>{escape_plotly(shorten(name, 16))} ✓</b>" if is_true else escape_plotly(shorten(name, 18))


def _alt_text(
    shown: Mapping[str, np.ndarray],
    classes: Sequence[str],
    styles: Mapping[str, RunStyle],
    true_class: int | None,
) -> str:
    answers = [f"{styles[run].label} says {classes[int(p.argmax())]} ({percent(p.max())})" for run, p in shown.items()]
    truth = f" The true class is {classes[true_class]}." if true_class is not None else ""
    return "; ".join(answers) + "." + truth
