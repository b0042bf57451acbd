"""Pictures of all kinds handed to the Explain page by a real browser."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def photo(width: int, height: int, red_left: bool = False, **options) -> bytes:
    """A red disc (or left half) on green with some grain, as JPEG."""
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(0).integers(0, 40, (height, width, 3), dtype=np.uint8)
    pixels = np.full((height, width, 3), (40, 130, 60), np.uint8) + grain
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2
    pixels[x < width / 2 if red_left else disc] = (210, 40, 40)
    return encoded(Image.fromarray(pixels), "JPEG", **options)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def bomb(side: int) -> bytes:
    """A black PNG of that many pixels squared, one bit each, in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" * (1 + side // 8)) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def uploading(visitor, trained):
    """A visitor on the Explain page, two networks on the table, about to hand in a picture."""
    visitor.visit(f"explain?runs={','.join(trained)}")
    expect(visitor.chart("maps")).to_be_visible(timeout=60_000)  # of a test picture: worker and networks are warm now
    visitor.choose("picture_from", "Upload")
    return visitor


BAD = {  # name -> its bytes, words of the sentence
    "notes.png": (b"just some words", "text"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>", "an SVG drawing"),
    "cut.jpg": (photo(800, 600)[:5_000], "damaged or cut off"),
    "bomb.png": (bomb(10_000), "10,000 x 10,000 pixels"),
}
RED, BLUE = Image.new("RGB", (60, 40), "red"), Image.new("RGB", (60, 40), "blue")
HOLED = Image.new("RGBA", (60, 40), (255, 0, 0, 255))
HOLED.paste((0, 0, 0, 0), (40, 0, 60, 40))
ODD = {  # name -> its bytes, words of what is said about it
    "animated.gif": (encoded(RED, "GIF", save_all=True, append_images=[BLUE]), "animated: this is the first frame"),
    "dot.png": (encoded(Image.new("RGB", (1, 1), "red")), "only 1 x 1 pixels"),
    "deep.png": (encoded(Image.fromarray(np.full((40, 60), 40_000, np.uint16))), "16 bits"),
    "print.jpg": (encoded(RED.convert("CMYK"), "JPEG"), "CMYK"),
    "palette.png": (encoded(HOLED.quantize(8)), "transparent parts are shown on white"),
}


def test_bad_pictures_get_a_sentence_each_odd_ones_are_read_and_the_page_stays_usable(uploading, tmp_path):
    assert len(BAD["bomb.png"][0]) < 13_000
    (tmp_path / "huge.png").write_bytes(bytes(60_000_000))
    uploading.hand_in(tmp_path / "huge.png")
    refusal = uploading.page.get_by_test_id("stFileChip").get_by_role("alert")
    expect(refusal).to_contain_text("30.0MB or smaller")
    assert refusal.bounding_box()["width"] > 100  # Streamlit's own is one pixel wide

    uploading.hand_in([{"name": n, "mimeType": "image/png", "buffer": data} for n, (data, _) in BAD.items()])
    for name, (_, words) in BAD.items():
        expect(uploading.page.get_by_test_id("stAlert").filter(has_text=name)).to_contain_text(words)
    expect(uploading.chart("predictions")).to_have_count(0)

    for name, (data, words) in ODD.items():
        uploading.upload(name, "image/png", data)
        expect(uploading.page.get_by_text(words)).to_be_visible()
        uploading.settled()
        expect(uploading.chart("predictions")).to_be_visible()
    expect(uploading.chart("maps")).to_be_visible()


def test_a_photo_of_a_phone_held_upright_is_turned_answered_and_explained_in_seconds(uploading):
    exif = Image.Exif()
    exif[0x0112] = 6  # the sensor lay on its side: what it calls left is the top
    twelve_megapixels = photo(4032, 3024, red_left=True, exif=exif)
    expect(uploading.chart("maps")).to_have_count(0)

    began = time.monotonic()
    uploading.upload("phone.jpg", "image/jpeg", twelve_megapixels)
    expect(uploading.chart("maps")).to_be_visible(timeout=60_000)
    uploading.settled()
    seconds = time.monotonic() - began
    print(f"\n12 megapixels ({len(twelve_megapixels) / 1e6:.1f} MB): answered and explained after {seconds:.1f} s")
    assert seconds < 30  # 5 s are the goal where nothing else runs

    top, bottom = (colour_at(uploading, 16, y) for y in (4, 28))
    assert top[0] > 150 > top[1]
    assert bottom[0] < 100 < bottom[1]


COPY = """async (color) => {
    const canvas = new OffscreenCanvas(320, 240);
    const context = canvas.getContext("2d");
    context.fillStyle = color;
    context.fillRect(0, 0, 320, 240);
    const picture = await canvas.convertToBlob({type: "image/png"});
    await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
}"""


def test_a_picture_is_pasted_by_the_keys_and_by_the_button_and_a_text_is_none(uploading):
    page = uploading.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pasted = page.get_by_test_id("stFileChip")
    area = page.locator(".st-key-picture_paste")
    expect(area.get_by_role("button")).to_contain_text("V)")  # now it listens
    page.evaluate("navigator.clipboard.writeText('just words')")
    page.keyboard.press("Control+V")
    expect(area).to_contain_text("no picture")
    expect(pasted).to_have_count(0)

    page.evaluate(COPY, "#e02020")
    page.keyboard.press("Control+V")
    expect(uploading.chart("maps")).to_be_visible(timeout=60_000)
    uploading.settled()
    assert colour_at(uploading, 16, 16) == [224, 32, 32]
    expect(pasted).to_have_count(1)

    page.evaluate(COPY, "#2020e0")
    area.get_by_role("button").click()
    expect(page.locator(".st-key-picture_which")).to_be_visible(timeout=60_000)
    uploading.settled()
    assert colour_at(uploading, 16, 16) == [32, 32, 224]
    expect(pasted).to_have_count(2)


def colour_at(visitor, x: int, y: int) -> list[int]:
    """Red, green and blue of a pixel of the picture that the network gets."""
    return visitor.page.locator(".st-key-pixels_own img").evaluate(
        """(image, [x, y]) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return [...context.getImageData(x, y, 1, 1).data.slice(0, 3)];
        }""",
        [x, y],
    )
