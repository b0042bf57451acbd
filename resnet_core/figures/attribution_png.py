"""The grid of attribution maps as one picture with its captions, for slides and reports: drawn with Pillow, at
twice the size on screen, from the same columns as the figure on the page. No torch.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from resnet_core.figures.attribution_columns import Column, columns_of, grey, likeliest, shrunk
from resnet_core.figures.style import RunStyle, Theme, theme
from resnet_core.formatting import percent

_CELL = 448  # px: a whole multiple of 32, 56 and 224, the sides of the pictures and maps there are
_GAP = 32
_MARGIN = 56
_ANSWERS = 460  # width of a network's name and answers
_TITLE_SIZE, _NAME_SIZE, _TEXT_SIZE, _NOTE_SIZE = 48, 36, 32, 28  # px
_LEADING = 1.3  # from line to line, in sizes
_BAR, _SCALE = 14, 26  # heights of a probability and of a scale


@dataclass(frozen=True, eq=False)
class GridWords:
    """What is written around the maps: the title on top, at a network's name the class it was asked about (where
    that is not in the title), notes below."""

    title: str
    asked: Mapping[str, str]
    notes: Sequence[str]


def grid_png(
    image: np.ndarray,
    maps: Mapping[str, Mapping[str, np.ndarray]],
    methods: Mapping[str, object],
    styles: Mapping[str, RunStyle],
    dark: bool,
    strength: float,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    words: GridWords,
) -> bytes:
    """A PNG of what ``attribution_grid`` shows of the same arguments: networks down, methods across, the picture at
    the left, each column's scale below it. Pixels are enlarged without smoothing."""
    rows = [run for run in styles if run in maps]
    columns = columns_of(maps, methods, rows, dark)
    sheet = _Sheet(theme(dark), _left(len(columns) + 1) - _GAP + _MARGIN)
    top = sheet.lines(words.title, _MARGIN, _MARGIN, sheet.width - 2 * _MARGIN, _TITLE_SIZE) + _GAP
    titles = ["picture", *(column.title for column in columns)]
    top = max(sheet.lines(title, _left(i), top, _CELL, _NAME_SIZE) for i, title in enumerate(titles)) + _GAP // 2
    for row, run in enumerate(rows):
        y = top + row * (_CELL + _GAP)
        answers = likeliest(probabilities[run], classes)
        sheet.answers(styles[run], words.asked.get(run, ""), answers, y, dark)
        sheet.cells(image, [column.maps.get(row) for column in columns], columns, strength, y)
    bottom = top + len(rows) * (_CELL + _GAP)
    for i, column in enumerate(columns, 1):
        sheet.scale(column, _left(i), bottom)
    y = bottom + _SCALE + round(2 * _LEADING * _TEXT_SIZE) + 2 * _GAP
    for note in words.notes:
        y = sheet.lines(note, _MARGIN, y, sheet.width - 2 * _MARGIN, _NOTE_SIZE, sheet.theme.muted)
    return sheet.png(y + _MARGIN - _GAP // 2)


def _left(column: int) -> int:
    """Where a column begins; the picture is column 0."""
    return _MARGIN + _ANSWERS + _GAP + column * (_CELL + _GAP)


class _Sheet:
    """A page that grows downwards as it is drawn on."""

    def __init__(self, colors: Theme, width: int) -> None:
        self.theme = colors
        self.width = width
        self.image = Image.new("RGB", (width, 1), colors.background)

    def room(self, bottom: int) -> ImageDraw.ImageDraw:
        """What draws, once there is room down to ``bottom``."""
        if bottom > self.image.height:
            taller = Image.new("RGB", (self.width, bottom + _CELL), self.theme.background)
            taller.paste(self.image)
            self.image = taller
        return ImageDraw.Draw(self.image)

    def text(self, text: str, x: int, y: int, size: int, color: str = "", anchor: str = "la") -> None:
        self.room(y + 2 * size).text((x, y), text, color or self.theme.ink, font_of(size), anchor)

    def lines(self, text: str, x: int, y: int, width: int, size: int, color: str = "") -> int:
        """Text in as many lines as it needs; returns where the next line would begin."""
        for line in wrapped(text, width, size):
            self.text(line, x, y, size, color)
            y += round(_LEADING * size)
        return y

    def answers(self, style: RunStyle, asked: str, answers: Sequence[tuple[str, float]], y: int, dark: bool) -> None:
        """A network's sign and name, and its likeliest classes as bars."""
        color, indent = style.on(dark), 44
        self.text(style.glyph, _MARGIN, y, _NAME_SIZE, color)
        for line in wrapped(style.label, _ANSWERS - indent, _NAME_SIZE, most=2):
            self.text(line, _MARGIN + indent, y, _NAME_SIZE)
            y += round(_LEADING * _NAME_SIZE)
        if asked:
            self.text(fitted(asked, _ANSWERS, _NOTE_SIZE), _MARGIN, y, _NOTE_SIZE, self.theme.muted)
            y += round(_LEADING * _NOTE_SIZE)
        y += 20
        right = _MARGIN + _ANSWERS
        for name, value in answers:
            number = percent(value)
            room = _ANSWERS - round(font_of(_TEXT_SIZE).getlength(number)) - 20
            self.text(fitted(name, room, _TEXT_SIZE), _MARGIN, y, _TEXT_SIZE)
            self.text(number, right, y, _TEXT_SIZE, anchor="ra")
            y += round(_LEADING * _TEXT_SIZE)
            bar = (_MARGIN, y, _MARGIN + max(3, round(_ANSWERS * value)), y + _BAR)
            self.room(y + _CELL).rectangle(bar, color if style.filled else self.theme.background, color, width=3)
            y += _BAR + 22

    def cells(
        self, image: np.ndarray, maps: Sequence[np.ndarray | None], columns: Sequence[Column], strength: float, y: int
    ) -> None:
        """The picture, and one network's maps over grey copies of it."""
        self.room(y + _CELL)
        self.image.paste(_enlarged(image), (_left(0), y))
        for i, (values, column) in enumerate(zip(maps, columns, strict=True), 1):
            cell = grey(shrunk(image))
            if values is not None:
                cell = strength * _colored(values, column) + (1 - strength) * cell
            self.image.paste(_enlarged(cell.round().astype(np.uint8)), (_left(i), y))

    def scale(self, column: Column, x: int, y: int) -> None:
        """A column's colours with the numbers that they stand for."""
        if not column.ticks:
            return
        self.room(y + _CELL)
        ramp = _colored(np.linspace(column.low, column.high, _CELL)[None], column).round().astype(np.uint8)
        self.image.paste(Image.fromarray(np.repeat(ramp, _SCALE, axis=0)), (x, y))
        y += _SCALE + 8
        for at, number in column.ticks.items():
            anchor = {0.0: "la", 0.5: "ma", 1.0: "ra"}[at]
            self.text(number, x + round(at * _CELL), y, _TEXT_SIZE, anchor=anchor)
        y += round(_LEADING * _TEXT_SIZE)
        self.text(column.words, x + _CELL // 2, y, _TEXT_SIZE, self.theme.muted, "ma")

    def png(self, height: int) -> bytes:
        data = io.BytesIO()
        self.image.crop((0, 0, self.width, height)).save(data, "PNG", dpi=(192, 192))
        return data.getvalue()


def _colored(values: np.ndarray, column: Column) -> np.ndarray:
    """(H, W, 3) float, 0 to 255: values in the column's colours."""
    stops = [stop for stop, _ in column.colors]
    colors = np.array([ImageColor.getrgb(color) for _, color in column.colors])
    share = (values - column.low) / (column.high - column.low)
    return np.stack([np.interp(share, stops, channel) for channel in colors.T], axis=-1)


def _enlarged(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).resize((_CELL, _CELL), Image.Resampling.NEAREST)


def wrapped(text: str, width: int, size: int, most: int = 0) -> list[str]:
    """Text in lines of at most ``width`` px; the last of ``most`` lines is cut with an ellipsis, and so is a word
    that is too long for a line."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font_of(size).getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if most and len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fitted(line, width, size) for line in lines]


def fitted(text: str, width: int, size: int) -> str:
    """Text cut with an ellipsis where it is wider than ``width`` px."""
    kept = text
    while kept and font_of(size).getlength(text if kept == text else f"{kept}…") > width:
        kept = kept[:-1]
    return text if kept == text else f"{kept.rstrip()}…"


@cache
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at a size in px. It comes with matplotlib, which captum brings; Pillow's own font stands in where it
    is missing, but has no minus sign, no signs for the runs and no letter beyond English."""
    found = find_spec("matplotlib")
    file = Path(found.submodule_search_locations[0], "mpl-data/fonts/ttf/DejaVuSans.ttf") if found else None
    return ImageFont.truetype(file, size) if file and file.is_file() else ImageFont.load_default(size)
