"""The main journeys, as a newcomer takes them: nothing read, nothing prepared."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
TRAINED = 240_000  # ms: two networks of 8 layers, one epoch of Shapes-10, on two busy cores
FIRST_POINT = 120_000  # ms: the workers may still be getting ready


def test_train_twins_compare_them_explain_a_picture_and_send_the_link(visitor, new_visitor):
    page = visitor.page
    visitor.visit("train?depth=8")
    page.get_by_role("spinbutton", name="Epochs").fill("1")
    page.get_by_role("button", name="Train ResNet-8 and its twin").click()  # at once: what was typed counts

    expect(page.locator("[class*=st-key-live_] .js-plotly-plot").first).to_be_visible(timeout=FIRST_POINT)
    expect(page.get_by_text(re.compile("Done · test error"))).to_have_count(2, timeout=TRAINED)
    expect(page.get_by_text("of 79")).to_have_count(0)

    visitor.go("Compare")
    for figure in ("curves", "layers_at_step", "layers_over_time"):
        expect(visitor.chart(figure)).to_be_visible()
    assert re.search("runs=[^&]+(,|%2C)", page.url)
    link = page.url.removeprefix(visitor.app.address + "/")

    visitor.go("Explain")
    expect(visitor.chart("predictions")).to_be_visible(timeout=60_000)
    expect(visitor.chart("maps")).to_be_visible(timeout=60_000)

    visitor.go("Story")
    expect(visitor.chart("story_curves")).to_be_visible()

    other = new_visitor()
    other.visit(link)
    table = other.page.get_by_test_id("stSidebar")
    expect(table.get_by_text("ResNet-8").first).to_be_visible()
    expect(table.get_by_text("Plain-8").first).to_be_visible()
    expect(other.chart("curves")).to_be_visible()


def test_stop_then_resume_then_stop_again(visitor):
    page = visitor.page
    visitor.visit("train?depth=20")
    visitor.choose("kind", "With skips")
    page.get_by_role("button", name="Train ResNet-20").click()
    card = page.locator("[class*=st-key-card_]").filter(has_text="ResNet-20")
    expect(card.get_by_text(re.compile(r"step [\d,]+ of 313"))).to_be_visible(timeout=FIRST_POINT)

    card.get_by_role("button", name="Stop").click()
    stopped = card.get_by_text(re.compile(r"Stopped at step [\d,]+"))
    expect(stopped).to_be_visible(timeout=60_000)
    step = step_in(stopped.inner_text())
    assert 0 < step < 313

    card.get_by_role("button", name="Resume").click()
    going = card.get_by_text(re.compile(r"step [\d,]+ of 313"))
    expect(going).to_be_visible(timeout=FIRST_POINT)
    assert step_in(going.inner_text()) >= step

    card.get_by_role("button", name="Stop").click()
    expect(stopped).to_be_visible(timeout=60_000)
    assert step_in(stopped.inner_text()) >= step


def step_in(text: str) -> int:
    """The number behind the word step."""
    return int(re.search(r"step ([\d,]+)", text).group(1).replace(",", ""))


def test_a_run_of_the_command_line_shows_up_and_two_visitors_keep_their_own_table(trained, new_visitor):
    plain, residual = trained
    one, other = new_visitor(), new_visitor()
    one.visit(f"compare?runs={plain}")
    other.visit(f"compare?runs={residual}")
    expect(one.chart("curves")).to_be_visible()
    expect(other.chart("curves")).to_be_visible()
    for person in (one, other):
        person.page.get_by_role("link", name="Explain").click()  # both ask at the same moment
    for person, own, foreign in ((one, plain, residual), (other, residual, plain)):
        expect(person.chart("maps")).to_be_visible(timeout=60_000)
        person.settled()
        assert own in person.page.url and foreign not in person.page.url


def test_a_link_to_a_run_that_does_not_exist_gets_a_sentence(visitor):
    visitor.visit("compare?runs=nosuchrun")
    expect(visitor.alert).to_contain_text("nosuchrun")


def test_a_run_that_is_renamed_stays_on_the_table(visitor, trained):
    page = visitor.page
    run = visitor.app.command("import", str(exported(visitor.app, trained[0]))).strip()
    visitor.visit(f"runs?runs={run}")
    page.get_by_placeholder("Name, tag, dataset or state").fill(run)
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"1 of \d+ runs"))).to_be_visible()
    visitor.settled()
    cells = page.get_by_test_id("stDataFrame").locator("canvas").first
    expect(cells).to_be_visible()
    corner = cells.bounding_box()
    page.mouse.click(corner["x"] + 20, corner["y"] + 55)  # the tick of the first row
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_visible()
    name.fill("Another name")
    name.press("Enter")
    visitor.settled()
    page.get_by_role("button", name="Save").click()
    table = page.get_by_test_id("stSidebar")
    expect(table.get_by_text("Another name").first).to_be_visible()
    visitor.go("Compare")
    expect(visitor.chart("curves")).to_be_visible()
    visitor.choose("y", "Loss")  # the browser sends the table back with every choice
    expect(table.get_by_text("Another name").first).to_be_visible()
    assert run in page.url


def exported(app, run: str):
    """A file with that run."""
    file = app.home / f"{run}.skiprun"
    app.command("export", run, "--out", str(file))
    return file


def test_back_undoes_a_choice_that_the_address_carries(visitor):
    page = visitor.page
    visitor.visit("train?kind=residuals")
    expect(visitor.alert).to_contain_text("none of the choices")
    visitor.choose("kind", "Without")
    expect(page).to_have_url(re.compile("kind=plain"))
    expect(page.get_by_role("button", name="Train Plain-20")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Train ResNet-20 and its twin")).to_be_visible()
    expect(visitor.alert).to_contain_text("none of the choices")
