"""The main journeys, as a newcomer takes them: nothing read, nothing prepared."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
TRAINED = 240_000  # ms: two networks of 20 layers, one epoch of Shapes-10, on two busy cores


def settled(page: Page) -> None:
    """Waits until the page's script has run to its end and nothing broke."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def visit(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    settled(page)


def a_photo() -> bytes:
    """A picture that no dataset holds: a red disc on green, 320 x 240, as JPEG."""
    y, x = np.mgrid[:240, :320]
    pixels = np.full((240, 320, 3), (40, 130, 60), np.uint8)
    pixels[(x - 160) ** 2 + (y - 120) ** 2 < 80**2] = (210, 40, 40)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG")
    return data.getvalue()


def test_train_twins_compare_them_and_explain_a_picture(page: Page, server: str) -> None:
    visit(page, server)
    page.get_by_role("link", name="Train").click()
    page.get_by_label("Epochs").fill("1")
    page.get_by_label("Epochs").press("Tab")
    settled(page)
    page.get_by_role("button", name="Train the twins").click()

    expect(page.get_by_text("Plain-20").first).to_be_visible()
    expect(page.locator(".stPlotlyChart").first).to_be_visible(timeout=90_000)  # a live curve
    expect(page.get_by_text(re.compile("Done · test error"))).to_have_count(2, timeout=TRAINED)

    page.get_by_role("link", name="Compare").click()
    settled(page)
    expect(page.locator(".stPlotlyChart")).not_to_have_count(0)
    assert "runs=" in page.url
    link = page.url

    page.get_by_role("link", name="Explain").click()
    settled(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": a_photo()}
    )
    expect(page.get_by_text("Grad-CAM").first).to_be_visible()
    expect(page.locator(".stPlotlyChart").first).to_be_visible(timeout=60_000)

    other = page.context.browser.new_context(viewport={"width": 1280, "height": 900})
    elsewhere = other.new_page()
    visit(elsewhere, link)
    table = elsewhere.get_by_test_id("stSidebar")
    expect(table.get_by_text("ResNet-20").first).to_be_visible()
    expect(table.get_by_text("Plain-20").first).to_be_visible()
    other.close()


def test_a_text_file_named_png_gets_a_sentence(page: Page, server: str) -> None:
    visit(page, f"{server}/explain")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"just some words"}
    )
    expect(page.get_by_test_id("stAlert").first).to_contain_text("notes.png")
    settled(page)


def test_a_link_to_a_run_that_does_not_exist_gets_a_sentence(page: Page, server: str) -> None:
    visit(page, f"{server}/compare?runs=nosuchrun")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("nosuchrun")
