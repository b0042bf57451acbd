import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw

from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_columns import build_columns
from resnet_core.figures.attribution_png import GridText, fit_text, grid_png, load_font, wrap_lines
from resnet_core.figures.style import LIGHT, style_runs

SIGNED = METHODS["integrated_gradients"]
CLASSES = ["Staffordshire bullterrier, Staffordshire bull terrier", "cat", "Schönheit × 2", "dog"]
KINDS = ("plain", "residual", "highway", "mixed", "plain", "residual")
LONG = "a long line with what was set for a method and where the picture came from " * 3


def drawn(n_networks=1, methods=("integrated_gradients",), side=32, dark=False, strength=0.75, values=None):
    """The picture of a grid, black under the maps; ``values``: every map."""
    named = [(f"r{n}", f"ResNet-20 · skips 11011011 and {n}", kind) for n, kind in enumerate(KINDS[:n_networks])]
    styles = style_runs(named)
    values = np.ones((side, side), np.float32) if values is None else values
    png = grid_png(
        np.zeros((side, side, 3), np.uint8),
        {run: {name: values for name in methods} for run in styles},
        {name: METHODS[name] for name in methods},
        styles,
        dark,
        strength,
        {run: np.array([0.6, 0.3, 0.0991, 0.0009]) for run in styles},
        CLASSES,
        GridText("What speaks for cat", {run: f"asked about: {CLASSES[0]}" for run in styles}, [LONG, "Short."]),
    )
    return Image.open(io.BytesIO(png))


def pixels_of(image, color):
    return (np.asarray(image) == ImageColor.getrgb(color)).all(-1)


@pytest.fixture
def boxes(monkeypatch):
    """Where texts are written: (left, top, right, bottom) of each."""
    found = []
    write = ImageDraw.ImageDraw.text

    def text(self, xy, text, fill, font, anchor):
        found.append((text, self.textbbox(xy, text, font, anchor)))
        write(self, xy, text, fill, font, anchor)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return found


@pytest.mark.parametrize(("n_networks", "methods"), [(1, ["saliency"]), (6, list(METHODS))])
def test_no_text_lies_on_another_or_leaves_the_picture(boxes, n_networks, methods):
    image = drawn(n_networks, methods)
    assert {method for method in methods if METHODS[method].title in {text for text, _ in boxes}} == set(methods)
    for (one, a), (other, b) in combinations(boxes, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)
    for text, (left, top, right, bottom) in boxes:
        assert left >= 0 and top >= 0 and right <= image.width and bottom <= image.height, text


def test_another_network_makes_it_higher_and_another_method_wider():
    one, two = drawn(1), drawn(2, ["saliency", "occlusion"])
    assert two.height > one.height + 400 and two.width > one.width + 400


def test_the_strongest_pixel_has_the_colour_of_the_scales_end_and_sharp_edges():
    values = np.full((32, 32), -0.1, np.float32)
    values[10:12, 20:22] = 5.0  # four of 1024: two would be within the share that is clipped anyway
    values[0, :12] = 5.0
    image = drawn(values=values, strength=1.0)
    found = pixels_of(image, LIGHT.positive)
    rows, columns = np.flatnonzero(found.sum(1) >= 28), np.flatnonzero(found.any(0))
    assert len(rows) == 3 * 14  # a pixel of the map is 14 x 14 of the picture
    assert len(columns) == (12 + 2) * 14 + 1  # and the last column of the scale


def test_the_strength_lets_the_picture_through():
    pale = np.asarray(drawn(strength=0.5))
    expected = np.array(ImageColor.getrgb(LIGHT.positive)) / 2
    assert (np.abs(pale - expected).max(-1) <= 1).sum() >= 448 * 448


def test_the_numbers_of_the_scale_are_those_of_the_figure(boxes):
    values = np.linspace(-3, 2, 1024, dtype=np.float32).reshape(32, 32)
    drawn(values=values)
    (column,) = build_columns({"r": {"m": values}}, {"m": SIGNED}, ["r"], False)
    assert set(column.ticks.values()) < {text for text, _ in boxes}
    assert column.ticks[0.0].startswith("−")


def test_a_large_picture_is_drawn_in_cells_of_the_same_size():
    assert drawn(side=224).size == drawn(side=32).size


def test_dark_is_dark():
    assert drawn(dark=True).getpixel((2, 2)) == (17, 22, 29)


@pytest.mark.parametrize("letter", "äñłЖΩ−×●○◆■")
def test_the_font_has_letters_beyond_english_and_the_signs_of_runs(letter):
    missing = bytes(load_font(40).getmask("\uffff"))
    assert bytes(load_font(40).getmask(letter)) != missing


def test_what_is_too_long_ends_with_an_ellipsis():
    assert fit_text("cat", 500, 32) == "cat"
    assert fit_text(CLASSES[0], 200, 32).endswith("…")
    lines = wrap_lines(LONG, 400, 32, max_lines=2)
    assert len(lines) == 2 and lines[1].endswith("…")
    assert " ".join(wrap_lines(LONG, 400, 32)) == LONG.strip()
