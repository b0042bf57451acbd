"""The grid of attribution maps as one PNG with captions, for slides and reports: drawn with Pillow, at twice the size
on screen, from the same columns as the figure on the page. No torch.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from resnet_core.attribution.methods import Method
from resnet_core.figures.attribution_columns import MapColumn, build_columns, downsample, to_grey, top_classes
from resnet_core.figures.style import RunStyle, Theme, theme
from resnet_core.formatting import percent

_CELL = 448  # px: a whole multiple of 32, 56 and 224, the sides of the pictures and maps there are
_GAP = 32
_MARGIN = 56
_CLASSES = 460  # px, width of a network's name and most probable classes
_TITLE_SIZE, _NAME_SIZE, _TEXT_SIZE, _NOTE_SIZE = 48, 36, 32, 28  # px
_LEADING = 1.3  # from line to line, in sizes
_BAR, _SCALE = 14, 26  # heights of a probability and of a scale


@dataclass(frozen=True, eq=False)
class GridText:
    """The text around the maps.

    Attributes:
        targets: run -> the class that is explained, printed below its name; empty where the title names it.
        notes: printed below the maps.
    """

    title: str
    targets: Mapping[str, str]
    notes: Sequence[str]


def grid_png(
    image: np.ndarray,
    maps: Mapping[str, Mapping[str, np.ndarray]],
    methods: Mapping[str, Method],
    styles: Mapping[str, RunStyle],
    dark: bool,
    strength: float,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    text: GridText,
) -> bytes:
    """A PNG of what ``attribution_grid`` shows for the same arguments: networks down, methods across, the picture at
    the left, each column's scale below it. Pixels are enlarged without smoothing.
    """
    rows = [run for run in styles if run in maps]
    columns = build_columns(maps, methods, rows, dark)
    sheet = _Sheet(theme(dark), _left(len(columns) + 1) - _GAP + _MARGIN)
    top = sheet.draw_lines(text.title, _MARGIN, _MARGIN, sheet.width - 2 * _MARGIN, _TITLE_SIZE) + _GAP
    titles = ["picture", *(column.title for column in columns)]
    top = max(sheet.draw_lines(title, _left(i), top, _CELL, _NAME_SIZE) for i, title in enumerate(titles)) + _GAP // 2
    for row, run in enumerate(rows):
        y = top + row * (_CELL + _GAP)
        sheet.draw_classes(styles[run], text.targets.get(run, ""), top_classes(probabilities[run], classes), y, dark)
        sheet.draw_cells(image, [column.maps.get(row) for column in columns], columns, strength, y)
    bottom = top + len(rows) * (_CELL + _GAP)
    for i, column in enumerate(columns, 1):
        sheet.draw_scale(column, _left(i), bottom)
    y = bottom + _SCALE + round(2 * _LEADING * _TEXT_SIZE) + 2 * _GAP
    for note in text.notes:
        y = sheet.draw_lines(note, _MARGIN, y, sheet.width - 2 * _MARGIN, _NOTE_SIZE, sheet.theme.muted)
    return sheet.to_png(y + _MARGIN - _GAP // 2)


def _left(column: int) -> int:
    """Left edge of a column in px; the picture is column 0."""
    return _MARGIN + _CLASSES + _GAP + column * (_CELL + _GAP)


class _Sheet:
    """A page that grows downwards as it is drawn on."""

    def __init__(self, colors: Theme, width: int) -> None:
        self.theme = colors
        self.width = width
        self.image = Image.new("RGB", (width, 1), colors.background)

    def draw(self, bottom: int) -> ImageDraw.ImageDraw:
        """A drawing context, with room down to ``bottom``."""
        if bottom > self.image.height:
            taller = Image.new("RGB", (self.width, bottom + _CELL), self.theme.background)
            taller.paste(self.image)
            self.image = taller
        return ImageDraw.Draw(self.image)

    def draw_text(self, text: str, x: int, y: int, size: int, color: str = "", anchor: str = "la") -> None:
        self.draw(y + 2 * size).text((x, y), text, color or self.theme.ink, load_font(size), anchor)

    def draw_lines(self, text: str, x: int, y: int, width: int, size: int, color: str = "") -> int:
        """Draw text in as many lines as it needs; return the top of the next line."""
        for line in wrap_lines(text, width, size):
            self.draw_text(line, x, y, size, color)
            y += round(_LEADING * size)
        return y

    def draw_classes(
        self, style: RunStyle, target: str, classes: Sequence[tuple[str, float]], y: int, dark: bool
    ) -> None:
        """Draw a network's glyph and name, and its most probable classes as bars."""
        color, indent = style.color_on(dark), 44
        self.draw_text(style.glyph, _MARGIN, y, _NAME_SIZE, color)
        for line in wrap_lines(style.label, _CLASSES - indent, _NAME_SIZE, max_lines=2):
            self.draw_text(line, _MARGIN + indent, y, _NAME_SIZE)
            y += round(_LEADING * _NAME_SIZE)
        if target:
            self.draw_text(fit_text(target, _CLASSES, _NOTE_SIZE), _MARGIN, y, _NOTE_SIZE, self.theme.muted)
            y += round(_LEADING * _NOTE_SIZE)
        y += 20
        right = _MARGIN + _CLASSES
        for name, value in classes:
            number = percent(value)
            room = _CLASSES - round(load_font(_TEXT_SIZE).getlength(number)) - 20
            self.draw_text(fit_text(name, room, _TEXT_SIZE), _MARGIN, y, _TEXT_SIZE)
            self.draw_text(number, right, y, _TEXT_SIZE, anchor="ra")
            y += round(_LEADING * _TEXT_SIZE)
            bar = (_MARGIN, y, _MARGIN + max(3, round(_CLASSES * value)), y + _BAR)
            self.draw(y + _CELL).rectangle(bar, color if style.filled else self.theme.background, color, width=3)
            y += _BAR + 22

    def draw_cells(
        self,
        image: np.ndarray,
        maps: Sequence[np.ndarray | None],
        columns: Sequence[MapColumn],
        strength: float,
        y: int,
    ) -> None:
        """Draw the picture, and one network's maps over grey copies of it."""
        self.draw(y + _CELL)
        self.image.paste(_enlarged(image), (_left(0), y))
        for i, (values, column) in enumerate(zip(maps, columns, strict=True), 1):
            cell = to_grey(downsample(image))
            if values is not None:
                cell = strength * _colored(values, column) + (1 - strength) * cell
            self.image.paste(_enlarged(cell.round().astype(np.uint8)), (_left(i), y))

    def draw_scale(self, column: MapColumn, x: int, y: int) -> None:
        """Draw a column's colours with the numbers they stand for."""
        if not column.ticks:
            return
        self.draw(y + _CELL)
        ramp = _colored(np.linspace(column.low, column.high, _CELL)[None], column).round().astype(np.uint8)
        self.image.paste(Image.fromarray(np.repeat(ramp, _SCALE, axis=0)), (x, y))
        y += _SCALE + 8
        for at, number in column.ticks.items():
            anchor = {0.0: "la", 0.5: "ma", 1.0: "ra"}[at]
            self.draw_text(number, x + round(at * _CELL), y, _TEXT_SIZE, anchor=anchor)
        y += round(_LEADING * _TEXT_SIZE)
        self.draw_text(column.caption, x + _CELL // 2, y, _TEXT_SIZE, self.theme.muted, "ma")

    def to_png(self, height: int) -> bytes:
        data = io.BytesIO()
        self.image.crop((0, 0, self.width, height)).save(data, "PNG", dpi=(192, 192))
        return data.getvalue()


def _colored(values: np.ndarray, column: MapColumn) -> np.ndarray:
    """(H, W, 3) float, 0 to 255: values in the column's colours."""
    stops = [stop for stop, _ in column.colors]
    colors = np.array([ImageColor.getrgb(color) for _, color in column.colors])
    share = (values - column.low) / (column.high - column.low)
    return np.stack([np.interp(share, stops, channel) for channel in colors.T], axis=-1)


def _enlarged(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).resize((_CELL, _CELL), Image.Resampling.NEAREST)


def wrap_lines(text: str, width: int, size: int, max_lines: int = 0) -> list[str]:
    """Break text into lines of at most ``width`` px.

    An ellipsis cuts the last of ``max_lines`` lines, and a word that is too long for a line.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if load_font(size).getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if max_lines and len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], " ".join(lines[max_lines - 1 :])]
    return [fit_text(line, width, size) for line in lines]


def fit_text(text: str, width: int, size: int) -> str:
    """Cut text with an ellipsis where it is wider than ``width`` px."""
    kept = text
    while kept and load_font(size).getlength(text if kept == text else f"{kept}…") > width:
        kept = kept[:-1]
    return text if kept == text else f"{kept.rstrip()}…"


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans at a size in px.

    It comes with matplotlib, which captum depends on. Where it is missing, Pillow's own font replaces it, which has no
    minus sign, no glyphs of the runs and no letters beyond English.
    """
    matplotlib = find_spec("matplotlib")
    for folder in (matplotlib and matplotlib.submodule_search_locations) or []:
        file = Path(folder, "mpl-data/fonts/ttf/DejaVuSans.ttf")
        if file.is_file():
            return ImageFont.truetype(file, size)
    return ImageFont.load_default(size)
