"""The Design page in a browser: what AppTest cannot do is click in a drawing."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def click_tile(visitor, number: int) -> None:
    """Clicks the middle of a block's tile, counted from 1."""
    tile = visitor.page.locator("[class*=st-key-drawing] .barlayer .point path").nth(number - 1)
    expect(tile).to_be_visible()
    box = tile.bounding_box()
    visitor.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_on_a_block_switches_its_skip_and_another_click_switches_it_back(visitor):
    visitor.visit("design?net=residual-8")
    click_tile(visitor, 2)
    expect(visitor.page.get_by_role("heading", name="ResNet-8 · skips 101")).to_be_visible()
    visitor.settled()
    assert "net=residual-8~k5" in visitor.page.url
    click_tile(visitor, 2)
    expect(visitor.page.get_by_role("heading", name="ResNet-8", exact=True)).to_be_visible()


def test_back_undoes_the_last_choice_and_leaves_the_page_after_the_first(visitor):
    page = visitor.page
    visitor.visit()
    visitor.go("Design")
    expect(page.get_by_role("heading", name="ResNet-20", exact=True)).to_be_visible()
    visitor.choose("skip_pattern", "Every 2nd")
    expect(page.get_by_role("heading", name=re.compile("ResNet-20 · skips 101010101"))).to_be_visible()
    visitor.choose("case", "Batch norm, as in the paper: with and without skips")
    page.wait_for_url(re.compile("net=plain-56"))
    visitor.settled()
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("ResNet-20 · skips 101010101"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="ResNet-20", exact=True)).to_be_visible()
    visitor.settled()
    assert "net=" not in page.url
    page.go_back()
    expect(page.get_by_role("heading", name="The story of the skip connection")).to_be_visible()


def test_a_question_lays_its_designs_side_by_side_and_measures_them(visitor):
    visitor.visit("design?net=residual-8")
    expect(visitor.page.locator("[class*=st-key-step0_] .js-plotly-plot")).to_be_visible(timeout=60_000)
    visitor.choose("case", "Batch norm, as in the paper: with and without skips")
    visitor.page.wait_for_url(re.compile("net=plain-56.*beside=residual-56|beside=residual-56.*net=plain-56"))
    expect(visitor.page.get_by_text(re.compile("Plain-56.*ResNet-56.*goes from")).first).to_be_visible(timeout=90_000)


def test_a_link_to_no_network_gets_a_sentence(visitor):
    visitor.visit("design?net=residual-21")
    expect(visitor.alert).to_contain_text("21")
    expect(visitor.page.locator("[class*=st-key-drawing] .js-plotly-plot")).to_be_visible()
