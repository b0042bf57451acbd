"""Figures for the checks of a map: deletion and insertion curves, and maps side by side. No torch."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from resnet_core.attribution.methods import Method
from resnet_core.attribution.scaling import share_scale
from resnet_core.figures.style import (
    FONT_SIZE,
    SMALL_FONT_SIZE,
    base_layout,
    diverging_scale,
    escape_plotly,
    magnitude_scale,
    shorten,
    theme,
)
from resnet_core.formatting import scientific

_HEIGHT = 300  # px of each figure
_GAP = 0.04  # between two panels, of the width
PANELS = {"deletion": "Deleting pixels", "insertion": "Inserting pixels"}


def deletion_insertion_curves(curves: pd.DataFrame, dark: bool) -> go.Figure:
    """Probability of the class over the share of pixels treated, beside random order, on one range for both.

    ``curves``: columns fraction, deletion, insertion, deletion_random, insertion_random, all 0 to 1.
    """
    colors = theme(dark)
    lines = {
        "": ("in the map's order", {"color": colors.accent, "width": 3}),
        "_random": ("in random order", {"color": colors.muted, "width": 2, "dash": "dot"}),
    }
    traces, axes = [], {}
    for column, (name, title) in enumerate(PANELS.items()):
        axis = str(column + 1) if column else ""
        left = column * (0.5 + _GAP / 2)
        for ending, (label, line) in lines.items():
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": 100 * curves["fraction"],
                    "y": 100 * curves[name + ending],
                    "xaxis": f"x{axis}",
                    "line": line,
                    "name": label,
                    "legendgroup": label,
                    "showlegend": column == 0,
                    "hovertemplate": f"{label}: %{{y:.1f}} % at %{{x:.0f}} % of the pixels<extra></extra>",
                }
            )
        axes[f"xaxis{axis}"] = {
            "domain": [left, left + 0.5 - _GAP / 2],
            "range": [0, 100],
            "title": {"text": f"{title}, %"},
            "fixedrange": True,
        }
    layout = base_layout(
        dark,
        _HEIGHT,
        "The class's probability while pixels are deleted and inserted, in the map's order and in random order.",
        yaxis={"range": [-2, 102], "title": {"text": "probability, %"}, "fixedrange": True},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 70, "r": 24, "t": 40, "b": 56},
        **axes,
    )
    return go.Figure(data=traces, layout=layout)


def maps_side_by_side(maps: Mapping[str, np.ndarray], method: Method, dark: bool) -> go.Figure:
    """Maps (H, W) of one method side by side, all on the scale of the first one, see share_scale."""
    low, high = share_scale([next(iter(maps.values()))], method.signed)
    width = (1 - _GAP * (len(maps) - 1)) / len(maps)
    ticks = [low, 0.0, high] if method.signed else [0.0, high]
    traces, notes, axes = [], [], {}
    for column, (name, values) in enumerate(maps.items()):
        axis = str(column + 1) if column else ""
        left = column * (width + _GAP)
        traces.append(
            {
                "type": "heatmap",
                "z": np.asarray(values, dtype=np.float32),
                "coloraxis": "coloraxis",
                "xaxis": f"x{axis}",
                "yaxis": f"y{axis}",
                "hovertemplate": f"{escape_plotly(name)}: %{{z:.3g}}<extra></extra>",
            }
        )
        square = {"visible": False, "constrain": "domain", "fixedrange": True}
        axes[f"xaxis{axis}"] = {"domain": [left, left + width], "anchor": f"y{axis}", **square}
        axes[f"yaxis{axis}"] = {"scaleanchor": f"x{axis}", "autorange": "reversed", "anchor": f"x{axis}", **square}
        notes.append(
            {
                "text": escape_plotly(shorten(name, 24)),
                "x": left + width / 2,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": FONT_SIZE, "color": theme(dark).ink},
            }
        )
    scale = {
        "cmin": low,
        "cmax": high,
        "colorscale": diverging_scale(dark) if method.signed else magnitude_scale(),
        "colorbar": {
            "title": {"text": method.unit, "side": "right", "font": {"size": FONT_SIZE}},
            "tickvals": ticks,
            "ticktext": ["0" if tick == 0 else scientific(tick) for tick in ticks],
            "tickfont": {"size": SMALL_FONT_SIZE},
            "outlinewidth": 0,
            "thickness": 16,
        },
    }
    alt = f"{method.title} maps of {', '.join(maps)}, on one scale."
    margin = {"l": 8, "r": 8, "t": 30, "b": 8}
    layout = base_layout(dark, _HEIGHT, alt, margin=margin, coloraxis=scale, annotations=notes, **axes)
    return go.Figure(data=traces, layout=layout)
