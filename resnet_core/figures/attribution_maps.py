"""Attribution maps over the picture: networks down, methods across; and one map, large. No torch.

The whole grid is one pair of axes with the cells side by side in units of a cell, y downwards: a handful of traces
however many cells there are, and captions that stay above their columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from resnet_core.attribution.methods import Method
from resnet_core.attribution.scaling import share_scale
from resnet_core.figures.attribution_columns import (
    MapColumn,
    build_columns,
    downsample,
    format_value,
    map_colorscale,
    to_grey,
    top_classes,
)
from resnet_core.figures.style import (
    FONT_SIZE,
    SMALL_FONT_SIZE,
    RunStyle,
    base_layout,
    empty_figure,
    escape_plotly,
    shorten,
    theme,
    wrap,
)
from resnet_core.formatting import percent

_CELL = 1.0
_GAP = 0.07  # between cells, in cells
_HEAD, _FOOT = 0.34, 0.52  # room for the methods' names and for the scales
_CELL_PX, _MIN_CELL_PX = 200, 110
_WIDTH = 1180  # px of a figure on a laptop: decides how high a grid with many methods has to be
_ANCHORS = {0.0: "left", 0.5: "center", 1.0: "right"}
_BARS_WIDTH = 0.19  # share of the figure's width
_LARGE_HEIGHT = 520


def attribution_grid(
    image: np.ndarray,
    maps: Mapping[str, Mapping[str, np.ndarray]],
    methods: Mapping[str, Method],
    styles: Mapping[str, RunStyle],
    dark: bool,
    strength: float = 0.75,
    probabilities: Mapping[str, np.ndarray] | None = None,
    classes: Sequence[str] = (),
) -> go.Figure:
    """Maps over a grey version of the picture: a row for each network, a column for each method, the
    picture at the left.

    All maps of a column share one scale, printed below it. The plus in a cell's corner is a point with customdata [run,
    method]: a page opens the cell that was clicked.

    Args:
        image: (H, W, 3) uint8.
        maps: run -> method -> (H, W); a missing one leaves its cell grey.
        methods: rows of attribution.methods.METHODS, in the order of the columns.
        strength: 0 shows the picture only, 1 the map only.
        probabilities: run -> (num_classes,); adds each network's three most probable classes at the left of its row.
    """
    rows = [run for run in styles if run in maps]
    if not rows or not methods:
        sentence = "Maps stand here once a picture, a network and a method are chosen."
        return empty_figure(sentence, dark, grid_height(1))
    traces = [_pictures(downsample(image), len(rows), len(methods))]
    annotations = [_caption("picture", 0.5, dark)]
    for index, column in enumerate(build_columns(maps, methods, rows, dark), 1):
        left = index * (_CELL + _GAP)
        annotations.append(_caption(column.title, left + 0.5, dark))
        if column.maps:
            column_traces, notes = _column(column, left, len(rows), dark)
            column_traces[0]["opacity"] = strength
            traces += column_traces
            annotations += notes
    traces.append(_open_points(rows, methods, dark))
    if probabilities:
        traces += _class_bars(rows, probabilities, classes, styles, dark)
    annotations += [_row_name(styles[run], row, dark) for row, run in enumerate(rows)]
    bottom = len(rows) * (_CELL + _GAP) - _GAP + _FOOT
    layout = base_layout(
        dark,
        grid_height(len(rows), len(methods)),
        _alt_text(rows, methods, styles),
        margin={"l": 8, "r": 8, "t": 4, "b": 4},
        xaxis={
            "visible": False,
            "domain": [_BARS_WIDTH + 0.01, 1],
            "range": [-0.02, (len(methods) + 1) * (_CELL + _GAP)],
            "constrain": "domain",
            "constraintoward": "left",
            "fixedrange": True,
        },
        xaxis2={"visible": False, "domain": [0, _BARS_WIDTH], "range": [0, 100], "fixedrange": True},
        yaxis={
            "visible": False,
            "range": [bottom, -_HEAD],
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
            "fixedrange": True,
        },
        annotations=annotations,
        showlegend=False,
        clickmode="event+select",
    )
    return go.Figure(data=traces, layout=layout)


def grid_height(n_networks: int, n_methods: int = 3) -> int:
    """Height of the grid in px: cells get smaller when many methods share the width."""
    room = (1 - _BARS_WIDTH) * _WIDTH / ((n_methods + 1) * (_CELL + _GAP))
    cell = min(_CELL_PX, max(_MIN_CELL_PX, room))
    return round(cell * (n_networks * (_CELL + _GAP) + _HEAD + _FOOT))


def attribution_map(
    image: np.ndarray,
    values: np.ndarray,
    method: Method,
    dark: bool,
    strength: float = 0.75,
) -> go.Figure:
    """One map, large, beside its picture, with its scale: up to the 99th percentile of |value|."""
    low, high = share_scale([values], method.signed)
    ticks = [low, 0.0, high] if method.signed else [0.0, high / 2, high]
    traces = [
        {"type": "image", "z": image, "hoverinfo": "skip"},
        {"type": "image", "z": to_grey(image), "xaxis": "x2", "yaxis": "y2", "hoverinfo": "skip"},
        {
            "type": "heatmap",
            "z": np.asarray(values, dtype=np.float32),
            "zmin": low,
            "zmax": high,
            "colorscale": map_colorscale(method.signed, dark),
            "opacity": strength,
            "xaxis": "x2",
            "yaxis": "y2",
            "colorbar": {
                "title": {"text": _scale_title(method), "side": "right", "font": {"size": FONT_SIZE}},
                "tickvals": ticks,
                "ticktext": [format_value(tick) for tick in ticks],
                "tickfont": {"size": SMALL_FONT_SIZE},
                "outlinewidth": 0,
                "thickness": 18,
            },
            "hovertemplate": "column %{x}, row %{y}<br>%{z:.3g}<extra></extra>",
        },
    ]
    square = {"visible": False, "constrain": "domain"}
    layout = base_layout(
        dark,
        _LARGE_HEIGHT,
        f"{method.title} over the picture, from {format_value(low)} to {format_value(high)}.",
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"domain": [0, 0.48], **square},
        yaxis={"scaleanchor": "x", "autorange": "reversed", **square},
        xaxis2={"domain": [0.52, 1], "matches": "x", **square},
        yaxis2={"scaleanchor": "x2", "matches": "y", "anchor": "x2", "autorange": "reversed", **square},
        showlegend=False,
    )
    return go.Figure(data=traces, layout=layout)


def _pictures(image: np.ndarray, n_rows: int, n_methods: int) -> dict:
    """One RGBA picture of all the cells: the image in colour, then a grey copy below each map."""
    side = image.shape[0]
    gap = round(_GAP * side)
    pitch = side + gap
    sheet = np.zeros((n_rows * pitch - gap, (n_methods + 1) * pitch - gap, 4), np.uint8)
    without_colour = to_grey(image)
    for row in range(n_rows):
        for column in range(n_methods + 1):
            cell = sheet[row * pitch : row * pitch + side, column * pitch : column * pitch + side]
            cell[..., :3] = without_colour if column else image
            cell[..., 3] = 255
    size = (_CELL + _GAP) / pitch
    return {
        "type": "image",
        "z": sheet,
        "colormodel": "rgba256",
        "x0": size / 2,
        "y0": size / 2,
        "dx": size,
        "dy": size,
        "hoverinfo": "skip",
    }


def _column(column: MapColumn, left: float, n_rows: int, dark: bool) -> tuple[list[dict], list[dict]]:
    """The maps of one method as one heat map with gaps and the scale below it; and the scale's captions."""
    side = next(iter(column.maps.values())).shape[0]
    gap = round(_GAP * side)
    pitch = side + gap
    z = np.full((n_rows * pitch - gap, side), np.nan, np.float32)
    for row, values in column.maps.items():
        z[row * pitch : row * pitch + side] = values
    size = (_CELL + _GAP) / pitch
    colors = {"colorscale": column.colors, "zmin": column.low, "zmax": column.high, "showscale": False}
    cells = {
        "type": "heatmap",
        "z": z,
        "x0": left + size / 2,
        "y0": size / 2,
        "dx": size,
        "dy": size,
        "hoverongaps": False,
        "hovertemplate": f"{column.title}: %{{z:.3g}}<extra></extra>",
        **colors,
    }
    top = n_rows * (_CELL + _GAP) - _GAP + 0.08
    ramp = {
        "type": "heatmap",
        "z": np.linspace(column.low, column.high, 41, dtype=np.float32)[None],
        "x0": left + 0.5 / 41,
        "dx": 1 / 41,
        "y": [top, top + 0.07],
        "hoverinfo": "skip",
        **colors,
    }
    notes = [_note(text, left + at, top + 0.08, _ANCHORS[at], theme(dark).ink) for at, text in column.ticks.items()]
    notes.append(_note(column.caption, left + 0.5, top + 0.21, "center", theme(dark).muted))
    return [cells, ramp], notes


def _open_points(rows: Sequence[str], methods: Mapping[str, Method], dark: bool) -> dict:
    cells = [(row, run, column, name) for row, run in enumerate(rows) for column, name in enumerate(methods, 1)]
    colors = theme(dark)
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [column * (_CELL + _GAP) + 0.92 for _, _, column, _ in cells],
        "y": [row * (_CELL + _GAP) + 0.08 for row, _, _, _ in cells],
        "customdata": [[run, name] for _, run, _, name in cells],
        "text": ["<b>+</b>"] * len(cells),
        "textfont": {"size": FONT_SIZE, "color": colors.ink},
        "marker": {
            "symbol": "square",
            "size": 22,
            "color": colors.background,
            "line": {"color": colors.ink, "width": 1},
        },
        "selected": {"marker": {"opacity": 1}, "textfont": {"color": colors.ink}},
        "unselected": {"marker": {"opacity": 1}, "textfont": {"color": colors.ink}},
        "hovertemplate": "open large<extra></extra>",
    }


def _class_bars(
    rows: Sequence[str],
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    styles: Mapping[str, RunStyle],
    dark: bool,
) -> list[dict]:
    """Each network's three most probable classes, as bars beside its row."""
    traces: list[dict] = []
    for row, run in enumerate(rows):
        if run not in probabilities:
            continue
        best = top_classes(probabilities[run], classes)
        slots = row * (_CELL + _GAP) + 0.32 + 0.25 * np.arange(len(best))
        traces += [
            {
                "type": "bar",
                "orientation": "h",
                "xaxis": "x2",
                "x": [100 * value for _, value in best],
                "y": slots + 0.1,
                "width": 0.07,
                "marker": styles[run].bar(dark),
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "text",
                "xaxis": "x2",
                "x": np.zeros(len(best)),
                "y": slots,
                "text": [f"{escape_plotly(shorten(name, 14))}  <b>{percent(value)}</b>" for name, value in best],
                "textposition": "middle right",
                "textfont": {"size": SMALL_FONT_SIZE, "color": theme(dark).ink},
                "hoverinfo": "skip",
            },
        ]
    return traces


def _row_name(style: RunStyle, row: int, dark: bool) -> dict:
    note = _note(style.glyph_label(dark, 24), 0, row * (_CELL + _GAP) - 0.02, "left", theme(dark).ink)
    return note | {"xref": "paper", "font": {"size": FONT_SIZE, "color": theme(dark).ink}}


def _caption(text: str, x: float, dark: bool) -> dict:
    note = _note(wrap(text, 14), x, -0.04, "center", theme(dark).ink)
    return note | {"yanchor": "bottom", "font": {"size": FONT_SIZE, "color": theme(dark).ink}}


def _note(text: str, x: float, y: float, anchor: str, color: str) -> dict:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xanchor": anchor,
        "yanchor": "top",
        "showarrow": False,
        "font": {"size": SMALL_FONT_SIZE, "color": color},
        "borderpad": 0,
    }


def _scale_title(method: Method) -> str:
    return f"{method.unit}: against (−), for (+) the class" if method.signed else method.unit


def _alt_text(rows: Sequence[str], methods: Mapping[str, Method], styles: Mapping[str, RunStyle]) -> str:
    networks = ", ".join(styles[run].label for run in rows)
    return f"Attribution maps of {networks} by {', '.join(method.title for method in methods.values())}."
