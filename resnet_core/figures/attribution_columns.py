"""What a grid of attribution maps shows, before it is drawn: each column's scale with its words, each
network's likeliest answers, the picture under the maps. The figure on the page and the picture for slides
are both made of it. No torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.attribution.scaling import share_scale
from resnet_core.figures.style import diverging_scale, magnitude_scale
from resnet_core.formatting import scientific

_MAX_SIDE = 64  # pixels of a cell's map: larger ones are averaged down


@dataclass(frozen=True, eq=False)
class Column:
    """The maps of one method on one scale.

    Attributes:
        maps: row -> float32 (h, w) in the method's unit, clipped to the scale; rows without a map are missing.
        low, high: the scale's ends; both 0 where there is no map at all.
        colors: of the scale, as plotly wants them.
        ticks: where along the scale, 0 to 1 -> the number that is printed there.
        words: what the scale means, to stand below it.
    """

    title: str
    maps: Mapping[int, np.ndarray]
    low: float
    high: float
    colors: list[list]
    ticks: Mapping[float, str]
    words: str


def columns_of(
    maps: Mapping[str, Mapping[str, np.ndarray]], methods: Mapping[str, object], rows: Sequence[str], dark: bool
) -> list[Column]:
    """A column a method. ``maps[run][method]``: (H, W); ``rows``: the runs, from the top."""
    return [
        _column({row: maps[run][name] for row, run in enumerate(rows) if name in maps[run]}, method, dark)
        for name, method in methods.items()
    ]


def _column(maps: Mapping[int, np.ndarray], method: object, dark: bool) -> Column:
    colors = colors_of(method.signed, dark)
    words = "against · for" if method.signed else method.unit
    if not maps:
        return Column(method.title, {}, 0.0, 0.0, colors, {}, words)
    small = {row: shrunk(values) for row, values in maps.items()}
    low, high = share_scale(list(small.values()), method.signed)
    clipped = {row: np.clip(values, low, high).astype(np.float32) for row, values in small.items()}
    ticks = {0.0: value_text(low), 1.0: value_text(high)} | ({0.5: "0"} if method.signed else {})
    return Column(method.title, clipped, low, high, colors, ticks, words)


def colors_of(signed: bool, dark: bool) -> list[list]:
    return diverging_scale(dark) if signed else magnitude_scale()


def value_text(value: float) -> str:
    """A value of a map with two digits."""
    if value == 0:
        return "0"
    text = f"{value:.2g}" if 0.001 <= abs(value) < 1000 else scientific(value)
    return text.replace("-", "−")


def likeliest(probabilities: np.ndarray, classes: Sequence[str]) -> list[tuple[str, float]]:
    """The three likeliest classes with their probabilities, the likeliest first."""
    values = np.asarray(probabilities, dtype=float)
    return [(classes[index], float(values[index])) for index in np.argsort(-values, kind="stable")[:3]]


def grey(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8, without colour: the map's colours must not mix with the picture's (ITU-R BT.601
    luma)."""
    luma = image @ np.array([0.299, 0.587, 0.114])
    return np.repeat(luma.round().astype(np.uint8)[..., None], 3, axis=2)


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """Averaged over whole squares of pixels until a side is at most _MAX_SIDE; the type is kept."""
    by = -(-pixels.shape[0] // _MAX_SIDE)
    if by == 1:
        return np.asarray(pixels)
    height, width = (size // by * by for size in pixels.shape[:2])
    blocks = np.asarray(pixels)[:height, :width].reshape(height // by, by, width // by, by, *pixels.shape[2:])
    return blocks.mean(axis=(1, 3)).astype(pixels.dtype)
