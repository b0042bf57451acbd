"""Error and loss over training: per run, per group of seeds, and small ones for running jobs. No torch.

Data frames are those of RunStore.epochs() and RunStore.steps(). Errors there are fractions; they are drawn in per cent.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

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
from resnet_core.formatting import percent, scientific

LIVE_HEIGHT = 190
MAX_POINTS = 400  # per line: above about 1,000 SVG gets slow, and a screen shows no more
_TOP, _BOTTOM = 56, 60  # margins in px
_NEAR_THE_END = 0.97  # of the axis: lines ending there are named at their end

_Y_TITLES = {"error": "Error (%)", "loss": "Loss (cross-entropy, nats)"}
_X_TITLES = {"epoch": "Epoch", "step": "Training step"}


@dataclass(frozen=True)
class PaperMark:
    """A number from a paper, drawn at the right edge: ``value`` in the core's unit (error as a fraction)."""

    value: float
    label: str  # "He et al. 2015, ResNet-56: 6.97 % after 64k iterations"
    run: str | None = None  # the run or group it belongs to, for its colour


def error_curves(
    epochs: pd.DataFrame,
    styles: Mapping[str, RunStyle],
    dark: bool,
    y: str = "error",
    x: str = "epoch",
    log_y: bool = False,
    marks: Sequence[PaperMark] = (),
) -> go.Figure:
    """Training (thin) and test (thick) ``y`` ("error" | "loss") over ``x`` ("epoch" | "step"), two lines for each run.

    ``epochs`` has the columns run, epoch, step, train_loss, train_error, test_loss, test_error. Runs are drawn in the
    order of ``styles``; those without rows are left out.
    """
    frame = epochs.assign(n=1)
    for side in ("train", "test"):
        frame[side] = frame[f"{side}_{y}"]
    return _curves(frame, styles, dark, y, x, log_y, marks)


def seed_curves(
    epochs: pd.DataFrame,
    groups: Mapping[str, Iterable[str]],
    styles: Mapping[str, RunStyle],
    dark: bool,
    x: str = "epoch",
    marks: Sequence[PaperMark] = (),
) -> go.Figure:
    """The error as in :func:`error_curves`, for groups of runs that differ in their seed: the mean over a
    group's runs, and for the test error a band of one standard deviation (n - 1 in the denominator). ``styles``
    is keyed by group.
    """
    return _curves(group_seeds(epochs, groups), styles, dark, "error", x, log_y=False, marks=marks)


def group_seeds(epochs: pd.DataFrame, groups: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Mean and spread of the error over the runs of each group, at the epochs that all of its runs have reached.

    Columns: run (the group), epoch, step, n, train, test, test_low, test_high. With one run, low and high
    equal the mean.
    """
    parts = []
    for group, run_ids in groups.items():
        rows = epochs[epochs["run"].isin(list(run_ids))]
        n = rows["run"].nunique()
        by_epoch = rows.groupby("epoch")
        part = by_epoch.agg(
            step=("step", "max"),
            n=("run", "nunique"),
            train=("train_error", "mean"),
            test=("test_error", "mean"),
        )
        spread = by_epoch["test_error"].std().fillna(0.0)
        part = part.assign(run=group, test_low=part["test"] - spread, test_high=part["test"] + spread)
        parts.append(part[part["n"] == n].reset_index())
    columns = ["run", "epoch", "step", "n", "train", "test", "test_low", "test_high"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def small_live_curve(
    steps: pd.DataFrame,
    styles: Mapping[str, RunStyle],
    dark: bool,
    total_steps: int | None = None,
) -> go.Figure:
    """Training error over steps for a job card: columns run, step, error. With ``total_steps`` the axis spans the whole
    training, so that the line's length shows the progress.
    """
    shown = [run for run in styles if (steps["run"] == run).any()]
    if not shown:
        return empty_figure("The first point comes with the first steps.", dark, LIVE_HEIGHT)
    traces, top = [], 0.0
    for run in shown:
        rows = _thin_out(steps[steps["run"] == run])
        values = _finite(100 * rows["error"].to_numpy(float))
        top = max(top, _top(values))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": rows["step"].to_numpy(),
                "y": values,
                "name": styles[run].legend_name,
                "line": styles[run].line(dark, 2.5),
                "showlegend": False,
                "hovertemplate": styles[run].hover_template("training error %{y:.1f} %<br>step %{x:,d}"),
            }
        )
    last_step = max(total_steps or 0, int(steps["step"].max()), 1)
    layout = base_layout(
        dark,
        LIVE_HEIGHT,
        f"Training error over steps for {', '.join(styles[run].label for run in shown)}.",
        margin={"l": 56, "r": 14, "t": 8, "b": 44},
        xaxis={
            "range": [0, last_step],
            "nticks": 4,
            "tickformat": ",d",
            "title": {"text": "Step", "standoff": 4},
        },
        yaxis={
            "range": [0, 1.08 * top],
            "nticks": 4,
            "title": {"text": "Error (%)", "standoff": 4},
        },
    )
    return go.Figure(data=traces, layout=layout)


def _curves(
    frame: pd.DataFrame,
    styles: Mapping[str, RunStyle],
    dark: bool,
    y: str,
    x: str,
    log_y: bool,
    marks: Sequence[PaperMark],
) -> go.Figure:
    shown = [run for run in styles if (frame["run"] == run).any()]
    if not shown:
        return empty_figure("Curves stand here once a run has finished its first epoch.", dark, HEIGHT)
    unit = 100 if y == "error" else 1
    lines = {run: _thin_out(frame[frame["run"] == run].sort_values("epoch")) for run in shown}
    low, high = _value_range(lines.values(), marks, unit, log_y)
    last_x = max(float(rows[x].max()) for rows in lines.values())

    traces = [trace for run, rows in lines.items() for trace in _run_traces(rows, styles[run], run, dark, y, x, log_y)]
    traces += _paper_traces(marks, styles, dark, last_x, unit)
    ends = _line_ends(lines, x, last_x, unit, log_y)
    plot_height = HEIGHT - _TOP - _BOTTOM
    labels, right = label_line_ends(ends, len(shown), last_x, styles, dark, (low, high), log_y, plot_height)
    layout = base_layout(
        dark,
        HEIGHT,
        _alt_text(lines, styles, y),
        margin={"l": 78, "r": right, "t": _TOP, "b": _BOTTOM},
        xaxis={
            "title": {"text": _X_TITLES[x]},
            "range": [0, last_x or 1],
            "tickformat": ",d",
            "dtick": max(1, math.ceil((last_x or 1) / 10)) if x == "epoch" else None,  # no half epochs
        },
        yaxis=value_axis(_Y_TITLES[y], low, high, log_y),
        annotations=[_key(dark)],
    )
    return go.Figure(data=traces + labels, layout=layout)


def _key(dark: bool) -> dict:
    """What thick and thin mean, right of the axis title. Not as the legend's title: with one, plotly lets a long
    legend run out of the figure.
    """
    return {
        "text": "<b>thick</b> test · thin training",
        "x": 1,
        "y": 0,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "right",
        "yanchor": "top",
        "yshift": -34,
        "showarrow": False,
        "font": {"size": SMALL_FONT_SIZE, "color": theme(dark).muted},
    }


def _run_traces(rows: pd.DataFrame, style: RunStyle, run: str, dark: bool, y: str, x: str, log_y: bool) -> list[dict]:
    unit = 100 if y == "error" else 1
    xs = rows[x].to_numpy()
    where = np.stack([rows["epoch"], rows["step"]], axis=1)
    common = {"type": "scatter", "x": xs, "customdata": where, "legendgroup": run, "name": style.legend_name}
    n = int(rows["n"].iloc[0])
    mean = f"mean of {n} seeds, " if n > 1 else ""
    hover = f"{y} {_value_format(y)}<br>epoch %{{customdata[0]}} · step %{{customdata[1]:,d}}"
    traces = []
    if n > 1:
        traces.append(_band(rows, style, run, dark, xs, unit, log_y))
    for side, words, width in (("train", "training", 1.5), ("test", "test", 3.5)):
        trace = common | {
            "y": _drawable(unit * rows[side].to_numpy(float), log_y),
            "mode": "lines",
            "line": style.line(dark, width),
            "showlegend": side == "test",
            "hovertemplate": style.hover_template(f"{mean}{words} {hover}"),
        }
        if side == "test":
            trace |= {"mode": "lines+markers", "marker": style.marker(dark) | {"maxdisplayed": 12}}
        traces.append(trace)
    return traces


def _band(rows: pd.DataFrame, style: RunStyle, run: str, dark: bool, xs: np.ndarray, unit: int, log_y: bool) -> dict:
    floor = unit * rows["test"].to_numpy(float).min() / 10 if log_y else 0
    low = np.maximum(unit * rows["test_low"].to_numpy(float), floor)
    high = unit * rows["test_high"].to_numpy(float)
    return {
        "type": "scatter",
        "x": np.concatenate([xs, xs[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": translucent(style.color_on(dark), 0.18),
        "mode": "lines",
        "line": {"width": 0},
        "legendgroup": run,
        "name": f"{style.legend_name}, ± 1 standard deviation",
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _paper_traces(
    marks: Sequence[PaperMark], styles: Mapping[str, RunStyle], dark: bool, last_x: float, unit: int
) -> list[dict]:
    if not marks:
        return []
    ink = theme(dark).ink
    star = {"symbol": "star", "size": 15, "line": {"color": ink, "width": 1.5}}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [last_x] * len(marks),
            "y": [unit * mark.value for mark in marks],
            "text": [escape_plotly(mark.label) for mark in marks],
            "marker": star | {"color": [_mark_color(mark, styles, dark) for mark in marks]},
            "cliponaxis": False,
            "legendgroup": "paper",
            "showlegend": False,
            "name": "stated in the paper",
            "hovertemplate": "%{text}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "marker": star | {"color": theme(dark).background},
            "legendgroup": "paper",
            "name": "stated in the paper",
        },
    ]


def _mark_color(mark: PaperMark, styles: Mapping[str, RunStyle], dark: bool) -> str:
    style = styles.get(mark.run) if mark.run else None
    return style.color_on(dark) if style else theme(dark).ink


def _line_ends(lines: Mapping[str, pd.DataFrame], x: str, last_x: float, unit: int, log_y: bool) -> dict[str, float]:
    """Where the test lines end, by run. A line that ends early is left out: its name would lie on the others."""
    ends = {}
    for run, rows in lines.items():
        values = _drawable(unit * rows["test"].to_numpy(float), log_y)
        drawn = np.flatnonzero(np.isfinite(values) & (rows[x].to_numpy() >= _NEAR_THE_END * last_x))
        if drawn.size:
            ends[run] = float(values[drawn[-1]])
    return ends


def _value_range(
    lines: Iterable[pd.DataFrame], marks: Sequence[PaperMark], unit: int, log_y: bool
) -> tuple[float, float]:
    """One range for all runs. Linear axes start at zero."""
    values = unit * np.concatenate([rows[["train", "test"]].to_numpy(float).ravel() for rows in lines])
    values = np.concatenate([values[np.isfinite(values)], [unit * mark.value for mark in marks]])
    if not log_y:
        return 0.0, 1.06 * _top(values)
    values = values[values > 0]
    if not values.size:
        return 0.1, 1.0
    return values.min() / 1.25, values.max() * 1.25


def _top(values: np.ndarray) -> float:
    """Upper end of a linear axis: the largest value, unless it is a spike ten times as high as nine tenths of the
    values, which would flatten all the rest; it may leave the figure.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return 1.0
    top, usual = float(values.max()), float(np.quantile(values, 0.9))
    return (2 * usual if usual > 0 and top > 10 * usual else top) or 1.0


def _drawable(values: np.ndarray, log_y: bool) -> np.ndarray:
    """Replace values that are not finite, and on a log axis zeros, with gaps."""
    values = _finite(values)
    if log_y:
        values[values <= 0] = np.nan
    return values


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan).round(4)


def _thin_out(rows: pd.DataFrame) -> pd.DataFrame:
    """At most MAX_POINTS rows, evenly spaced, the first and the last among them."""
    if len(rows) <= MAX_POINTS:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, MAX_POINTS).round().astype(int)]


def _value_format(y: str) -> str:
    return "%{y:.1f} %" if y == "error" else "%{y:.3f}"


def _alt_text(lines: Mapping[str, pd.DataFrame], styles: Mapping[str, RunStyle], y: str) -> str:
    ends = []
    for run, rows in lines.items():
        train, test = rows["train"].iloc[-1], rows["test"].iloc[-1]
        show = percent if y == "error" else scientific
        ends.append(f"{styles[run].label} ends at {show(train)} training, {show(test)} test {y}")
    return f"Training and test {y} over training. " + "; ".join(ends) + "."
