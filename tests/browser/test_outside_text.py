"""Names and addresses in a browser: nothing in them becomes a link, a style, a formula or an icon."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from resnet_core.runs.store import RunStore
from tests.pages.conftest import add_noise

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HOSTILE = "[x](http://evil.de) :red[y] $a$ <b>z</b> `c` www.evil.de :material/home: :smile:"
MADE = (
    "a[href*=evil], .katex, .stMarkdownColoredText:text-is('y'), b:text-is('z'), strong:text-is('z'), "
    "code:text-is('c'), [aria-label='home icon'], [aria-label*=emoji]"
)


def test_names_and_addresses_are_shown_as_they_are(visitor, trained):
    page, app = visitor.page, visitor.app
    file = app.home / "hostile.skiprun"
    app.command("export", trained[1], "--out", str(file))
    run = app.command("import", str(file)).strip()
    add_noise(app.home, "hostile", tuple(f"{HOSTILE} {i}" for i in range(3)), title=HOSTILE, source=HOSTILE)
    store = RunStore(app.home)
    store.rename(run, HOSTILE)
    store.tag(run, [HOSTILE])
    store.close()
    link = f"runs={run}&kind={quote(HOSTILE)}&net={quote(HOSTILE)}&y={quote(HOSTILE)}&networks_from={quote(HOSTILE)}"
    for where in ("design", "train", "compare", "explain", "runs"):
        visitor.visit(f"{where}?{link}")
        if where == "runs":
            page.get_by_role("tab", name="Data").click()
            expect(page.get_by_test_id("stMain").get_by_text("[x](http").first).to_be_visible()
        else:
            expect(visitor.alert).to_contain_text("[x](http")
        if where == "compare":
            expect(visitor.chart("curves")).to_be_visible()
        if where == "explain":
            expect(visitor.chart("maps")).to_be_visible(timeout=60_000)
            visitor.settled()
        assert page.locator(MADE).all_text_contents() == [], where
