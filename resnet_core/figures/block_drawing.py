"""The drawing of the Story page: what one addition changes in a block. No torch."""

import plotly.graph_objects as go

from resnet_core.figures.style import FONT_SIZE, RUN_COLORS, SMALL_FONT_SIZE, Theme, base_layout, theme

_HEIGHT = 300


def residual_block_drawing(dark: bool) -> go.Figure:
    """A plain block and beside it the same block with its skip: x, F(x), the addition (He et al. 2015, figure 2)."""
    colors = theme(dark)
    skip = RUN_COLORS[1][dark]
    shapes, notes = [], []
    for left, has_skip in ((0.0, False), (10.6, True)):
        shapes += _block_shapes(left, has_skip, colors, skip)
        notes += _block_notes(left, has_skip, colors, skip)
    layout = base_layout(
        dark,
        _HEIGHT,
        "Left, a plain block: x passes two convolutions and becomes F(x). Right, a residual block: the same "
        "two convolutions, and x itself is added to F(x) by an arc that goes around them.",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis={"visible": False, "range": [-0.3, 20.5], "fixedrange": True},
        yaxis={"visible": False, "range": [-2.0, 3.9], "fixedrange": True},
        shapes=shapes,
        annotations=notes,
    )
    return go.Figure(layout=layout)


def _block_shapes(left: float, has_skip: bool, colors: Theme, skip: str) -> list[dict]:
    """The main path, two convolutions, the ReLU, and with a skip the arc and the addition."""
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


def _block_notes(left: float, has_skip: bool, colors: Theme, skip: str) -> list[dict]:
    def note(text: str, x: float, y: float, size: int = FONT_SIZE, color: str = colors.ink, **more: object) -> dict:
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
