"""The two drawings of the Story page: what one addition changes in a block, and how far the gradient gets. No torch.

The first shows no measurement; the second shows nothing else.
"""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.heatmaps import NOT_FINITE_COLOR, ZERO_COLOR
from resnet_core.figures.layers import Profile
from resnet_core.figures.statistics import Statistic
from resnet_core.figures.style import (
    FONT_SIZE,
    RUN_COLORS,
    SMALL_FONT_SIZE,
    RunStyle,
    base_layout,
    empty_figure,
    magnitude_scale,
    theme,
)
from resnet_core.formatting import decade, scientific

BLOCK_HEIGHT = 300
_STRIP, _STRIP_HEAD = 46, 40  # px of a gradient strip and of the line above it
_BELOW = 62  # px below the strips, for the arrow
_LEAST_DECADES = 2.0


def residual_block_drawing(dark: bool, height: int = BLOCK_HEIGHT) -> go.Figure:
    """A plain block and beside it the same block with its skip: x, F(x), the addition (He et al. 2015,
    figure 2)."""
    colors = theme(dark)
    skip = RUN_COLORS[1][dark]
    shapes, notes = [], []
    for left, has_skip in ((0.0, False), (10.6, True)):
        shapes += _block_shapes(left, has_skip, colors, skip)
        notes += _block_notes(left, has_skip, colors, skip)
    layout = base_layout(
        dark,
        height,
        "Left, a plain block: x passes two convolutions and becomes F(x). Right, a residual block: the same "
        "two convolutions, and x itself is added to F(x) by an arc that goes around them.",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis={"visible": False, "range": [-0.3, 20.5], "fixedrange": True},
        yaxis={"visible": False, "range": [-2.0, 3.9], "fixedrange": True},
        shapes=shapes,
        annotations=notes,
    )
    return go.Figure(layout=layout)


def _block_shapes(left: float, has_skip: bool, colors, skip: str) -> list[dict]:
    """The thread, two convolutions, the ReLU, and with a skip the arc and the addition."""
    ink = {"color": colors.ink, "width": 2}
    box = {"type": "rect", "fillcolor": colors.panel, "line": ink, "layer": "between"}
    shapes = [{"type": "line", "x0": left + 0.4, "x1": left + 9.2, "y0": 0, "y1": 0, "line": ink, "layer": "below"}]
    shapes += [box | {"x0": left + at, "x1": left + at + 2.4, "y0": -0.75, "y1": 0.75} for at in (1.2, 3.95)]
    shapes.append(box | {"x0": left + 7.6, "x1": left + 8.8, "y0": -0.55, "y1": 0.55})
    if has_skip:
        start, end = left + 0.9, left + 6.95
        arc = f"M {start},0 C {start},2.75 {end},2.75 {end},0.3"
        shapes.append({"type": "path", "path": arc, "line": {"color": skip, "width": 6}, "layer": "below"})
        pixels = {"xsizemode": "pixel", "ysizemode": "pixel", "xanchor": end, "yanchor": 0}
        ring = {"x0": -15, "x1": 15, "y0": -15, "y1": 15, "line": {"color": skip, "width": 3}}
        shapes.append({"type": "circle", "fillcolor": colors.background} | pixels | ring)
    return shapes


def _block_notes(left: float, has_skip: bool, colors, skip: str) -> list[dict]:
    def note(text: str, x: float, y: float, size: int = FONT_SIZE, color: str = colors.ink, **more) -> dict:
        font = {"size": size, "color": color}
        return {"text": text, "x": left + x, "y": y, "showarrow": False, "font": font} | more

    layer = "conv 3×3<br>batch norm"
    notes = [
        note("<b>Residual block</b>" if has_skip else "<b>Plain block</b>", 0, 3.4, 20, xanchor="left"),
        note("<b>x</b>", 0.1, 0, 22),
        note(f"{layer}<br>ReLU", 2.4, 0, SMALL_FONT_SIZE),
        note(layer, 5.15, 0, SMALL_FONT_SIZE),
        note("ReLU", 8.2, 0, SMALL_FONT_SIZE),
        note("▶", 9.2, 0, 15),
    ]
    if has_skip:
        notes += [
            note("<b>x</b>, unchanged", 3.9, 2.5, FONT_SIZE, skip),
            note("<b>+</b>", 6.95, 0, 22),
            note("F(x): learns only what to add to x", 3.8, -1.3, SMALL_FONT_SIZE, colors.muted),
            note("ReLU(F(x) + x)", 8.4, -1.3, SMALL_FONT_SIZE, colors.muted),
        ]
    else:
        notes += [
            note("F(x): learns the whole answer", 3.8, -1.3, SMALL_FONT_SIZE, colors.muted),
            note("ReLU(F(x))", 8.4, -1.3, SMALL_FONT_SIZE, colors.muted),
        ]
    return notes


def gradient_flow(
    profiles: Mapping[str, Profile], statistic: Statistic, styles: Mapping[str, RunStyle], dark: bool
) -> go.Figure:
    """A strip a network, input at the left, loss at the right, coloured by a measured statistic on one
    logarithmic scale; above each strip its first value, its last and their ratio, of the median over the
    seeds.

    ``profiles``: as for layers.depth_profile; the statistic is not signed. The height grows by network.
    """
    shown = {run: profiles[run] for run in styles if run in profiles and np.size(profiles[run].values)}
    if not shown:
        return empty_figure("The measured gradient of each block stands here.", dark, flow_height(2))
    values = {run: np.median(np.atleast_2d(np.asarray(p.values, float)), axis=0) for run, p in shown.items()}
    low, high = _decades(list(values.values()))
    colors = theme(dark)
    traces, notes = [], []
    for row, (run, strip) in enumerate(values.items()):
        base = -row * (_STRIP + _STRIP_HEAD) - _STRIP_HEAD - _STRIP / 2
        traces += _strip_traces(strip, shown[run].names, styles[run], base, len(np.atleast_2d(shown[run].values)))
        notes += _strip_notes(strip, styles[run], base, dark)
    bottom = -len(shown) * (_STRIP + _STRIP_HEAD)
    notes.append(
        {
            "text": "the gradient travels from the loss back to the input",
            "x": 0.5,
            "y": bottom - 8,
            "yanchor": "top",
            "showarrow": False,
            "font": {"size": SMALL_FONT_SIZE, "color": colors.muted},
        }
    )
    notes += _ends(bottom, colors)
    exponents = list(range(int(np.ceil(low)), int(np.floor(high)) + 1, max(1, int(np.ceil((high - low) / 7)))))
    layout = base_layout(
        dark,
        flow_height(len(shown)),
        _flow_alt(values, styles, statistic),
        margin={"l": 12, "r": 12, "t": 4, "b": 4},
        xaxis={"visible": False, "range": [0, 1], "fixedrange": True},
        yaxis={"visible": False, "range": [bottom - _BELOW, 0], "fixedrange": True},
        annotations=notes,
        shapes=[_arrow_line(bottom, colors.muted)],
        coloraxis={
            "colorscale": magnitude_scale(),
            "cmin": low,
            "cmax": high,
            "colorbar": {
                "title": {"text": statistic.title, "side": "right", "font": {"size": SMALL_FONT_SIZE}},
                "tickvals": exponents,
                "ticktext": [decade(exponent) for exponent in exponents],
                "tickfont": {"size": SMALL_FONT_SIZE},
                "outlinewidth": 0,
                "thickness": 16,
            },
        },
    )
    return go.Figure(data=traces, layout=layout)


def flow_height(n_networks: int) -> int:
    """Height in px for so many networks; never less than the title beside the colour bar needs."""
    return max(300, 8 + _BELOW + n_networks * (_STRIP + _STRIP_HEAD))


def _strip_traces(strip: np.ndarray, names: tuple[str, ...], style: RunStyle, base: float, n: int) -> list[dict]:
    """The strip, and over it the cells that have no logarithm."""
    ordinary = np.isfinite(strip) & (strip > 0)
    z = np.full(strip.shape, np.nan)
    z[ordinary] = np.log10(strip[ordinary])
    size = 1 / len(strip)
    seeds = f"<br>median of {n} seeds" if n > 1 else ""
    common = {
        "type": "heatmap",
        "x0": size / 2,
        "dx": size,
        "y": [base - _STRIP / 2, base + _STRIP / 2],
        "hoverongaps": False,
    }
    labels = [[f"{name}<br>{scientific(value)}{seeds}" for name, value in zip(names, strip, strict=True)]]
    hover = {"text": labels, "hovertemplate": style.hover("%{text}")}
    traces = [common | hover | {"z": z[None].astype(np.float32), "coloraxis": "coloraxis"}]
    for odd, color in ((strip == 0, ZERO_COLOR), (~np.isfinite(strip), NOT_FINITE_COLOR)):
        if odd.any():
            fill = {"colorscale": [[0, color], [1, color]], "showscale": False}
            traces.append(common | hover | fill | {"z": np.where(odd, 1.0, np.nan)[None].astype(np.float32)})
    return traces


def _strip_notes(strip: np.ndarray, style: RunStyle, base: float, dark: bool) -> list[dict]:
    top = base + _STRIP / 2 + 4
    ink = theme(dark).ink
    ends = (
        (f"{style.sign(dark)}   {scientific(strip[0])}", 0.0, "left"),
        (scientific(strip[-1]), 1.0, "right"),
    )
    notes = [
        {"text": text, "x": x, "xanchor": anchor, "font": {"size": FONT_SIZE, "color": ink}} for text, x, anchor in ends
    ]
    if np.isfinite(strip[[0, -1]]).all() and strip[0] > 0 and strip[-1] > 0:
        ratio = f"input ÷ output = <b>{scientific(strip[0] / strip[-1])}</b>"
        notes.append({"text": ratio, "x": 0.5, "xanchor": "center", "font": {"size": FONT_SIZE, "color": ink}})
    return [note | {"y": top, "yanchor": "bottom", "showarrow": False} for note in notes]


def _ends(bottom: float, colors) -> list[dict]:
    common = {
        "y": bottom - 8,
        "yanchor": "top",
        "showarrow": False,
        "font": {"size": FONT_SIZE, "color": colors.ink},
    }
    return [
        common | {"text": "<b>input</b>", "x": 0, "xanchor": "left"},
        common | {"text": "<b>loss</b>", "x": 1, "xanchor": "right"},
    ]


def _arrow_line(bottom: float, color: str) -> dict:
    """An arrow from right to left below the strips."""
    y = bottom - 42
    path = f"M 1,{y} L 0.004,{y} M 0.014,{y + 7} L 0.002,{y} L 0.014,{y - 7}"
    return {"type": "path", "path": path, "line": {"color": color, "width": 3}}


def _decades(values: list[np.ndarray]) -> tuple[float, float]:
    every = np.concatenate(values)
    every = np.log10(every[np.isfinite(every) & (every > 0)])
    if not every.size:
        return -1.0, 1.0
    low, high = float(every.min()), float(every.max())
    missing = max(0.0, _LEAST_DECADES - (high - low)) / 2
    return low - missing, high + missing


def _flow_alt(values: Mapping[str, np.ndarray], styles: Mapping[str, RunStyle], statistic: Statistic) -> str:
    parts = [
        f"{styles[run].label}: {scientific(strip[0])} nearest the input, {scientific(strip[-1])} nearest the loss"
        for run, strip in values.items()
    ]
    return f"{statistic.title} along each network. " + "; ".join(parts) + "."
