import itertools

import numpy as np
import pytest

from resnet_core.figures.network_drawing import network_drawing
from resnet_core.figures.style import SMALL_FONT_SIZE, text_width
from resnet_core.networks.spec import NetSpec


def tile_traces(figure):
    return [trace for trace in figure.data if trace.type == "bar"]


def lines(figure):
    return [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]


def signs(figure):
    """name in the legend -> blocks that have such a sign above them."""
    return {
        trace.name: [entry[0] for entry in trace.customdata if entry is not None]
        for trace in figure.data
        if trace.type == "scatter" and trace.customdata is not None
    }


@pytest.mark.parametrize("depth", [20, 56, 110])
def test_every_block_can_be_selected_by_its_tile_and_by_its_sign(depth):
    spec = NetSpec(depth=depth)
    figure = network_drawing(spec, False)
    selectable = next(trace for trace in tile_traces(figure) if trace.customdata is not None)
    assert [list(entry) for entry in selectable.customdata] == [[i, i + 1] for i in range(spec.n_blocks)]
    assert sorted(itertools.chain(*signs(figure).values())) == list(range(spec.n_blocks))
    assert "select" in figure.layout.clickmode


def test_tiles_do_not_overlap_and_their_numbers_fit_at_depth_110():
    figure = network_drawing(NetSpec(depth=110), False)
    low, high = figure.layout.xaxis.range
    px = (1240 - 20) / (high - low)
    spans = [
        (trace.base[i], trace.x[i] - trace.width[i] / 2, trace.x[i] + trace.width[i] / 2, trace.text[i])
        for trace in tile_traces(figure)
        for i in range(len(trace.x))
    ]
    for lane in {span[0] for span in spans}:
        row = sorted(span[1:] for span in spans if span[0] == lane)
        assert all(left[1] < right[0] for left, right in itertools.pairwise(row))
        assert low <= row[0][0] and row[-1][1] <= high
        assert all(text_width(text, SMALL_FONT_SIZE) <= (end - start) * px for start, end, text in row)
        assert all(text for _, _, text in row)


def test_present_and_missing_skips_are_two_different_things():
    figure = network_drawing(NetSpec(depth=20, skips="101111111"), False)
    by_name = signs(figure)
    missing = next(name for name in by_name if name.startswith("no skip"))
    assert by_name[missing] == [1]
    assert by_name["identity skip"] == [0, 2, 4, 5, 7, 8]
    arcs = lines(figure)
    widths = sorted((arc.line.width, arc.line.dash) for arc in arcs)
    assert widths[0] == (1.5, "dot") and widths[-1] == (4.5, "solid")


def test_kinds_of_skips_have_their_own_signs():
    def symbols(spec):
        traces = network_drawing(spec, False).data
        return {t.marker.symbol for t in traces if t.type == "scatter" and t.customdata is not None}

    assert symbols(NetSpec(depth=20, shortcut="B")) == {"circle", "square"}
    assert symbols(NetSpec(depth=20, family="highway", norm="none")) == {"diamond"}


def test_an_arc_rises_above_the_tile_it_goes_around():
    figure = network_drawing(NetSpec(depth=20), False)
    arc = lines(figure)[0]
    ys = np.array([y for y in arc.y[:15]], dtype=float)
    tile = tile_traces(figure)[0]
    assert ys.max() > tile.base[0] + tile.y[0] + 15
    assert (arc.x[0], arc.x[14]) == pytest.approx((tile.x[0] - 0.5, tile.x[0] + 0.5))


def test_a_weaker_skip_is_drawn_thinner_and_says_its_strength():
    strong, weak = (network_drawing(NetSpec(depth=20, skip_strength=s), False) for s in (1.0, 0.5))
    width = [lines(figure)[0].line.width for figure in (strong, weak)]
    assert width[0] > width[1]
    assert any("× 0.5" in name for name in signs(weak))


def test_a_plain_network_shows_where_skips_could_be():
    by_name = signs(network_drawing(NetSpec(family="plain", depth=20), False))
    assert [name.startswith("no skip") for name in by_name] == [True]


def test_very_deep_and_very_old_networks_are_drawn_too():
    deep = network_drawing(NetSpec(depth=1202), True)
    assert len(deep.to_json()) < 60_000
    alexnet = NetSpec(family="alexnet", depth=8, norm="none", layout="imagenet", width=64)
    assert signs(network_drawing(alexnet, True)) == {}
