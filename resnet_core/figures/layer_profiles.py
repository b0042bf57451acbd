"""One statistic over the depth of networks, at one step: such as the gradient from input to output. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.layer_statistics import (
    STATISTICS,
    Statistic,
    layer_names,
    layer_values,
    nearest_step,
    stage_spans,
)
from resnet_core.figures.line_labels import label_line_ends
from resnet_core.figures.style import (
    HEIGHT,
    SMALL_FONT_SIZE,
    RunStyle,
    base_layout,
    empty_figure,
    escape_plotly,
    theme,
    translucent,
    value_axis,
)
from resnet_core.formatting import scientific
from resnet_core.runs.run import LayerHistory

_TOP, _BOTTOM = 68, 60  # margins in px
_ZERO = ("triangle-down-open", "exactly zero")
_NOT_FINITE = ("x", "not finite (overflow)")
_MIN_SPAN = 100  # a log axis covers at least two decades, so that noise does not look like an effect


@dataclass(frozen=True, eq=False)
class LayerValues:
    """One statistic of a network: ``names`` of its L layers, input first, and ``values`` (L,) or (seeds, L)."""

    names: tuple[str, ...]
    values: np.ndarray


def layer_profile_at_step(
    histories: Mapping[str, LayerHistory],
    step: int | None,
    statistic: str,
    styles: Mapping[str, RunStyle],
    dark: bool,
) -> go.Figure:
    """The statistic (a key of STATISTICS) by layer at the recorded step nearest to ``step`` (None: the last).

    The steps taken are in ``figure.layout.meta["steps"]``, by run.
    """
    stat = STATISTICS[statistic]
    measured = {run: h for run, h in histories.items() if run in styles and len(h.steps)}
    at = {run: nearest_step(history, step) for run, history in measured.items()}
    profiles = {run: LayerValues(layer_names(h, stat), layer_values(h, stat)[at[run]]) for run, h in measured.items()}
    figure = layer_profile(profiles, stat, styles, dark)
    figure.layout.meta |= {"steps": {run: int(measured[run].steps[index]) for run, index in at.items()}}
    return figure


def layer_profile(
    profiles: Mapping[str, LayerValues],
    statistic: Statistic,
    styles: Mapping[str, RunStyle],
    dark: bool,
    relative: bool = False,
) -> go.Figure:
    """A line for each network over its layers, input at the left; several seeds as their median with a band from the
    smallest to the largest. All networks share one axis, logarithmic unless the statistic is signed.

    Exact zeros are open triangles at the lower edge, values that are not finite crosses at the upper edge.

    Args:
        relative: depth as a share of the network's own, so that networks of different depth lie over each other.
    """
    shown = {run: profiles[run] for run in styles if run in profiles and np.size(profiles[run].values)}
    if not shown:
        return empty_figure("The values of each layer stand here once they have been measured.", dark, HEIGHT)
    values = {run: np.atleast_2d(np.asarray(p.values, dtype=float)) for run, p in shown.items()}
    log_y = not statistic.signed
    y_range = _value_range(list(values.values()), log_y)

    traces, ends, last_x = [], {}, 0.0
    for run, profile in shown.items():
        xs = _positions(len(profile.names), statistic, relative)
        traces += _profile_traces(profile.names, values[run], xs, styles[run], run, dark, statistic, y_range)
        middle = _median(values[run])
        last_x = max(last_x, xs[-1])
        if np.isfinite(middle[-1]) and (middle[-1] > 0 or not log_y):
            ends[run] = float(middle[-1])
    traces += _odd_value_legend(traces, dark)
    longest = max(len(profile.names) for profile in shown.values())
    same_end = {r: end for r, end in ends.items() if relative or len(shown[r].names) >= 0.97 * longest}
    plot_height = HEIGHT - _TOP - _BOTTOM
    labels, right = label_line_ends(same_end, len(shown), last_x, styles, dark, y_range, log_y, plot_height)

    y_axis = value_axis(statistic.title, *y_range, log_y)
    if not log_y:
        y_axis |= {"zeroline": True, "zerolinecolor": theme(dark).muted}
    shapes, annotations = ([], []) if relative else _stages(shown, _first_number(statistic), dark)
    layout = base_layout(
        dark,
        HEIGHT,
        _alt_text(values, styles, statistic),
        margin={"l": 84, "r": right, "t": _TOP, "b": _BOTTOM},
        xaxis=_depth_axis(statistic, last_x, relative),
        yaxis=y_axis,
        shapes=shapes,
        annotations=annotations,
        legend={"y": 1, "yref": "container", "yanchor": "top"},
    )
    return go.Figure(data=traces + labels, layout=layout)


def _profile_traces(
    names: tuple[str, ...],
    values: np.ndarray,
    xs: np.ndarray,
    style: RunStyle,
    run: str,
    dark: bool,
    statistic: Statistic,
    y_range: tuple[float, float],
) -> list[dict]:
    middle = _median(values)
    drawable = np.isfinite(middle) & ((middle > 0) | statistic.signed)
    seeds = f"median of {len(values)} seeds: " if len(values) > 1 else ""
    common = {"type": "scatter", "legendgroup": run, "name": style.legend_name}
    traces = []
    if len(values) > 1:
        traces.append(common | _band(values, xs, style, dark, y_range[0]))
    line = common | {
        "mode": "lines+markers",
        "x": xs,
        "y": np.where(drawable, middle, np.nan),
        "customdata": [[escape_plotly(name), scientific(value)] for name, value in zip(names, middle, strict=True)],
        "line": style.line(dark, 2.5),
        "marker": style.marker(dark, 8) | {"maxdisplayed": 30},
        "hovertemplate": style.hover_template(f"%{{customdata[0]}}<br>{seeds}%{{customdata[1]}}"),
    }
    traces.append(line)
    odd_values = (
        ((middle == 0) & ~drawable, y_range[0], _ZERO),
        (~np.isfinite(middle), y_range[1], _NOT_FINITE),
    )
    for odd, y, (symbol, words) in odd_values:
        if odd.any():
            traces.append(
                common
                | {
                    "mode": "markers",
                    "x": xs[odd],
                    "y": np.full(odd.sum(), y),
                    "text": [escape_plotly(name) for name in np.array(names)[odd]],
                    "marker": {"symbol": symbol, "size": 12, "color": style.color_on(dark), "line": {"width": 2}},
                    "cliponaxis": False,
                    "showlegend": False,
                    "hovertemplate": style.hover_template(f"%{{text}}<br>{words}"),
                }
            )
    return traces


def _odd_value_legend(traces: list[dict], dark: bool) -> list[dict]:
    """What the markers at the edges mean, where there are any."""
    used = {trace["marker"]["symbol"] for trace in traces if "marker" in trace}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "marker": {"symbol": symbol, "size": 12, "color": theme(dark).ink, "line": {"width": 2}},
            "name": words,
            # A group of its own: in a horizontal legend all traces without one are stacked.
            "legendgroup": words,
        }
        for symbol, words in (_ZERO, _NOT_FINITE)
        if symbol in used
    ]


def _band(values: np.ndarray, xs: np.ndarray, style: RunStyle, dark: bool, floor: float) -> dict:
    finite = np.where(np.isfinite(values), values, np.nan)
    kept = np.isfinite(finite).all(axis=0)
    low, high = np.maximum(finite[:, kept].min(axis=0), floor), np.maximum(finite[:, kept].max(axis=0), floor)
    return {
        "mode": "lines",
        "x": np.concatenate([xs[kept], xs[kept][::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": translucent(style.color_on(dark), 0.2),
        "line": {"width": 0},
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _median(values: np.ndarray) -> np.ndarray:
    """(L,): over the seeds; NaN where any seed is not finite."""
    return np.median(np.where(np.isfinite(values), values, np.nan), axis=0)


def _positions(n_layers: int, statistic: Statistic, relative: bool) -> np.ndarray:
    if relative:
        return np.linspace(0, 100, n_layers) if n_layers > 1 else np.array([0.0])
    return np.arange(n_layers, dtype=float) + _first_number(statistic)


def _first_number(statistic: Statistic) -> int:
    """Layers with weights count from 1; blocks too, the stem before them is 0."""
    return 1 if statistic.of == "weights" else 0


def _value_range(values: list[np.ndarray], log_y: bool) -> tuple[float, float]:
    every = np.concatenate([v.ravel() for v in values])
    every = every[np.isfinite(every)]
    if not log_y:
        reach = 1.1 * np.abs(every).max(initial=0.0) or 1.0
        return -reach, reach
    every = every[every > 0]
    if not every.size:
        return 0.1, 10.0
    low, high = every.min() / 1.6, every.max() * 1.6
    missing = max(1.0, _MIN_SPAN * low / high) ** 0.5
    return low / missing, high * missing


def _depth_axis(statistic: Statistic, last_x: float, relative: bool) -> dict:
    if relative:
        return {"title": {"text": "Depth (%): input at 0, output at 100"}, "range": [-1, 101]}
    what = "Layer with weights" if statistic.of == "weights" else "Block (0 is the stem)"
    return {
        "title": {"text": f"{what}, from the input to the output"},
        "range": [_first_number(statistic) - 0.5, last_x + 0.5],
        "tickformat": "d",
        **({"dtick": 1} if last_x <= 12 else {"nticks": 12}),
    }


def _stages(profiles: Mapping[str, LayerValues], start: int, dark: bool) -> tuple[list[dict], list[dict]]:
    """Boundaries and names of the stages, where all networks shown have the same ones."""
    layouts = {profile.names for profile in profiles.values()}
    spans = [stage_spans(names) for names in layouts]
    if any(span != spans[0] for span in spans):
        return [], []
    line = {"color": theme(dark).muted, "width": 1, "dash": "dot"}
    shapes = [
        {
            "type": "line",
            "layer": "below",
            "x0": start + first - 0.5,
            "x1": start + first - 0.5,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": line,
        }
        for _, first, _ in spans[0][1:]
    ]
    n_layers = spans[0][-1][2]
    annotations = [
        {
            "text": title,
            "x": start + (first + last - 1) / 2,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": SMALL_FONT_SIZE, "color": theme(dark).muted},
        }
        for title, first, last in spans[0]
        if (last - first) / n_layers > 0.1
    ]
    return shapes, annotations


def _alt_text(values: Mapping[str, np.ndarray], styles: Mapping[str, RunStyle], statistic: Statistic) -> str:
    parts = [
        f"{styles[run].label}: {scientific(_median(v)[0])} nearest the input, "
        f"{scientific(_median(v)[-1])} nearest the output"
        for run, v in values.items()
    ]
    return f"{statistic.title} by depth. " + "; ".join(parts) + "."
