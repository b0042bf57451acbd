"""The lengths of the paths through a network: each skip doubles their number (Veit et al. 2016). No torch."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from resnet_core.figures.style import RunStyle, base_layout, empty_figure
from resnet_core.formatting import scientific

HEIGHT = 400


def path_length_bars(lengths: Mapping[str, Mapping[int, int]], styles: Mapping[str, RunStyle], dark: bool) -> go.Figure:
    """Share of a network's paths by length, a set of bars for each network.

    ``lengths``: id -> {blocks passed through their branch: number of such paths}, as networks.costs counts them.
    """
    shown = {key: dict(sorted(lengths[key].items())) for key in styles if lengths.get(key)}
    if not shown:
        return empty_figure("The paths of a network with blocks are counted here.", dark, HEIGHT)
    traces, names = [], []
    for key, counts in shown.items():
        total = sum(counts.values())
        style = styles[key]
        length = f"{_paths(total)}, on average {_mean(counts):.3g} blocks long"
        names.append(f"{style.label}: {length}")
        traces.append(
            {
                "type": "bar",
                "x": list(counts),
                # Divided as Python integers: the counts are larger than any machine integer.
                "y": [round(100 * (count / total), 4) for count in counts.values()],
                "customdata": [scientific(float(count)) for count in counts.values()],
                "marker": style.bar(dark),
                "opacity": 1 if len(shown) == 1 else 0.7,
                "name": f"{style.legend_name}: {length}",
                "showlegend": True,
                "hovertemplate": style.hover_template("%{customdata} paths through %{x} blocks<br>%{y:.2g} % of all"),
            }
        )
    longest = max(max(counts) for counts in shown.values())
    layout = base_layout(
        dark,
        HEIGHT,
        "Share of paths by length. " + "; ".join(names) + ".",
        margin={"l": 76, "r": 20, "t": 36 + 22 * len(shown), "b": 60},
        xaxis={
            "title": {"text": "Path length (blocks passed through their branch, not their skip)"},
            "range": [-0.6, longest + 0.6],
            **({"dtick": 1} if longest <= 20 else {"nticks": 12}),
        },
        yaxis={"title": {"text": "Share of all paths (%)"}, "rangemode": "tozero"},
        legend={"orientation": "v", "y": 1, "yref": "container", "yanchor": "top"},
        barmode="overlay",
        bargap=0.15,
    )
    return go.Figure(data=traces, layout=layout)


def _paths(total: int) -> str:
    if total == 1:
        return "1 path"
    return f"{total:,} paths" if total < 100_000 else f"{scientific(float(total))} paths"


def _mean(counts: Mapping[int, int]) -> float:
    total = sum(counts.values())
    return float(np.sum([length * (count / total) for length, count in counts.items()]))
