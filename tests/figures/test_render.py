"""The figures in a real Chromium, with plotly's own script: nothing fails there, no word is cut, a click selects."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import plotly
import pytest

from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_maps import attribution_grid, attribution_map
from resnet_core.figures.block_drawing import residual_block_drawing
from resnet_core.figures.curves import error_curves, seed_curves, small_live_curve
from resnet_core.figures.layer_heatmaps import layer_heatmaps
from resnet_core.figures.layer_profiles import LayerValues, layer_profile, layer_profile_at_step
from resnet_core.figures.layer_statistics import STATISTICS
from resnet_core.figures.network_drawing import network_drawing
from resnet_core.figures.path_lengths import path_length_bars
from resnet_core.figures.predictions import prediction_bars
from resnet_core.figures.style import empty_figure, style_runs
from resnet_core.networks.spec import NetSpec

pytestmark = pytest.mark.browser
SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
CUT_WORDS = """() => {
    const frame = document.getElementById("figure").getBoundingClientRect();
    return [...document.querySelectorAll("#figure text")]
        .map((text) => [text.textContent, text.getBoundingClientRect()])
        .filter(([words, box]) => words.trim() && box.width > 0)
        .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
                          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        .map(([words]) => words);
}"""
SHOW = """async ({figure, width}) => {
    const box = document.getElementById("figure");
    box.style.width = width + "px";
    await Plotly.newPlot(box, figure.data, figure.layout, {displayModeBar: false, responsive: true});
    window.selected = [];
    box.on("plotly_selected", (event) => {
        if (event) window.selected.push(...event.points.map((point) => point.customdata));
    });
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 1920, "height": 1200})
    page.set_content('<body style="margin:0"><div id="figure"></div></body>')
    page.add_script_tag(path=str(SCRIPT))
    yield page
    page.close()


@pytest.fixture
def show(page):
    """Draws a figure at a width and returns the page; any error in its script fails the test."""
    failures = []

    def note(error):
        failures.append(str(error))

    page.on("pageerror", note)

    def draw(figure, width):
        page.evaluate(SHOW, {"figure": json.loads(figure.to_json()), "width": width})
        return page

    yield draw
    page.remove_listener("pageerror", note)
    assert failures == []


def broken(history):
    """A history in which a layer dies in the middle and everything overflows at the end."""
    toy = history(9, 30)
    toy.weight_stats[10:15, 20] = 0
    toy.weight_stats[-2:] = np.nan
    return toy


@pytest.fixture
def figures(epochs, history, styles, twins):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    methods = {name: METHODS[name] for name in ("saliency", "integrated_gradients", "grad_cam")}
    maps = {run: {name: rng.normal(size=(32, 32)) for name in methods} for run in styles}
    answers = {run: np.array([0.96, 0.03, 0.01]) for run in styles}
    classes = ["a class with a long name", "cat", "dog"]
    named = [(f"r{n}", f"ResNet-20 · skips 11011011{n}", "mixed") for n in range(9)]
    crowd = [epochs[epochs["run"] == "a"].assign(run=run) for run, _, _ in named]
    steps = pd.DataFrame({"run": "a", "step": range(1, 50), "loss": 1.0, "error": 0.5})
    profile = LayerValues(history().block_names, rng.lognormal(0, 9, (3, 10)))
    histories = {"a": broken(history), "b": history(9, 30, 1e-6)}
    return {
        "curves": error_curves(epochs, styles, False),
        "log curves": error_curves(epochs, styles, True, y="loss", x="step", log_y=True),
        "many runs": error_curves(pd.concat(crowd), style_runs(named), True),
        "seeds": seed_curves(epochs, {"a": ["a", "b"]}, twins, False),
        "live": small_live_curve(steps, styles, False, total_steps=64_000),
        "profile": layer_profile_at_step(histories, 1_200, "weight_grad_rms", twins, False),
        "many decades": layer_profile({"a": profile}, STATISTICS["block_grad_rms"], twins, True),
        "heat maps": layer_heatmaps(histories, "weight_grad_rms", twins, False, step=800),
        "signed heat map": layer_heatmaps(histories, "block_mean", {"a": twins["a"]}, True),
        "predictions": prediction_bars(answers, classes, styles, False, true_class=0),
        "grid": attribution_grid(picture, maps, methods, styles, False, 0.7, answers, classes),
        "one map": attribution_map(picture, maps["a"]["grad_cam"], methods["grad_cam"], True),
        "drawing": network_drawing(NetSpec(depth=110, skips="110" * 18), False),
        "folded drawing": network_drawing(NetSpec(depth=1202, skips="10" * 300), True),
        "block": residual_block_drawing(True),
        "paths": path_length_bars({"a": {54: 1}, "b": {27: 10**16, 28: 10**15}}, twins, False),
        "empty": empty_figure("Curves stand here once a run has finished its first epoch.", False, 300),
    }


@pytest.mark.parametrize("width", [820, 1280, 1880])
def test_no_word_is_cut(figures, show, width):
    cut = {name: show(figure, width).evaluate(CUT_WORDS) for name, figure in figures.items()}
    assert {name: words for name, words in cut.items() if words} == {}


def test_names_are_drawn_as_they_are(epochs, history, show):
    name = '<a href="http://x.de">&lt;b&gt; <b>bold</b> %{x}</a>'
    styles = style_runs([("a", name, "plain"), ("b", name, "residual")])
    answers = {run: np.array([0.7, 0.3]) for run in styles}
    classes = ["<a href='x'>cat", "<a href='x'>dog"]
    for figure in (
        error_curves(epochs, styles, False),
        layer_profile_at_step({"a": history()}, 0, "weight_grad_rms", styles, False),
        layer_heatmaps({"a": history()}, "weight_grad_rms", styles, False),
        prediction_bars(answers, classes, styles, False, true_class=0),
        path_length_bars({"a": {2: 1}}, styles, False),
    ):
        page = show(figure, 1280)
        assert page.locator("#figure svg a").count() == 0
        assert '<a href="http://x.de">' in "".join(page.locator("#figure text").all_text_contents())


def click(page, selector, index):
    """Plotly listens on a layer above what it draws: move there as a hand does, then press."""
    box = page.locator(selector).nth(index).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 4, y)
    page.mouse.move(x, y)
    # Plotly looks for what lies under the pointer at most every 50 ms.
    page.wait_for_timeout(150)
    page.mouse.click(x, y)


def test_a_click_on_a_tile_or_a_sign_names_its_blocks(show):
    page = show(network_drawing(NetSpec(depth=20), False), 1280)
    click(page, "#figure .bars .point", 4)
    page.wait_for_function("window.selected.length == 1")
    click(page, "#figure .scatterlayer .points path", 2)
    page.wait_for_function("window.selected.length == 2")
    assert page.evaluate("window.selected") == [[4, 5], [2, 3]]


def test_a_click_on_the_plus_of_a_cell_names_run_and_method(figures, show):
    page = show(figures["grid"], 1280)
    click(page, "#figure .scatterlayer .points path", 4)
    page.wait_for_function("window.selected.length == 1")
    assert page.evaluate("window.selected") == [["b", "integrated_gradients"]]
