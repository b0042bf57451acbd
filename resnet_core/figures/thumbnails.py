"""Small pictures in rows, to choose one from. No torch."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.style import base_layout, empty_figure, escape_plotly, theme

PER_ROW = 6
_GAP = 4  # pixels between two pictures
_ROW_PX = 44


def thumbnails(pictures: np.ndarray, names: Sequence[str], chosen: int | None, dark: bool) -> go.Figure:
    """Pictures, uint8 (N, S, S, 3), in rows of PER_ROW.

    Over each lies a point with customdata [its index], from which a page learns which one was clicked.

    Args:
        names: shown when the pointer is over a picture.
        chosen: index of the picture with a frame.
    """
    n = len(pictures)
    if n == 0:
        return empty_figure("No picture.", dark, 2 * _ROW_PX)
    side = pictures.shape[1]
    pitch = side + _GAP
    rows = -(-n // PER_ROW)
    sheet = np.zeros((rows * pitch, PER_ROW * pitch, 4), np.uint8)
    left, top = np.arange(n) % PER_ROW * pitch + _GAP // 2, np.arange(n) // PER_ROW * pitch + _GAP // 2
    for picture, x, y in zip(pictures, left, top, strict=True):
        sheet[y : y + side, x : x + side, :3] = picture
        sheet[y : y + side, x : x + side, 3] = 255
    frame = [theme(dark).ink if index == chosen else "rgba(0,0,0,0)" for index in range(n)]
    point = {
        "type": "scatter",
        "mode": "markers",
        "x": left + (side - 1) / 2,
        "y": top + (side - 1) / 2,
        "customdata": [[index] for index in range(n)],
        "text": [escape_plotly(name) for name in names],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": "square",
            "size": _ROW_PX - 12,
            "color": "rgba(0,0,0,0)",
            "line": {"color": frame, "width": 3},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    image = {"type": "image", "z": sheet, "colormodel": "rgba256", "hoverinfo": "skip"}
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    layout = base_layout(
        dark,
        rows * _ROW_PX + 8,
        f"{n} small pictures: {', '.join(names)}.",
        margin={"l": 2, "r": 2, "t": 4, "b": 4},
        xaxis={"range": [-0.5, PER_ROW * pitch - 0.5], "constraintoward": "left", **axis},
        yaxis={"range": [rows * pitch - 0.5, -0.5], "scaleanchor": "x", "constraintoward": "top", **axis},
        showlegend=False,
        clickmode="event+select",
    )
    return go.Figure(data=[image, point], layout=layout)
