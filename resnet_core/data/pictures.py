"""Pictures from people: checked before they are decoded, and turned into RGB bytes whatever they were. No torch.

What a picture becomes is the same for an upload and for the import of a dataset: EXIF orientation applied, first frame
of an animation, CMYK, gray and palette turned into RGB, 16 bits scaled (not clipped) to 8, transparent parts on white.
A network gets the square in the middle, resized with antialiasing: nothing is squashed, so a shape keeps its shape.
Metadata goes no further than this file.
"""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from resnet_core.data.names import short_name
from resnet_core.errors import DataError

FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
}
SUFFIXES = (*(suffix for suffixes in FORMATS.values() for suffix in suffixes), ".heic", ".heif")
MAX_BYTES = 30_000_000
MAX_PIXELS = 25_000_000  # a phone's 24 megapixels; 100 MB decoded with transparency
MAX_SCANS = 100
"""Passes over the picture in one JPEG. A progressive one has about ten; more cost 16 ms each at 25 megapixels, and
30 MB hold 700,000 of them."""

LONGEST_SIDE = 512
NETWORK_SIZE = 32

_NS_PER_PIXEL_AND_BYTE = {
    "PNG": (8, 8),
    "JPEG": (1, 10),
    "MPO": (1, 10),
    "progressive JPEG": (4, 25),
    "WEBP": (30, 0),
    "GIF": (8, 2),
    "BMP": (3, 0),
    "HEIF": (12, 115),
}
"""What decoding and shrinking take, in nanoseconds on one core of an AMD EPYC."""

_SECONDS_PER_PICTURE = 200e-6  # opening it, also in a zip

_FORMAT_NAMES = "PNG, JPEG, HEIC, WEBP, GIF or BMP"
# What Pillow's decoders were seen to raise on damaged files.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_TURNS = {  # EXIF orientation -> what makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8])
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the lab keeps it while somebody looks at it."""

    array: np.ndarray  # uint8 (H, W, 3), RGB, the longest side at most LONGEST_SIDE
    filename: str
    original_size: tuple[int, int]  # width, height as seen, after the EXIF orientation
    format: str  # "JPEG", ...
    notes: tuple[str, ...]  # sentences on what was done to it


def read_picture(data: bytes, filename: str = "") -> Picture:
    """The picture in these bytes, shrunk to at most 512 pixels on its longest side.

    Raises DataError with a sentence for what is no picture, damaged, over 30 MB or over 25 megapixels; the size is
    known from the header, before anything is decoded.
    """
    image = _open(data, filename)
    width, height = image.size
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    rgb, turned, notes = _decode(image, filename, box=(0, 0, width, height), size=size)
    seen = (height, width) if turned else (width, height)
    if min(seen) < NETWORK_SIZE:
        notes.append(f"It is only {width} x {height} pixels: the network sees it enlarged, without new detail.")
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    return Picture(np.array(rgb), short_name(filename), seen, kind, tuple(notes))


def read_for_network(data: bytes, filename: str = "", size: int = NETWORK_SIZE) -> np.ndarray:
    """The square in the middle of the picture in these bytes, uint8 (size, size, 3); errors as above."""
    image = _open(data, filename)
    rgb, _, _ = _decode(image, filename, box=_middle_square(*image.size), size=(size, size))
    return np.array(rgb)


def estimate_decoding_seconds(start: bytes, size: int) -> float:
    """How long ``read_for_network`` takes on one core, about, for a picture file of ``size`` bytes with this start.

    Raises DataError when the start does not hold the header.
    """
    image = _open(start, "")
    width, height = image.size
    kind = "progressive JPEG" if image.info.get("progressive") else str(image.format)
    per_pixel, per_byte = _NS_PER_PIXEL_AND_BYTE[kind]
    return (width * height * per_pixel + size * per_byte) * 1e-9 + _SECONDS_PER_PICTURE


def crop_square(array: np.ndarray, box: tuple[float, float, float] | None = None) -> np.ndarray:
    """A square of the picture (H, W, 3): ``box`` is (left, top, side) in pixels, None the largest in the middle.

    Raises DataError when the box does not lie in the picture or is smaller than a pixel.
    """
    height, width = array.shape[:2]
    if box is None:
        left, top, right, bottom = _middle_square(width, height)
        return array[top:bottom, left:right]
    left, top, side = (round(value) for value in box)
    if side < 1 or left < 0 or top < 0 or left + side > width or top + side > height:
        raise DataError(
            f"The crop (left {left}, top {top}, side {side}) does not lie in the {width} x {height} picture."
        )
    return array[top : top + side, left : left + side]


def to_network(array: np.ndarray, size: int = NETWORK_SIZE) -> np.ndarray:
    """A picture (H, W, 3) uint8 as the network gets it: the square in the middle, (size, size, 3) uint8."""
    height, width = array.shape[:2]
    if (height, width) == (size, size):
        return array
    image = Image.fromarray(np.ascontiguousarray(array))
    return np.asarray(_resize(image, _middle_square(width, height), (size, size)))


def _open(data: bytes, filename: str) -> Image.Image:
    """The picture with only its header read, of a format and size that the lab takes."""
    name = short_name(filename) or "The picture"
    if not data:
        raise DataError(f"{name} is empty.")
    if len(data) > MAX_BYTES:
        raise DataError(too_many_bytes(name, len(data)))
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:
        raise DataError(f"{name} is a JPEG of more than {MAX_SCANS} scans, which takes too long to read: save it anew.")
    formats = (*FORMATS, *(_heif_format(name) if _is_heif(data) else ()))
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(_too_large(name, "far too many")) from error
    except _DECODER_ERRORS as error:
        what = _what_it_is(data)
        raise DataError(f"{name} is {what}, which is no picture for the lab: use {_FORMAT_NAMES}.") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(_too_large(name, f"{width:,} x {height:,}"))
    return image


def _decode(image: Image.Image, filename: str, box: Box, size: tuple[int, int]) -> tuple[Image.Image, bool, list[str]]:
    """The part ``box`` of the picture as RGB of that size (width, height), then turned upright; whether width and
    height were exchanged by that; and notes on what was done.
    """
    try:
        box = _draft(image, box, size)
        image.load()
        rgb, notes = _make_resizable(image)
        rgb = _resize(rgb, box, size)
    except _DECODER_ERRORS as error:
        name = short_name(filename) or "The picture"
        raise DataError(f"{name} is damaged or cut off: save or download it again.") from error
    if rgb.mode == "RGBA":
        rgb = _on_white(rgb, notes)
    if _is_animated(image):
        notes.append("It is animated: this is the first frame.")
    turn = _TURNS.get(_orientation(image))
    upright = rgb if turn is None else rgb.transpose(turn)
    return upright, turn in _SIDEWAYS, notes


def _is_animated(image: Image.Image) -> bool:
    try:
        # A phone's picture may carry a second one, such as a depth map: that is no animation.
        return image.format not in ("MPO", "HEIF") and bool(getattr(image, "is_animated", False))
    except _DECODER_ERRORS:
        return False  # damage behind the first frame, which is whole


def _orientation(image: Image.Image) -> int:
    """1 to 8 as in EXIF. Asked after decoding, because in a PNG it may stand behind the pixels."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except _DECODER_ERRORS:
        return 1  # the pixels are whole, only what is written beside them is not


def _draft(image: Image.Image, box: Box, size: tuple[int, int]) -> Box:
    """Let a JPEG decode at 1/2, 1/4 or 1/8 where that still is twice what is needed; the box then."""
    if image.format not in ("JPEG", "MPO"):
        return box
    full = image.size
    needed = max(2 * size[0] / (box[2] - box[0]), 2 * size[1] / (box[3] - box[1]))
    if needed < 1:
        image.draft("RGB", (int(full[0] * needed), int(full[1] * needed)))
    across, down = image.size[0] / full[0], image.size[1] / full[1]
    return (box[0] * across, box[1] * down, box[2] * across, box[3] * down)


def _make_resizable(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """As RGB or, where there is transparency, RGBA, which can be resized by averaging; and notes."""
    if image.mode.startswith("I"):
        high_bytes = (np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8)
        return Image.fromarray(high_bytes).convert("RGB"), ["Its 16 bits a pixel are scaled to 8."]
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return _convert(image, "RGBA"), []
    if image.mode == "CMYK":
        return _convert(image, "RGB"), ["Its CMYK (print) colours are turned into RGB, without a profile."]
    return _convert(image, "RGB"), []


def _convert(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # convert always copies


def _resize(image: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    """Bicubic, with the filter widened to the scale when shrinking: antialiased.

    Cropped first: given a box, Pillow's filter would look at what lies outside of it.
    """
    left, top, right, bottom = (round(value) for value in box)
    if (left, top, right, bottom) != (0, 0, *image.size):
        image = image.crop((left, top, right, bottom))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.getchannel("A").getextrema() != (255, 255):
        notes.append("Its transparent parts are shown on white.")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def _middle_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the largest square in the middle."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def too_many_bytes(name: str, size: int) -> str:
    """The sentence that refuses a file of over MAX_BYTES."""
    return f"{name} has {size / 1e6:.0f} MB; at most {MAX_BYTES // 1_000_000} MB fit: save it smaller."


def _too_large(name: str, size: str) -> str:
    return f"{name} has {size} pixels; a picture may have {MAX_PIXELS // 1_000_000} million. Save it smaller."


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _heif_format(name: str) -> tuple[str, ...]:
    """Pillow's name for HEIC, once pillow-heif has taught it; a bare machine that only trains may be without."""
    try:
        import pillow_heif
    except ImportError as error:
        raise DataError(
            f"{name} is a HEIC picture, which this machine cannot read: save it as JPEG, or install pillow-heif."
        ) from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _what_it_is(data: bytes) -> str:
    """In words, for the sentence that refuses it."""
    start = data[:1024].lstrip()
    if b"<svg" in start:
        return "an SVG drawing"
    for sign, words in (
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a zip archive"),
        (b"II*\x00", "a TIFF"),
        (b"MM\x00*", "a TIFF"),
        (b"\x89PNG", "a damaged PNG"),
        (b"\xff\xd8\xff", "a damaged JPEG"),
        (b"GIF8", "a damaged GIF"),
        (b"RIFF", "a damaged or unusual WEBP"),
    ):
        if start.startswith(sign):
            return words
    if _is_heif(data):
        return "a damaged or unusual HEIC"
    if data[4:8] == b"ftyp":
        return "an AVIF picture or a film"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return "something else"
    return "text"
