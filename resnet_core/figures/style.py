"""How every figure looks: colours and markers of runs, the two themes, the layout that figures start from. No torch."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import plotly.graph_objects as go

from resnet_core.formatting import decade
from resnet_core.networks.spec import NetSpec

FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, "Segoe UI", "Noto Sans", sans-serif'
FONT_SIZE = 17  # px; nothing in a figure is smaller than 16, for the back row
SMALL_FONT_SIZE = 16
HEIGHT = 520  # px of a figure that has the page's width

# Okabe and Ito, "Color Universal Design" (https://jfly.uni-koeln.de/color/), blue and vermillion first
# because they are the pair that stays apart for everybody; each hue darkened for white and lightened for
# dark pages until a line has a contrast of 3:1 (tested). Yellow is olive on white.
RUN_COLORS = (
    ("#0072B2", "#5AA9EC"),  # blue
    ("#D04F00", "#F4793E"),  # vermillion
    ("#00875F", "#22BF93"),  # bluish green
    ("#B4548F", "#DB8FBB"),  # reddish purple
    ("#B98400", "#EDB233"),  # orange
    ("#3E9BD6", "#9ADBFF"),  # sky blue
    ("#7A6A00", "#F0E442"),  # yellow
    ("#444A52", "#D5DAE1"),  # black
)

# Cividis (Nuñez, Anderton, Renslow 2018, https://doi.org/10.1371/journal.pone.0199239): equal steps look equal, also to
# colour-blind eyes.
CIVIDIS = (
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
    "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
)  # fmt: skip


@dataclass(frozen=True)
class Theme:
    """Colours of the page around the figure; they match .streamlit/config.toml."""

    background: str
    panel: str
    ink: str
    muted: str
    grid: str
    accent: str
    zero: str  # middle of a diverging scale
    negative: str
    positive: str


LIGHT = Theme(
    background="#FFFFFF",
    panel="#F3F5F8",
    ink="#1B2430",
    muted="#566170",
    grid="#E3E8EE",
    accent="#0B5CAD",
    zero="#F7F7F7",
    negative="#1F66B0",
    positive="#C2400F",
)
DARK = Theme(
    background="#11161D",
    panel="#1A222C",
    ink="#E8EDF3",
    muted="#A3AFBD",
    grid="#2A3542",
    accent="#6CB2F2",
    zero="#20262F",
    negative="#5AA9EC",
    positive="#F4793E",
)


def theme(dark: bool) -> Theme:
    """The colours of a dark or a light page."""
    return DARK if dark else LIGHT


@dataclass(frozen=True)
class _LineStyle:
    dash: str
    symbol: str
    filled: bool
    glyph: str
    pattern: str  # of bars, as plotly names it


# Plain and residual differ by more than colour, on screen and in a black-and-white print.
_LINE_STYLES = {
    "plain": _LineStyle("dash", "circle", False, "○", "/"),
    "residual": _LineStyle("solid", "circle", True, "●", ""),
    "highway": _LineStyle("dashdot", "diamond", True, "◆", "x"),
    "mixed": _LineStyle("longdash", "square", True, "■", "-"),
}


@dataclass(frozen=True)
class RunStyle:
    """How one run looks in every figure: colour for the run, dash and marker for its kind of network."""

    color: str  # on a light page
    dark_color: str
    dash: str  # plotly dash of its lines
    symbol: str  # plotly marker symbol
    filled: bool  # False: the marker is hollow
    glyph: str  # the marker as a character, for labels
    pattern: str  # plotly pattern shape of its bars
    label: str
    kind: str  # "plain" | "residual" | "highway" | "mixed"

    def color_on(self, dark: bool) -> str:
        """The run's colour on a dark or a light page."""
        return self.dark_color if dark else self.color

    def line(self, dark: bool, width: float) -> dict:
        return {"color": self.color_on(dark), "dash": self.dash, "width": width}

    def marker(self, dark: bool, size: float = 9) -> dict:
        fill = self.color_on(dark) if self.filled else theme(dark).background
        return {
            "symbol": self.symbol,
            "size": size,
            "color": fill,
            "line": {"color": self.color_on(dark), "width": 2},
        }

    def bar(self, dark: bool) -> dict:
        marker = {"color": self.color_on(dark), "line": {"color": self.color_on(dark), "width": 1.5}}
        if self.pattern:
            marker["pattern"] = {
                "shape": self.pattern,
                "fillmode": "replace",
                "fgcolor": self.color_on(dark),
                "bgcolor": theme(dark).background,
                "size": 7,
                "solidity": 0.35,
            }
        return marker

    @property
    def legend_name(self) -> str:
        """The label as plotly wants it for a trace's name."""
        return escape_plotly(self.label)

    def hover_template(self, text: str) -> str:
        """A plotly hovertemplate: the run's name in bold above the text, in one box."""
        return f"<b>{self.legend_name}</b><br>{text}<extra></extra>"

    def glyph_label(self, dark: bool, length: int = 28) -> str:
        """The label after its glyph, for annotations: the glyph in the run's colour."""
        glyph = f'<span style="color:{self.color_on(dark)};font-size:22px">{self.glyph}</span>'
        return f"{glyph} {escape_plotly(shorten(self.label, length))}"


def style_runs(
    runs: Iterable[tuple[str, str, str]], before: Mapping[str, RunStyle] | None = None
) -> dict[str, RunStyle]:
    """One style for each run, from (id, name, kind) in the order of the table.

    Colours are assigned in Okabe-Ito order. Runs in ``before`` (the styles of the previous view) keep their colour, so
    that taking a run off the table does not change the others. After eight runs colours repeat; names do not, equal
    names get their id appended.
    """
    runs = list(runs)
    names = [name for _, name, _ in runs]
    slots = _color_slots([run_id for run_id, _, _ in runs], before or {})
    styles = {}
    for run_id, name, kind in runs:
        color, dark_color = RUN_COLORS[slots[run_id]]
        look = _LINE_STYLES[kind]
        label = f"{name} ({run_id})" if names.count(name) > 1 else name
        styles[run_id] = RunStyle(
            color, dark_color, look.dash, look.symbol, look.filled, look.glyph, look.pattern, label, kind
        )
    return styles


def style_designs(specs: Iterable[NetSpec]) -> dict[str, RunStyle]:
    """One style per design, by its query text, in this order; a design that is named twice counts once."""
    return style_runs((spec.to_query(), spec.name, spec.kind) for spec in dict.fromkeys(specs))


def _color_slots(run_ids: list[str], before: Mapping[str, RunStyle]) -> dict[str, int]:
    colors = [color for color, _ in RUN_COLORS]
    slots = {run_id: colors.index(before[run_id].color) for run_id in run_ids if run_id in before}
    used = list(slots.values())
    for run_id in run_ids:
        if run_id not in slots:
            slots[run_id] = min(range(len(colors)), key=lambda slot: (used.count(slot), slot))
            used.append(slots[run_id])
    return slots


@cache
def _template(dark: bool) -> go.layout.Template:
    colors = theme(dark)
    axis = {
        "gridcolor": colors.grid,
        "linecolor": colors.muted,
        "zerolinecolor": colors.grid,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "tickcolor": colors.muted,
        "ticklen": 5,
        "tickfont": {"size": SMALL_FONT_SIZE, "color": colors.ink},
        "title": {"font": {"size": FONT_SIZE, "color": colors.ink}, "standoff": 10},
        "automargin": True,
        "exponentformat": "power",
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": FONT_SIZE, "color": colors.ink},
            "paper_bgcolor": colors.background,
            "plot_bgcolor": colors.background,
            "xaxis": axis,
            "yaxis": axis,
            "hovermode": "closest",
            "hoverlabel": {
                "align": "left",
                "bgcolor": colors.panel,
                "bordercolor": colors.muted,
                "font": {"family": FONT, "size": SMALL_FONT_SIZE, "color": colors.ink},
                "namelength": -1,
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "itemwidth": 46,
                # One click shows a run alone, the next brings the others back.
                "itemclick": "toggleothers",
                "itemdoubleclick": "toggle",
                "font": {"size": SMALL_FONT_SIZE},
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.muted, "activecolor": colors.accent},
        }
    )


def base_layout(dark: bool, height: int, alt: str, **more: Any) -> dict[str, Any]:
    """What every figure's layout starts from: template, fixed height, margins, and the alternative text.

    ``uirevision`` is constant so that a live redraw keeps the reader's zoom.
    """
    return {
        "template": _template(dark),
        "height": height,
        "margin": {"l": 70, "r": 24, "t": 16, "b": 56, "pad": 0},
        "uirevision": "keep",
        "meta": {"alt": alt},
    } | more


def alt_text(figure: go.Figure) -> str:
    """What the figure shows, in words, for screen readers."""
    return str(figure.layout.meta["alt"])


def empty_figure(sentence: str, dark: bool, height: int) -> go.Figure:
    """A figure of the size that the full one will have, with a sentence that says what will be here."""
    layout = base_layout(
        dark,
        height,
        sentence,
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[
            {
                "text": wrap(sentence, 60),
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "showarrow": False,
                "font": {"size": FONT_SIZE + 1, "color": theme(dark).muted},
            }
        ],
    )
    return go.Figure(layout=layout)


def colorscale(colors: Iterable[str]) -> list[list]:
    """Evenly spaced colours as a plotly colorscale."""
    colors = list(colors)
    return [[i / (len(colors) - 1), color] for i, color in enumerate(colors)]


def magnitude_scale() -> list[list]:
    """Cividis, for sizes."""
    return colorscale(CIVIDIS)


def diverging_scale(dark: bool) -> list[list]:
    """Blue, the page's neutral, vermillion: for signed values, zero in the middle."""
    colors = theme(dark)
    return colorscale((colors.negative, colors.zero, colors.positive))


def log_ticks(low: float, high: float) -> dict:
    """Labelled ticks of a log axis over [low, high]: 1-2-5 when it spans few decades, else every k-th decade; plain
    numbers if all lie between 0.01 and 50,000, else powers of ten.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = (1, 2, 5) if high / low <= 10**2.2 else (1,)
    every = max(1, math.ceil((last - first) / 9)) if len(digits) == 1 else 1
    ticks = [(digit, exponent) for exponent in range(first, last + 1, every) for digit in digits]
    ticks = [(digit, exponent) for digit, exponent in ticks if 0.999 * low <= digit * 10.0**exponent <= 1.001 * high]
    plain = all(-2 <= exponent <= 4 for _, exponent in ticks)
    return {
        "tickmode": "array",
        "tickvals": [digit * 10.0**exponent for digit, exponent in ticks],
        "ticktext": [_tick_text(digit, exponent, plain) for digit, exponent in ticks],
        "minor": {"dtick": "D1", "showgrid": False, "ticks": "outside", "ticklen": 3},
    }


def value_axis(title: str, low: float, high: float, log: bool) -> dict:
    """An axis that covers exactly [low, high], logarithmic or not."""
    axis = {"title": {"text": title}}
    if log:
        return axis | {"type": "log", "range": [math.log10(low), math.log10(high)], **log_ticks(low, high)}
    return axis | {"range": [low, high]}


def _tick_text(digit: int, exponent: int, plain: bool) -> str:
    if plain or exponent == 0:
        return f"{digit * 10.0**exponent:,.{max(-exponent, 0)}f}"
    return decade(exponent) if digit == 1 else f"{digit} × {decade(exponent)}"


def translucent(color: str, alpha: float) -> str:
    """A "#RRGGBB" colour as an rgba one."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def escape_plotly(text: str) -> str:
    """Text from outside, such as a run's name, so that a figure shows it as it is: plotly takes ``<b>`` and ``<a>`` for
    tags, ``&lt;`` for a sign, and ``%{x}`` in the text of a hover for a value.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%&#123;")


def shorten(text: str, length: int) -> str:
    """Cut text to at most ``length`` characters, with an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def wrap(text: str, width: int) -> str:
    """Break a sentence into lines of at most ``width`` characters, with plotly's ``<br>``."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def text_width(text: str, size: int = SMALL_FONT_SIZE) -> int:
    """Estimated width in px, for margins that cut no label."""
    return math.ceil(0.56 * size * len(text))
