import itertools

import plotly.io as pio
import pytest

from resnet_core.figures import style


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two "#RRGGBB" colours."""

    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_run_colour_can_be_seen_and_told_from_the_others(dark):
    colors = [pair[dark] for pair in style.RUN_COLORS]
    for color in colors:
        assert contrast(color, style.theme(dark).background) >= 3
    distances = [
        sum((int(a[i : i + 2], 16) - int(b[i : i + 2], 16)) ** 2 for i in (1, 3, 5)) ** 0.5
        for a, b in itertools.combinations(colors, 2)
    ]
    assert min(distances) > 50


@pytest.mark.parametrize("dark", [False, True])
def test_words_are_readable_on_both_themes(dark):
    colors = style.theme(dark)
    assert contrast(colors.ink, colors.background) >= 7
    assert contrast(colors.muted, colors.background) >= 4.5


def test_kinds_differ_by_more_than_colour():
    kinds = ("plain", "residual", "highway", "mixed")
    styles = style.style_runs([(kind, kind, kind) for kind in kinds])
    assert [styles[kind].dash for kind in kinds] == ["dash", "solid", "dashdot", "longdash"]
    assert len({(s.symbol, s.filled) for s in styles.values()}) == 4
    assert styles["plain"].marker(dark=False)["color"] == style.LIGHT.background
    assert styles["residual"].marker(dark=False)["color"] == styles["residual"].color


def test_a_run_keeps_its_colour_when_another_leaves_the_table():
    before = style.style_runs([(run, run, "plain") for run in "abc"])
    after = style.style_runs([(run, run, "plain") for run in "bcd"], before)
    assert after["b"].color == before["b"].color
    assert after["c"].color == before["c"].color
    assert after["d"].color == before["a"].color


def test_eight_runs_have_eight_colours_and_more_are_no_error():
    styles = style.style_runs([(str(run), f"run {run}", "plain") for run in range(11)])
    assert len({styles[str(run)].color for run in range(8)}) == 8


def test_equal_names_are_told_apart():
    styles = style.style_runs([("r1", "ResNet-20", "residual"), ("r2", "ResNet-20", "residual")])
    assert styles["r1"].label != styles["r2"].label


def test_the_template_is_ours_whatever_the_default_is():
    before = pio.templates.default
    pio.templates.default = "plotly_dark"
    try:
        figure = style.empty_figure("Nothing here yet.", dark=False, height=300)
    finally:
        pio.templates.default = before
    assert figure.layout.template.layout.paper_bgcolor == style.LIGHT.background


def test_an_empty_figure_has_its_size_and_its_sentence():
    figure = style.empty_figure("Curves stand here once a run has finished its first epoch.", True, 321)
    assert figure.layout.height == 321
    assert "Curves stand here" in figure.layout.annotations[0].text
    assert style.alt_text(figure).startswith("Curves stand here")


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.5, 60, ["0.5", "1", "2", "5", "10", "20", "50"]),
        (0.02, 90, ["0.1", "1", "10"]),
        (1e-9, 1e-3, ["10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³"]),
    ],
)
def test_log_axes_are_labelled_in_units_people_know(low, high, texts):
    assert style.log_ticks(low, high)["ticktext"] == texts


def test_a_log_axis_over_many_decades_is_not_crowded():
    ticks = style.log_ticks(1e-40, 1e3)
    assert 4 <= len(ticks["tickvals"]) <= 10


def test_a_name_is_text_and_never_markup():
    name = '<a href="x">%{y}</a>'
    style_of = style.style_runs([("r", name, "plain")])["r"]
    assert style_of.label == name  # for pictures and screen readers, which know no markup
    for text in (style_of.legend_name, style_of.hover_template(""), style_of.glyph_label(False)):
        assert "<a" not in text and "%{" not in text and "&lt;a" in text
