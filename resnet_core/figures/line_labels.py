"""Names at the ends of lines, so that a figure with few lines can be read without its legend. No torch."""

import math
from collections.abc import Mapping, Sequence

from resnet_core.figures.style import SMALL_FONT_SIZE, RunStyle, shorten, text_width, theme

DIRECT_LABELS = 5  # lines up to which each is named at its end
_MARGIN = 24  # px at the right of a plot without labels
_GAP = 22  # px between two labels
_LENGTH = 26  # characters


def label_line_ends(
    ends: Mapping[str, float],
    n_lines: int,
    x: float,
    styles: Mapping[str, RunStyle],
    dark: bool,
    y_range: tuple[float, float],
    log_y: bool,
    plot_height: int,
) -> tuple[list[dict], int]:
    """Labels from :func:`label_traces` where the figure has few lines, and the right margin in px that they need."""
    if n_lines > DIRECT_LABELS:
        return [], _MARGIN
    labels = label_traces(ends, x, styles, dark, y_range, log_y, plot_height)
    return labels, _MARGIN + label_margin(list(ends), styles)


def label_traces(
    ends: Mapping[str, float],
    x: float,
    styles: Mapping[str, RunStyle],
    dark: bool,
    y_range: tuple[float, float],
    log_y: bool,
    plot_height: int,
) -> list[dict]:
    """A label for each line, which ends at height ``ends[run]`` at the right edge ``x``; moved apart where
    ends lie close.

    They are text traces rather than annotations, so that they vanish with their line when the legend isolates another.
    """
    low, high = (math.log10(limit) if log_y else limit for limit in y_range)
    gap = _GAP * (high - low) / plot_height
    heights = [math.log10(end) if log_y else end for end in ends.values()]
    return [
        {
            "type": "scatter",
            "mode": "text",
            "x": [x],
            "y": [10**height if log_y else height],
            "text": [f"  {styles[run].glyph_label(dark, _LENGTH)}"],
            "textposition": "middle right",
            "textfont": {"size": SMALL_FONT_SIZE, "color": theme(dark).ink},
            "cliponaxis": False,
            "legendgroup": run,
            "name": styles[run].legend_name,
            "showlegend": False,
            "hoverinfo": "skip",
        }
        for run, height in zip(ends, spread_apart(heights, gap, low, high), strict=True)
    ]


def label_margin(runs: Sequence[str], styles: Mapping[str, RunStyle]) -> int:
    """Width in px that the labels of these runs need at the right of the plot."""
    return max((text_width("   ● " + shorten(styles[run].label, _LENGTH)) for run in runs), default=0)


def spread_apart(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions until neighbours are about ``gap`` apart, in the same order, and inside [low, high] while
    there is room.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    placed = [positions[i] for i in order]
    for _ in range(60):
        for i in range(len(placed) - 1):
            missing = gap - (placed[i + 1] - placed[i])
            if missing > 0:
                placed[i] -= missing / 2
                placed[i + 1] += missing / 2
        if placed:
            placed[0] = max(placed[0], low)
            placed[-1] = min(placed[-1], high)
    result = [0.0] * len(positions)
    for i, value in zip(order, placed, strict=True):
        result[i] = value
    return result
