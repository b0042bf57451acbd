"""Text from outside (addresses, names, tags, classes, files, sentences of errors) is shown as text: it makes no link,
no colour, no formula and no icon. Looked for in everything that a page sends to the browser.
"""

import dataclasses
import re
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.attribution.answers_text import describe_doubt
from resnet_core.compute.status import DataTask
from tests.pages.conftest import Page, add_noise

HOSTILE = "[x](http://evil) :red[y] $a$ <b>z</b> `c` :material/home: www.evil.de"
MARKUP = re.compile(r"(?<!\\)\[x|://evil|:red\[y|(?<!\\)\$a|(?<!\\)<b>|(?<!\\)`c|:material/home|www\.evil")
PLAIN = {"options", "default", "placeholder", "alt", "id", "code_text", "data", "url", "raw_values", "spec"}
"""Fields that the browser shows as they are, or not at all."""
CLASSES = tuple(f"{HOSTILE} {i}" for i in range(10))


def texts(message: Message, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a message to the browser that it may take for Markdown, after the path of its field."""
    for field, value in message.ListFields():
        values = list(value) if field.is_repeated else [value]
        if field.name in PLAIN and not (values and isinstance(values[0], Message)):
            continue
        for each in values:
            if isinstance(each, Message):
                yield from texts(each, f"{path}.{field.name}")
            elif isinstance(each, str):
                yield f"{path}.{field.name}", each


def markup(at: Page) -> list[tuple[str, str]]:
    """What on the page could be taken for markup, and where."""
    found = [text for node in [*at.main, *at.sidebar] if node.proto for text in texts(node.proto, type(node).__name__)]
    found += [("table", str(cell)) for table in at.table for cell in [*table.value.index, *table.value.values.flat]]
    return [(where, text) for where, text in found if MARKUP.search(text)]


@pytest.fixture
def hostile(lab):
    """A lab in which everything that can have a name has this one."""
    add_noise(lab.home, "hostile", CLASSES, title=HOSTILE, source=HOSTILE)
    for until in ("done", "running", "failed", "stopped", "queued"):
        lab.add(until=until, name=HOSTILE, dataset="hostile", tags=(HOSTILE,))
        lab.store.set_facts(lab.runs[-1], lab.store.get(lab.runs[-1]).facts | {"classes": list(CLASSES)})
    lab.add_twins(name=HOSTILE, dataset="hostile")  # for the story
    return lab


PAGES = ("story", "design", "train", "compare", "explain", "runs")


@pytest.mark.parametrize("page", PAGES)
def test_names_are_no_markup_on_any_page(hostile, open_page, page):
    assert markup(open_page(page, runs=",".join(hostile.runs[:5]))) == []


@pytest.mark.parametrize("page", PAGES)
def test_addresses_are_no_markup_on_any_page(lab, open_page, page):
    names = ("runs", "kind", "depth", "net", "beside", "quantity", "seeds", "pictures", "dataset", "recipe", "epochs")
    names += ("seed", "lr", "skips", "twin", "norm", "y", "x", "log", "statistic", "step", "networks_from")
    at = open_page(page, **dict.fromkeys(names, HOSTILE))
    assert at.says("warning", "x") and markup(at) == []
    at = open_page("train", kind="design", net=HOSTILE)
    assert at.says("warning", "cannot be built") and markup(at) == []


@pytest.mark.parametrize("page", ["design", "train", "explain"])
def test_sentences_of_errors_are_no_markup(lab, open_page, page):
    lab.service.refusal = HOSTILE
    at = open_page(page, runs=lab.add().id)
    assert at.says("error", "evil") and markup(at) == []


def test_machines_and_tasks_are_no_markup(lab, open_page, monkeypatch):
    tasks = [DataTask("1", HOSTILE, "failed", error=HOSTILE), DataTask("2", HOSTILE, message=HOSTILE)]
    monkeypatch.setattr(lab.service, "data_tasks", lambda: tasks)
    lab.service._problem = HOSTILE
    at = open_page("runs")
    assert at.says("error", "evil") and at.says("caption", "red", "evil") and markup(at) == []


def test_answers_maps_and_checks_are_no_markup(hostile, open_page):
    at = open_page("explain", runs=",".join(hostile.runs[:2]))
    at.selectbox(key="picture_dataset").set_value("dots").run()
    assert at.says("caption", "evil") and markup(at) == []
    at.segmented_control(key="picture_from").set_value("upload").run()
    at.file_uploader(key="picture").set_value([(f"{HOSTILE.replace('/', ' ')}.png", b"x", "image/png")]).run()
    assert at.says("error", "evil") and markup(at) == []


def test_the_same_weights_are_no_markup(hostile, open_page, monkeypatch):
    answers = [SameWeights("as trained", None, error=0.1), SameWeights("all added", None, impossible=HOSTILE)]
    monkeypatch.setattr(hostile.service, "compare_same_weights", lambda *_: answers)
    at = open_page("compare", runs=hostile.runs[0])
    at.button(key="ask_same_weights").click().run()
    assert len(at.table) and markup(at) == []


@pytest.mark.parametrize("damage", ["dataset", "spec", "gallery"])
def test_a_picked_run_is_no_markup(hostile, open_page, damage, monkeypatch):
    run = hostile.runs[0]
    changed = {
        "dataset": {"facts": {"grown_from": {"id": "x", "name": HOSTILE}}},
        "spec": {"spec": {HOSTILE: 1}},
        "gallery": {"origin": "gallery"},
    }[damage]
    real = hostile.store.runs
    monkeypatch.setattr(
        hostile.store,
        "runs",
        lambda *states: [dataclasses.replace(each, **changed) if each.id == run else each for each in real(*states)],
    )
    at = open_page("runs")
    row = at.dataframe[0].value["id"].tolist().index(run)
    at.session_state[at.dataframe[0].key] = {"selection": {"rows": [row]}}
    assert markup(at.run()) == []


def test_a_doubt_is_no_markup():
    assert not MARKUP.search(describe_doubt(HOSTILE, 0.0, f"500 test pictures of {HOSTILE}"))
