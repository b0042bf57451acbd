"""What a grid of attribution maps shows: each column's maps, scale and caption, each network's most probable classes,
the picture below the maps. The figure on the page and the PNG for slides are both drawn from it. No torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.attribution.methods import Method
from resnet_core.attribution.scaling import share_scale
from resnet_core.figures.style import diverging_scale, magnitude_scale
from resnet_core.formatting import scientific

_MAX_SIDE = 64  # pixels of a cell's map: larger ones are averaged down


@dataclass(frozen=True, eq=False)
class MapColumn:
    """The maps of one method on one scale.

    Attributes:
        maps: row -> float32 (h, w) in the method's unit, clipped to the scale; rows without a map are missing.
        low, high: the scale's ends; both 0 where there is no map at all.
        colors: of the scale, as a plotly colorscale.
        ticks: position along the scale, 0 to 1 -> the number printed there.
        caption: what the scale means, printed below it.
    """

    title: str
    maps: Mapping[int, np.ndarray]
    low: float
    high: float
    colors: list[list]
    ticks: Mapping[float, str]
    caption: str


def build_columns(
    maps: Mapping[str, Mapping[str, np.ndarray]], methods: Mapping[str, Method], rows: Sequence[str], dark: bool
) -> list[MapColumn]:
    """One column for each method. ``maps[run][method]``: (H, W); ``rows``: the runs, from the top."""
    return [
        _column({row: maps[run][name] for row, run in enumerate(rows) if name in maps[run]}, method, dark)
        for name, method in methods.items()
    ]


def _column(maps: Mapping[int, np.ndarray], method: Method, dark: bool) -> MapColumn:
    colors = map_colorscale(method.signed, dark)
    caption = "against · for" if method.signed else method.unit
    if not maps:
        return MapColumn(method.title, {}, 0.0, 0.0, colors, {}, caption)
    small = {row: downsample(values) for row, values in maps.items()}
    low, high = share_scale(list(small.values()), method.signed)
    clipped = {row: np.clip(values, low, high).astype(np.float32) for row, values in small.items()}
    ticks = {0.0: format_value(low), 1.0: format_value(high)} | ({0.5: "0"} if method.signed else {})
    return MapColumn(method.title, clipped, low, high, colors, ticks, caption)


def map_colorscale(signed: bool, dark: bool) -> list[list]:
    """A plotly colorscale: diverging with zero in the middle for signed values, else cividis."""
    return diverging_scale(dark) if signed else magnitude_scale()


def format_value(value: float) -> str:
    """A value of a map, with two digits."""
    if value == 0:
        return "0"
    text = f"{value:.2g}" if 0.001 <= abs(value) < 1000 else scientific(value)
    return text.replace("-", "−")


def top_classes(probabilities: np.ndarray, classes: Sequence[str]) -> list[tuple[str, float]]:
    """The three most probable classes with their probabilities, in order."""
    values = np.asarray(probabilities, dtype=float)
    return [(classes[index], float(values[index])) for index in np.argsort(-values, kind="stable")[:3]]


def to_grey(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 without colour (ITU-R BT.601 luma): the map's colours must not mix with the picture's."""
    luma = image @ np.array([0.299, 0.587, 0.114])
    return np.repeat(luma.round().astype(np.uint8)[..., None], 3, axis=2)


def downsample(pixels: np.ndarray) -> np.ndarray:
    """Average over squares of whole pixels until a side is at most _MAX_SIDE; the dtype is kept."""
    factor = -(-pixels.shape[0] // _MAX_SIDE)
    if factor == 1:
        return np.asarray(pixels)
    height, width = (size // factor * factor for size in pixels.shape[:2])
    blocks = np.asarray(pixels)[:height, :width].reshape(
        height // factor, factor, width // factor, factor, *pixels.shape[2:]
    )
    return blocks.mean(axis=(1, 3)).astype(pixels.dtype)
