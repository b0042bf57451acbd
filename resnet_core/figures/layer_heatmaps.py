"""One statistic over depth and training at once: a heat map a network, all on one colour scale. No torch."""

import math
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.layer_statistics import STATISTICS, layer_names, layer_values, stage_spans
from resnet_core.figures.style import (
    FONT_SIZE,
    SMALL_FONT_SIZE,
    RunStyle,
    base_layout,
    diverging_scale,
    empty_figure,
    escape_plotly,
    magnitude_scale,
    theme,
)
from resnet_core.formatting import decade, scientific
from resnet_core.runs.run import LayerHistory

MAX_STEPS = 200  # columns drawn
MAX_LAYERS = 240  # rows drawn: a screen has no more pixels for them
_TITLE = 34  # px above each map
_MAP = 210  # px of each map when there are several
_SINGLE_MAP = 330
_TOP, _BOTTOM = 6, 60
_OUTLIER_DECADES = 1.5
_MIN_DECADES = 2.0  # the scale spans at least this: noise must not look like an effect

# Not in cividis, so that neither is taken for a size.
ZERO_COLOR = "#E24BA0"
NOT_FINITE_COLOR = "#E8412C"


def layer_heatmaps(
    histories: Mapping[str, LayerHistory],
    statistic: str,
    styles: Mapping[str, RunStyle],
    dark: bool,
    step: int | None = None,
) -> go.Figure:
    """The statistic (a key of STATISTICS) of each run: steps to the right, layers from the input (top) to the output.

    All runs share one colour scale: the logarithm in cividis, or a diverging scale with zero in the middle for a signed
    statistic. It covers all values of all runs, except outliers more than 1.5 decades outside of the middle 99 %. Exact
    zeros and values that are not finite have colours of their own. ``step`` draws a line there. The height grows with
    the number of runs.
    """
    stat = STATISTICS[statistic]
    shown = {
        run: histories[run]
        for run in styles
        if run in histories and len(histories[run].steps) and layer_names(histories[run], stat)
    }
    if not shown:
        return empty_figure("Heat maps stand here once a run has recorded its layers.", dark, heatmaps_height(1))
    columns = {run: _evenly_spaced(len(history.steps), MAX_STEPS) for run, history in shown.items()}
    rows = {run: _evenly_spaced(len(layer_names(history, stat)), MAX_LAYERS) for run, history in shown.items()}
    values = {
        run: layer_values(history, stat)[np.ix_(columns[run], rows[run])].T.astype(float)
        for run, history in shown.items()
    }
    limits = _color_limits(list(values.values()), stat.signed)

    traces: list[dict] = []
    layout = base_layout(
        dark,
        heatmaps_height(len(shown)),
        _alt_text(values, styles, stat.title),
        margin={"l": 84, "r": 20, "t": _TOP, "b": _BOTTOM},
        coloraxis=_color_axis(stat.title, stat.signed, limits, dark),
        shapes=[],
        annotations=[],
        legend={
            "x": 1,
            "xanchor": "right",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
        },
    )
    last_step = max(int(history.steps[-1]) for history in shown.values())
    for index, (run, history) in enumerate(shown.items()):
        axis = "" if index == 0 else str(index + 1)
        names = np.array([escape_plotly(name) for name in layer_names(history, stat)])[rows[run]]
        steps = np.asarray(history.steps)[columns[run]]
        traces += _map_traces(values[run], names, steps, styles[run], axis, stat.signed)
        _place(layout, axis, index, len(shown), names, last_step, styles[run].glyph_label(dark, 60), dark)
        if step is not None:
            layout["shapes"] += _step_line(step, axis, dark)
    traces += _odd_value_legend(values, stat.signed)
    return go.Figure(data=traces, layout=layout)


def heatmaps_height(n_runs: int) -> int:
    """Height of the figure in px for so many runs, so that a page can reserve it before the figure is there."""
    each = _SINGLE_MAP if n_runs <= 1 else _MAP
    return _TOP + _BOTTOM + max(n_runs, 1) * (_TITLE + each)


def _map_traces(
    values: np.ndarray, names: np.ndarray, steps: np.ndarray, style: RunStyle, axis: str, signed: bool
) -> list[dict]:
    """The heat map of ``values`` (L, S) and, where there are any, the cells that have no place on its scale."""
    ordinary = np.isfinite(values) & ((values > 0) | signed)
    z = np.full(values.shape, np.nan)
    z[ordinary] = values[ordinary] if signed else np.log10(values[ordinary])
    shown = "%{z:.3g}" if signed else "10<sup>%{z:.1f}</sup>"
    common = {
        "type": "heatmap",
        "x": steps,
        "y": names,
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "hoverongaps": False,
    }
    where = "%{y}<br>step %{x:,d}"
    hover = {"hovertemplate": style.hover_template(f"{where}<br>{shown}")}
    traces = [common | hover | {"z": z.astype(np.float32), "coloraxis": "coloraxis"}]
    for odd, color, words in (
        ((values == 0) & ~ordinary, ZERO_COLOR, "exactly zero"),
        (~np.isfinite(values), NOT_FINITE_COLOR, "not finite (overflow)"),
    ):
        if odd.any():
            columns = _columns_around(odd)
            traces.append(
                common
                | {
                    "x": steps[columns],
                    "z": np.where(odd[:, columns], 1.0, np.nan).astype(np.float32),
                    "colorscale": [[0, color], [1, color]],
                    "showscale": False,
                    "name": words,
                    "hovertemplate": style.hover_template(f"{where}<br>{words}"),
                }
            )
    return traces


def _columns_around(cells: np.ndarray) -> slice:
    """The columns that hold these cells: a second map of all columns would double what is sent.

    One more at each side, because plotly takes a cell's width from its neighbours. All rows stay, because plotly fails
    on a part of the categories.
    """
    found = np.flatnonzero(cells.any(axis=0))
    return slice(max(0, found[0] - 1), found[-1] + 2)


def _odd_value_legend(values: Mapping[str, np.ndarray], signed: bool) -> list[dict]:
    found = (
        (not signed and any((v == 0).any() for v in values.values()), ZERO_COLOR, "exactly zero"),
        (any(not np.isfinite(v).all() for v in values.values()), NOT_FINITE_COLOR, "not finite (overflow)"),
    )
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "marker": {"symbol": "square", "size": 14, "color": color},
            "name": words,
            "showlegend": True,
        }
        for present, color, words in found
        if present
    ]


def _place(
    layout: dict,
    axis: str,
    index: int,
    n_runs: int,
    names: np.ndarray,
    last_step: int,
    title: str,
    dark: bool,
) -> None:
    """Add axes, stage boundaries and title of the map that is number ``index`` from the top to the layout."""
    inner = layout["height"] - _TOP - _BOTTOM
    slot = inner / n_runs
    top = 1 - (index * slot + _TITLE) / inner
    bottom = max(0.0, 1 - (index + 1) * slot / inner)
    spans = stage_spans(tuple(names))
    ticks = [span for span in spans if span[2] - span[1] >= 0.1 * len(names)] or spans
    last = index == n_runs - 1
    layout[f"xaxis{axis}"] = {
        "anchor": f"y{axis}",
        "range": [0, last_step or 1],
        "tickformat": ",d",
        "showticklabels": last,
        "showgrid": False,
        **({"matches": "x"} if axis else {}),
        **({"title": {"text": "Training step (optimiser update)"}} if last else {}),
    }
    layout[f"yaxis{axis}"] = {
        "type": "category",
        "domain": [bottom, top],
        "anchor": f"x{axis}",
        "range": [len(names) - 0.5, -0.5],
        "tickvals": [names[(first + stop) // 2] for _, first, stop in ticks],
        "ticktext": [text for text, _, _ in ticks],
        "ticks": "",
        "showgrid": False,
    }
    layout["shapes"] += [
        {
            "type": "line",
            "xref": f"x{axis} domain",
            "yref": f"y{axis}",
            "x0": 0,
            "x1": 1,
            "y0": first - 0.5,
            "y1": first - 0.5,
            "line": {"color": "#FFFFFF", "width": 1},
            "opacity": 0.7,
        }
        for _, first, _ in spans[1:]
    ]
    layout["annotations"].append(
        {
            "text": title,
            "xref": "paper",
            "yref": "paper",
            "x": 0,
            "y": top,
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": FONT_SIZE, "color": theme(dark).ink},
        }
    )


def _step_line(step: int, axis: str, dark: bool) -> list[dict]:
    """A light line on a dark one, visible on every colour of the map."""
    line = {
        "type": "line",
        "xref": f"x{axis}",
        "yref": f"y{axis} domain",
        "x0": step,
        "x1": step,
        "y0": 0,
        "y1": 1,
    }
    return [line | {"line": {"color": color, "width": width}} for color, width in (("#000", 5), ("#FFF", 2))]


def _color_limits(values: list[np.ndarray], signed: bool) -> tuple[float, float]:
    every = np.concatenate([v.ravel() for v in values])
    every = every[np.isfinite(every)]
    if signed:
        reach = float(np.quantile(np.abs(every), 0.995)) if every.size else 0.0
        return -(reach or 1.0), reach or 1.0
    every = np.log10(every[every > 0])
    if not every.size:
        return -1.0, 1.0
    bulk_low, bulk_high = np.quantile(every, [0.005, 0.995])
    low = float(max(every.min(), bulk_low - _OUTLIER_DECADES))
    high = float(min(every.max(), bulk_high + _OUTLIER_DECADES))
    missing = max(0.0, _MIN_DECADES - (high - low)) / 2
    return low - missing, high + missing


def _color_axis(title: str, signed: bool, limits: tuple[float, float], dark: bool) -> dict:
    low, high = limits
    bar = {
        "title": {"text": title, "side": "right", "font": {"size": FONT_SIZE}},
        "thickness": 18,
        "outlinewidth": 0,
        "len": 1,
        "y": 0.5,
        "tickfont": {"size": SMALL_FONT_SIZE},
    }
    if signed:
        ticks = [low, low / 2, 0, high / 2, high]
        bar |= {"tickvals": ticks, "ticktext": [_signed(tick) for tick in ticks]}
        return {"colorscale": diverging_scale(dark), "cmin": low, "cmax": high, "cmid": 0, "colorbar": bar}
    every = max(1, math.ceil((high - low) / 10))
    exponents = list(range(math.ceil(low), math.floor(high) + 1, every))
    bar |= {"tickvals": exponents, "ticktext": [decade(exponent) for exponent in exponents]}
    return {"colorscale": magnitude_scale(), "cmin": low, "cmax": high, "colorbar": bar}


def _signed(value: float) -> str:
    return "0" if value == 0 else f"{value:+.2g}".replace("-", "−")


def _evenly_spaced(n: int, most: int) -> np.ndarray:
    """At most ``most`` of n indices, evenly spaced, the first and the last among them."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(int)


def _alt_text(values: Mapping[str, np.ndarray], styles: Mapping[str, RunStyle], title: str) -> str:
    parts = []
    for run, v in values.items():
        first, last = v[:, 0], v[:, -1]
        parts.append(
            f"{styles[run].label}, from the layer nearest the input to the one nearest the output: "
            f"{scientific(first[0])} to {scientific(first[-1])} at the first step shown, "
            f"{scientific(last[0])} to {scientific(last[-1])} at the last"
        )
    return f"Heat maps of {title} over layers and training steps. " + "; ".join(parts) + "."
