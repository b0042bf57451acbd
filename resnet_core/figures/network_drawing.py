"""A network as a drawing: stages as lanes, blocks as tiles coloured by channels, skips as arcs. No torch.

Tiles and the markers on the arcs are points with customdata [first, stop]: the blocks from ``first`` to ``stop`` - 1,
counted from 0 at the input. A page toggles these when one is selected (``on_select``, mode "points").
"""

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.style import (
    RUN_COLORS,
    SMALL_FONT_SIZE,
    base_layout,
    text_width,
    theme,
)
from resnet_core.figures.tiles import Lane, Tile, build_lanes
from resnet_core.networks.spec import NetSpec

_Placed = tuple[Tile, float, float]
"""A tile, its centre along the lane in slots, and the height of the lane's line in px."""

LANE = 168  # px from lane to lane
_BARE_LANE = 116  # px, where no block has a place for a skip
_TOP, _BOTTOM = 44, 14  # margins in px
_BELOW_LINE = 42  # px from the line through a lane's blocks to the lane's lower edge
_TILE = 46  # px, height
_RETURN = 35  # px from the line down to the path that leads to the next lane
_ARC = 66  # px from the line to the top of an arc
_MIN_SLOTS = 7  # width of a lane at least, or the tiles of a small network would be huge
_FILL = 0.72  # of a slot
_WIDTH = 1240  # px that the page gives the drawing: decides whether a tile has room for its number

# From few to many channels.
_CHANNEL_COLORS = {
    False: ("#E3EDF7", "#C3D9EE", "#9FC1E3", "#7BA8D6", "#5A90C9"),
    True: ("#1B2E42", "#234263", "#2C5684", "#366BA5", "#4080C4"),
}


def _arc_style(color: int, dash: str, symbol: str, name: str) -> dict:
    return {"colors": RUN_COLORS[color], "dash": dash, "symbol": symbol, "name": name}


_ARC_STYLES = {
    "identity": _arc_style(1, "solid", "circle", "identity skip"),
    "pad": _arc_style(1, "dash", "circle", "zero-padded identity (option A)"),
    "project": _arc_style(2, "dash", "square", "projection (1×1 conv)"),
    "gate": _arc_style(3, "solid", "diamond", "gated skip"),
}
_MISSING = "no skip (click to add)"


def network_drawing(spec: NetSpec, dark: bool) -> go.Figure:
    """Draw a network. Up to 24 blocks in a lane (depth 110 has 18) are drawn one by one, more are folded."""
    lanes = build_lanes(spec)
    slots = max(_MIN_SLOTS, *(lane.width for lane in lanes)) + 0.6
    lane_px = _lane_height(lanes)
    height = _TOP + _BOTTOM + len(lanes) * lane_px
    placed: list[_Placed] = [
        (tile, x, _line_y(row, lane_px))
        for row, lane in enumerate(lanes)
        for tile, x in zip(lane.tiles, _centres(lane), strict=True)
    ]
    slot_px = (_WIDTH - 24) / slots
    traces = _tiles(placed, dark, slot_px)
    traces += _arcs(placed, spec, dark, slot_px)
    traces.append(_arrows(lanes, lane_px, dark))
    colors = theme(dark)
    layout = base_layout(
        dark,
        height,
        _alt_text(spec),
        margin={"l": 10, "r": 10, "t": _TOP, "b": _BOTTOM},
        xaxis={"visible": False, "range": [-0.15, slots - 0.15], "fixedrange": True},
        yaxis={"visible": False, "range": [-(height - _TOP - _BOTTOM), 0], "fixedrange": True},
        barmode="overlay",
        shapes=_main_path(lanes, lane_px, colors.muted),
        annotations=[
            {
                "text": lane.title,
                "x": 0,
                "xref": "paper",
                "y": -row * lane_px - 4,
                "xanchor": "left",
                "xshift": 15,
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": SMALL_FONT_SIZE, "color": colors.ink},
            }
            for row, lane in enumerate(lanes)
        ],
        legend={"y": 1, "yref": "container", "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        clickmode="event+select",
        dragmode=False,
        hoverdistance=30,
    )
    return go.Figure(data=traces, layout=layout)


def _lane_height(lanes: list[Lane]) -> int:
    return LANE if any(tile.skip for lane in lanes for tile in lane.tiles) else _BARE_LANE


def _line_y(row: int, lane_px: int) -> int:
    """Height of the line through the blocks of a lane in px: 0 is the upper edge of the first lane."""
    return _BELOW_LINE - (row + 1) * lane_px


def _centres(lane: Lane) -> list[float]:
    right = np.cumsum([tile.width for tile in lane.tiles])
    return [float(edge - tile.width / 2) for edge, tile in zip(right, lane.tiles, strict=True)]


def _tiles(placed: list[_Placed], dark: bool, slot_px: float) -> list[dict]:
    """Two bar traces: the blocks, which can be selected, and the rest. Folded blocks have a second,
    shifted card below.
    """
    blocks = [entry for entry in placed if entry[0].first >= 0]
    others = [entry for entry in placed if entry[0].first < 0]
    folded = [(tile, x + 0.07, y + 7) for tile, x, y in blocks if tile.n_blocks > 1]
    colors = theme(dark)
    fills = _channel_colors({tile.channels for tile, _, _ in placed}, dark)
    traces = []
    for entries, selectable in ((folded, False), (blocks, True), (others, False)):
        if not entries:
            continue
        tiles = [tile for tile, _, _ in entries]
        trace = {
            "type": "bar",
            "x": [x for _, x, _ in entries],
            "base": [y - _TILE / 2 for _, _, y in entries],
            "y": [_TILE] * len(entries),
            "width": [max(tile.width - (1 - _FILL), 0.18) for tile in tiles],
            "marker": {
                "color": [fills.get(tile.channels, colors.panel) for tile in tiles],
                "line": {"color": colors.muted, "width": 1},
            },
            "showlegend": False,
            "hoverinfo": "skip",
            **_always_bright(dark),
        }
        if entries is not folded:
            trace |= {
                "text": [tile.text if _fits(tile, slot_px) else "" for tile in tiles],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "constraintext": "none",
                "textfont": {"size": SMALL_FONT_SIZE, "color": colors.ink},
                "hovertext": [_tile_help(tile) for tile in tiles],
                "hoverinfo": "text",
            }
        if selectable:
            trace |= {
                "customdata": [[tile.first, tile.stop] for tile in tiles],
            }
        traces.append(trace)
    return traces


def _channel_colors(found: set[int], dark: bool) -> dict[int, str]:
    """A colour for each number of channels in the network, spread over the whole scale; none for 0."""
    channels, scale = sorted(found - {0}), _CHANNEL_COLORS[dark]
    ranks = np.linspace(0, len(scale) - 1, len(channels)).round().astype(int)
    return {number: scale[rank] for number, rank in zip(channels, ranks, strict=True)}


def _always_bright(dark: bool) -> dict:
    """A selection is only a click here, so the rest must not fade. Plotly wants both states or none."""
    look = {"marker": {"opacity": 1}, "textfont": {"color": theme(dark).ink}}
    return {"selected": look, "unselected": look}


def _fits(tile: Tile, slot_px: float) -> bool:
    return text_width(tile.text) <= (tile.width - (1 - _FILL)) * slot_px


def _arcs(placed: list[_Placed], spec: NetSpec, dark: bool, slot_px: float) -> list[dict]:
    """A line trace and a trace of markers for each kind of skip there is, and for the missing ones."""
    groups: dict[str, list[_Placed]] = {}
    for tile, x, y in placed:
        if tile.skip:
            groups.setdefault(tile.skip if tile.n_skips else "", []).append((tile, x, y))
    traces = [trace for kind in _ARC_STYLES if kind in groups for trace in _present(groups[kind], kind, spec, dark)]
    if "" in groups:
        traces += _absent(groups[""], dark)
    present = [entry for kind in _ARC_STYLES for entry in groups.get(kind, [])]
    return traces + ([_additions(present, dark, slot_px)] if present else [])


def _present(entries: list[_Placed], kind: str, spec: NetSpec, dark: bool) -> list[dict]:
    style = _ARC_STYLES[kind]
    color = style["colors"][dark]
    weak = f", × {spec.skip_strength:g}" if spec.skip_strength != 1 else ""
    dropped = ", with dropout" if spec.merge == "dropout" else ""
    line = {
        "type": "scatter",
        "mode": "lines",
        **_arc_points(entries),
        # A skip that carries less is drawn thinner; at strength 0 it is a hair.
        "line": {"color": color, "width": 1 + 3.5 * spec.skip_strength, "dash": style["dash"]},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return [line, _markers(entries, style, color, color, 13, dark) | {"name": style["name"] + weak + dropped}]


def _absent(entries: list[_Placed], dark: bool) -> list[dict]:
    colors = theme(dark)
    line = {
        "type": "scatter",
        "mode": "lines",
        **_arc_points(entries),
        "line": {"color": colors.muted, "width": 1.5, "dash": "dot"},
        "opacity": 0.6,
        "hoverinfo": "skip",
        "showlegend": False,
    }
    style = {"symbol": "circle", "dash": "dot"}
    return [line, _markers(entries, style, colors.background, colors.muted, 11, dark) | {"name": _MISSING}]


def _markers(entries: list[_Placed], style: dict, fill: str, edge: str, size: int, dark: bool) -> dict:
    """The clickable marker at the top of each arc; the legend shows it with its line."""
    some = [f"{tile.n_skips} of {tile.n_blocks}" if 0 < tile.n_skips < tile.n_blocks else "" for tile, _, _ in entries]
    return {
        "type": "scatter",
        "mode": "lines+markers+text" if any(some) else "lines+markers",
        # Gaps between the points: the line is for the legend only.
        "x": [value for _, x, _ in entries for value in (x, None)],
        "y": [value for _, _, y in entries for value in (y + _ARC, None)],
        "line": {"color": edge, "width": 4 if fill == edge else 1.5, "dash": style["dash"]},
        "marker": {
            "symbol": style["symbol"],
            "size": size,
            "color": fill,
            "line": {"color": edge, "width": 2},
        },
        "text": [value for words in some for value in (words, "")],
        "textposition": "bottom center",
        "textfont": {"size": SMALL_FONT_SIZE},
        "customdata": [value for tile, _, _ in entries for value in ([tile.first, tile.stop], None)],
        "hovertext": [value for tile, _, _ in entries for value in (_tile_help(tile), "")],
        "hoverinfo": "text",
        **_always_bright(dark),
    }


def _additions(entries: list[_Placed], dark: bool, slot_px: float) -> dict:
    """The point after each block where branch and skip meet, no larger than the gap between two tiles."""
    colors = theme(dark)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x + tile.width / 2 for tile, x, _ in entries],
        "y": [y for _, _, y in entries],
        "marker": {
            "symbol": "circle-cross",
            "size": min(13, (1 - _FILL) * slot_px),
            "color": colors.background,
            "line": {"color": colors.ink, "width": 1.5},
        },
        "name": "addition",
        "hoverinfo": "skip",
        **_always_bright(dark),
    }


def _arc_points(entries: list[_Placed]) -> dict:
    """Half ellipses from before each tile to after it, one line broken between them."""
    angle = np.linspace(np.pi, 0, 15)
    xs, ys = [], []
    for tile, x, y in entries:
        xs += [*(x + tile.width / 2 * np.cos(angle)).round(3), None]
        ys += [*(y + _ARC * np.sin(angle) ** 0.8).round(1), None]
    return {"x": xs, "y": ys}


def _main_path(lanes: list[Lane], lane_px: int, color: str) -> list[dict]:
    """The main path: a line through each lane's blocks, and from its end to the start of the next."""
    line = {"color": color, "width": 2}
    shapes = []
    for row, lane in enumerate(lanes):
        y = _line_y(row, lane_px)
        path = f"M 0,{y} L {lane.width:.3f},{y}"
        if row + 1 < len(lanes):
            middle, below = y - _RETURN, y - lane_px
            right = round(lane.width + 0.2, 3)
            path += f" L {right},{y} L {right},{middle} L -0.1,{middle} L -0.1,{below} L 0,{below}"
        shapes.append({"type": "path", "path": path, "line": line, "layer": "below"})
    return shapes


def _arrows(lanes: list[Lane], lane_px: int, dark: bool) -> dict:
    """Arrows that show where the signal goes: back on each return path, out after the last tile."""
    last = len(lanes) - 1
    xs = [lane.width / 2 for lane in lanes[:-1]] + [lanes[-1].width + 0.02]
    ys = [_line_y(row, lane_px) - (_RETURN if row < last else 0) for row in range(len(lanes))]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": xs,
        "y": ys,
        "marker": {
            "symbol": ["triangle-left"] * last + ["triangle-right"],
            "size": 13,
            "color": theme(dark).muted,
        },
        "hoverinfo": "skip",
        "showlegend": False,
        **_always_bright(dark),
    }


def _tile_help(tile: Tile) -> str:
    if tile.first < 0:
        return tile.help
    if tile.n_blocks > 1:
        return f"<b>blocks {tile.first + 1} to {tile.stop}</b><br>{tile.help}<br>{tile.n_skips} with a skip"
    state = f"{_ARC_STYLES[tile.skip]['name']}: click to remove it" if tile.n_skips else "no skip: click to add it"
    return f"<b>block {tile.first + 1}</b><br>{tile.help}<br>{state}"


def _alt_text(spec: NetSpec) -> str:
    mask = spec.skip_mask()
    return f"Drawing of {spec.name}: {len(mask)} blocks, {sum(mask)} of them with a skip connection."
