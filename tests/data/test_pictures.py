import struct
import sys
import time
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from resnet_core.data import pictures
from resnet_core.data.pictures import (
    crop_square,
    estimate_decoding_seconds,
    read_for_network,
    read_picture,
    to_network,
)
from resnet_core.errors import DataError

pillow_heif.register_heif_opener()  # to make HEIC pictures with
RED, WHITE = (255, 0, 0), (255, 255, 255)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def half_red(width: int, height: int) -> Image.Image:
    """Left half red, right half white."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


def close(pixel, colour) -> bool:
    return np.abs(np.asarray(pixel, int) - colour).max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "HEIF"])
def test_formats_are_read(encode, kind):
    picture = read_picture(encode(half_red(80, 40), kind), f"photo.{kind.lower()}")
    assert picture.array.shape == (40, 80, 3) and picture.array.dtype == np.uint8
    assert close(picture.array[20, 10], RED) and close(picture.array[20, 70], WHITE)
    assert (picture.format, picture.original_size, picture.notes) == (kind, (80, 40), ())


def test_large_picture_is_shrunk_and_keeps_its_proportions(encode):
    picture = read_picture(encode(half_red(1500, 1000)))
    assert picture.array.shape == (341, 512, 3)
    assert picture.original_size == (1500, 1000)


def test_phone_photo_of_twelve_megapixels_turned_by_exif(encode):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned right by 90 degrees
    data = encode(half_red(4032, 3024), "JPEG", exif=exif)
    began = time.process_time()
    picture = read_picture(data, "IMG_1.JPG")
    assert time.process_time() - began < 5
    assert picture.original_size == (3024, 4032)
    assert picture.array.shape == (512, 384, 3)
    assert close(picture.array[50, 200], RED) and close(picture.array[460, 200], WHITE)
    square = read_for_network(data)
    assert close(square[2, 16], RED) and close(square[29, 16], WHITE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(encode, orientation):
    upright = Image.new("RGB", (60, 40), WHITE)
    upright.paste(RED, (0, 0, 30, 20))  # top left
    upright.paste((0, 0, 255), (30, 0, 60, 20))  # top right
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpose that a camera so held makes
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(encode(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(picture.array, np.asarray(upright))


def test_sixteen_bits_are_scaled_not_clipped(encode):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    picture = read_picture(encode(Image.fromarray(ramp)))
    np.testing.assert_allclose(picture.array[..., 0], ramp / 257, atol=1)
    assert picture.notes
    assert close(read_for_network(encode(Image.fromarray(ramp)))[16, 16], (130, 130, 130))


def test_cmyk_gray_and_black_and_white(encode):
    cmyk = Image.new("CMYK", (40, 40), (0, 255, 255, 0))  # pure magenta and yellow ink: red
    picture = read_picture(encode(cmyk, "JPEG"))
    assert close(picture.array[20, 20], RED) and picture.notes
    assert (read_picture(encode(Image.new("L", (40, 40), 77))).array == 77).all()
    assert (read_picture(encode(Image.new("1", (40, 40), 1))).array == 255).all()


def test_transparency_is_shown_on_white(encode):
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 20, 40))
    gray = Image.new("LA", (40, 40), (0, 0))
    for data in (encode(image), encode(image.quantize(8)), encode(image, "WEBP", lossless=True)):
        picture = read_picture(data)
        assert close(picture.array[20, 5], RED) and close(picture.array[20, 35], WHITE)
        assert picture.notes
    assert (read_picture(encode(gray)).array == 255).all()
    opaque = Image.new("RGBA", (40, 40), (0, 0, 0, 255))
    assert read_picture(encode(opaque)).notes == ()


def test_colours_under_transparency_do_not_bleed_in_when_shrinking(encode):
    image = Image.new("RGBA", (512, 512), (0, 255, 0, 0))  # green that nobody sees
    image.paste((255, 0, 0, 255), (0, 0, 250, 512))
    pixels = read_for_network(encode(image)).astype(int)
    assert (pixels[..., 1] - pixels[..., 2] < 8).all()  # no green anywhere


def test_animation_gives_its_first_frame(encode):
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, (0, 0, 255))]
    for kind in ("GIF", "PNG", "WEBP"):
        picture = read_picture(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert close(picture.array[20, 20], RED)
        assert picture.notes


def test_one_pixel_and_a_thin_line_are_handled(encode):
    dot = read_picture(encode(Image.new("RGB", (1, 1), RED)))
    assert dot.array.shape == (1, 1, 3) and dot.notes
    assert (to_network(crop_square(dot.array)) == RED).all()
    line = read_picture(encode(Image.new("RGB", (20000, 1), RED)))
    assert line.array.shape == (1, 512, 3)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (20_000, 20_000), (25_000_001, 1), (2**31 - 1,) * 2])
def test_bomb_is_refused_before_it_is_decoded(monkeypatch, width, height):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(DataError, match="pixels"):
        read_picture(png_header(width, height), "bomb.png")


def test_a_heic_photo_of_an_iphone_is_turned_by_exif(encode):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(encode(half_red(320, 240), "HEIF", exif=exif.tobytes()), "IMG_1.HEIC")
    assert picture.original_size == (240, 320)
    assert close(picture.array[10, 120], RED) and close(picture.array[310, 120], WHITE)


def test_a_heic_photo_that_is_too_large_is_refused_before_it_is_decoded(encode, monkeypatch):
    data = encode(half_red(640, 480), "HEIF")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 300_000)
    assert "640 x 480 pixels" in refused(data, "IMG_1.HEIC")


def test_without_pillow_heif_a_heic_photo_gets_a_sentence(encode, monkeypatch):
    data = encode(half_red(64, 64), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert "save it as JPEG" in refused(data, "IMG_1.HEIC")


def refused(data: bytes, filename: str) -> str:
    with pytest.raises(DataError) as caught:
        read_picture(data, filename)
    return str(caught.value)


def test_bad_pictures_get_a_sentence_each(encode):
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    tiff = encode(half_red(20, 20), "TIFF")
    assert "text" in refused(b"hello, this is no picture\n" * 20, "notes.png")
    assert "SVG" in refused(svg, "drawing.svg")
    assert "TIFF" in refused(tiff, "scan.tif")
    assert "PDF" in refused(b"%PDF-1.7 ...", "paper.pdf")
    assert "empty" in refused(b"", "nothing.png")
    assert "damaged or unusual HEIC" in refused(b"\x00\x00\x00\x18ftypheic" + bytes(100), "IMG_2.HEIC")
    assert "60 MB" in refused(bytes(60_000_000), "huge.png")
    assert "damaged PNG" in refused(b"\x89PNG\r\n\x1a\n", "cut.png")
    assert refused(bytes(range(256)), "/home/me/../x.png").startswith("x.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "HEIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated_pictures_are_refused(encode, kind, share):
    data = encode(noise(200, 150), kind)
    assert "photo" in refused(data[: int(len(data) * share)], "photo")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "HEIF"])
def test_flipped_bytes_give_a_picture_or_a_sentence(encode, kind):
    data = encode(half_red(64, 48), kind)
    random = np.random.default_rng(1)
    for _ in range(200):
        broken = bytearray(data)
        for at in random.integers(0, len(data), 4):
            broken[at] = random.integers(256)
        try:
            assert read_picture(bytes(broken), "x").array.shape[2] == 3
        except DataError as error:
            assert "x" in str(error)


def test_metadata_goes_no_further(encode):
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    picture = read_picture(encode(half_red(40, 40), "JPEG", exif=exif, comment=b"another"), "/home/me/photo.jpg")
    assert picture.filename == "photo.jpg"
    assert "secret" not in repr(picture)


def test_crop_square():
    array = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3)
    np.testing.assert_array_equal(crop_square(array), array[:, 10:50])
    np.testing.assert_array_equal(crop_square(array.swapaxes(0, 1)), array.swapaxes(0, 1)[10:50])
    np.testing.assert_array_equal(crop_square(array, (5, 7, 20)), array[7:27, 5:25])
    for box in ((-1, 0, 10), (0, 0, 41), (50, 0, 20), (0, 0, 0)):
        with pytest.raises(DataError):
            crop_square(array, box)


def test_to_network_antialiases_and_leaves_what_fits():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(to_network(stripes).astype(int) - 128).max() < 6
    fits = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_network(fits), fits)
    assert to_network(stripes, size=224).shape == (224, 224, 3)
    assert to_network(np.zeros((20, 60, 3), np.uint8)).shape == (32, 32, 3)


def test_import_and_upload_see_the_same(encode):
    """The picture a training gets and the one a page shows go two ways; they may differ by rounding only."""
    at = np.linspace(0, 255, 900)
    smooth = np.stack(np.broadcast_arrays(at[None, :], at[:600, None], 128), axis=2).astype(np.uint8)
    for kind in ("PNG", "JPEG"):
        data = encode(Image.fromarray(smooth), kind)
        uploaded = to_network(read_picture(data).array).astype(int)
        assert np.abs(uploaded - read_for_network(data)).max() <= 4


def test_jpeg_of_many_scans_is_refused_unread(encode):
    """Each of 42 bytes makes the decoder pass over all 25 megapixels: 30 MB of them would take hours."""
    jpeg = encode(Image.new("L", (2000, 2000), 128), "JPEG", progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    assert read_picture(jpeg).format == "JPEG"
    with pytest.raises(DataError, match="more than 100 scans"):
        read_picture(jpeg[:-2] + 200 * scan + jpeg[-2:], "photo.jpg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "HEIF"])
def test_decoding_time_is_told_by_the_header(encode, kind):
    image = noise(300, 300)
    whole = encode(image, kind)
    small, large = (estimate_decoding_seconds(whole, size) for size in (len(whole), 10 * len(whole)))
    assert 2e-4 < small <= large < 1
    if kind not in ("WEBP", "HEIF"):  # which Pillow opens whole or not at all
        assert estimate_decoding_seconds(whole[: len(whole) // 2], len(whole)) == small
    with pytest.raises(DataError):
        estimate_decoding_seconds(whole[:20], len(whole))


def test_progressive_jpegs_take_longer(encode):
    image = noise(300, 300)
    plain, progressive = (encode(image, "JPEG", progressive=value) for value in (False, True))
    assert estimate_decoding_seconds(progressive, 100) > 1.5 * estimate_decoding_seconds(plain, 100)


def test_file_names_that_are_no_text_are_shown_without_it(encode):
    assert read_picture(encode(noise(40, 40)), "caf\udce9.png").filename == "caf?.png"
