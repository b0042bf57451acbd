"""The pages on a home of invented runs. The service is the real one, never started, so without Ray; only what needs
torch (predictions, maps, profiles, speeds) is invented, and everything asked of it is noted."""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.util import calc_hash

from resnet_core.analysis.step0_result import Step0Result
from resnet_core.attribution.explain_result import Attribution
from resnet_core.compute import service as services
from resnet_core.data import storage
from resnet_core.errors import JobError
from resnet_core.gallery import shipped
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.events import CheckpointSaved, EpochEnded, Event, Finished, LayerStats, Started, StepStats
from resnet_core.training.recipe import Recipe

SITE = Path(__file__).parents[2] / "pages" / "site.py"
CLASSES = tuple(f"class {i}" for i in range(10))
STEPS_PER_EPOCH = 10


class Page(AppTest):
    """The app opened on one page; a rerun in which anything raises fails at once."""

    def _run(self, *args: object, **kwargs: object) -> AppTest:
        super()._run(*args, **kwargs)
        self._page_hash = ""  # go on where the app has led, not where switch_page() once went
        assert not self.exception, [f"{error.message}\n{error.stack_trace}" for error in self.exception]
        return self

    def switch_page(self, page: str) -> AppTest:
        """Go to a page by its path in the address, as a link does."""
        self._page_hash = calc_hash(page)
        return self

    def visit_by_menu(self, page: str) -> AppTest:
        """Go to a page by the menu, which empties the address."""
        self.query_params = {}
        return self.switch_page(page).run()

    def go_back(self, **query: str) -> AppTest:
        """Press the browser's Back, which leads to this address of the same page."""
        self.query_params = dict(query)
        back = functools.partial(local_script_runner.RerunData, is_history_navigation=True)
        with mock.patch.object(local_script_runner, "RerunData", back):
            return self.run()

    def says(self, kind: str, *words: str) -> bool:
        """Whether an element of a kind ("error", "warning", "markdown" ...) holds all the words."""
        return any(all(word in as_read(element.value) for word in words) for element in getattr(self, kind))

    def charts(self) -> list[str]:
        """Keys of the figures on the page."""
        return [chart.proto.id.split("-", 2)[2] for chart in self.get("plotly_chart")]  # $$ID-hash-key

    def page_links(self) -> list[str]:
        """Pages that the page offers to go to."""
        return [link.proto.page for link in self.get("page_link")]


def as_read(text: str) -> str:
    """What is read of text that `escape_markdown` has kept from being Markdown."""
    return re.sub(r"\\([^\w\s])", r"\1", text).replace("\u200b", "")


class InventedService(services.Service):
    """The service with answers made up on the spot; ``refusal`` makes it answer nothing."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.ready = True
        self.refusal = ""
        self.asked: list[tuple[str, tuple]] = []

    def machine(self) -> services.Machine:
        found = super().machine()
        return services.Machine("CPU, 2 cores", found.n_running, found.n_waiting, self.ready, found.problem)

    def estimate(self, spec: NetSpec, recipe: Recipe, *args: object, **kwargs: object) -> Estimate:
        self.note("estimate", (spec, recipe))
        return Estimate(0.1, 0.01, 1000.0, 2 << 20, 128, 128, "cpu", "CPU, 2 threads", "fp32", 8 << 30)

    def ask(self, question: str, *args: object, nets: tuple = (), timeout: float = 60.0) -> object:
        self.note(question, (*args, *(net.id for net in nets)))
        answers = {
            "step0": step0_result,
            "predict": probabilities,
            "explain": attributions,
            "trust": measures,
            "survey": scores,
        }
        return answers[question](*args)

    def ask_each(self, question: str, *args: object, nets: tuple = (), timeout: float = 60.0) -> Iterator[object]:
        yield from self.ask(question, *args, nets=nets)

    def note(self, question: str, args: tuple) -> None:
        if self.refusal:
            raise JobError(self.refusal)
        self.asked.append((question, args))


def step0_result(spec: NetSpec, data: str, home: Path, pictures: int, seed: int) -> Step0Result:
    """A gradient that falls by four decades towards the input."""
    blocks, layers = spec.n_blocks + 1, 2 * spec.n_blocks + 2
    falling = np.logspace(-4, 0, blocks)[None]
    weights = np.logspace(-4, 0, layers)[None]
    return Step0Result(
        spec,
        pictures,
        "fp32",
        (seed,),
        tuple(f"block {i}" for i in range(blocks)),
        tuple(f"conv {i}" for i in range(layers)),
        (True,) * (layers - 1) + (False,),
        np.array([2.3]),
        falling,
        mean=np.ones_like(falling),
        variance=np.ones_like(falling),
        weight_grad_rms=weights,
        grad_over_weight=weights,
    )


def probabilities(pixels: np.ndarray) -> list[np.ndarray]:
    values = np.full(len(CLASSES), 0.02, np.float32)
    values[3] = 0.82
    return [values]


def scores(pictures: np.ndarray) -> list[np.ndarray]:
    """All answer class 3; a picture asked about alone scores highest, so no upload is unlike the others."""
    logits = np.zeros((1, len(pictures), len(CLASSES)), np.float32)
    logits[..., 3] = 6 if len(pictures) == 1 else 5
    return [logits]


def attributions(
    pixels: np.ndarray, methods: list[str], target: int, params: dict[str, dict]
) -> list[tuple[int, Attribution]]:
    rng = np.random.default_rng(0)
    return [
        (
            0,
            Attribution(
                method=method,
                target=target,
                map=rng.normal(size=(32, 32)).astype(np.float32),
                raw=None,
                native=rng.normal(size=(8, 8)).astype(np.float32) if method == "grad_cam" else None,
                logits=np.zeros(len(CLASSES), np.float32),
                logit=1.25,
                baseline_logit=None,
                delta=None,
                seconds=0.1,
                params=params.get(method, {}),
            ),
        )
        for method in methods
    ]


def measures(pixels: np.ndarray, attribution: Attribution) -> list[tuple[str, dict[str, object]]]:
    curve = np.linspace(0, 1, 5)
    order = {"deletion": 1 - curve, "insertion": curve, "deletion_random": 1 - curve, "insertion_random": curve}
    areas = {f"{name}_area": area for name, area in zip(order, (0.1, 0.7, 0.4, 0.5), strict=True)}
    return [
        ("completeness", {"delta": 0.01, "change": 2.0, "relative": 0.005}),
        ("randomisation", {"signed": 0.9, "absolute": 0.95, "twin": attribution}),
        ("deletion_insertion", {"fraction": curve, **order, **areas}),
        ("infidelity", {"value": 1.0, "unexplained": 0.3, "scale": 1.0, "samples": 128}),
        ("sensitivity", {"largest": 0.5, "mean": 0.2, "radius": 0.02, "samples": 10}),
    ]


@dataclass
class Lab:
    """A home, its store, and the service that the pages find there."""

    home: Path
    service: InventedService
    runs: list[str] = field(default_factory=list)

    @property
    def store(self) -> RunStore:
        return self.service.store

    def add(self, spec: NetSpec | None = None, *, until: str = "done", **wanted: object) -> Run:
        """A run of an invented training that got as far as ``until``: a state of resnet_core/runs/run.py."""
        spec = spec or NetSpec(depth=8, width=4)
        recipe = Recipe(name="invented", epochs=3, batch_size=10, seed=int(wanted.pop("seed", 0)))
        dataset, name = wanted.pop("dataset", "dots"), wanted.pop("name", spec.name)
        run = self.store.create(spec.to_dict(), recipe.to_dict(), dataset, name=name, **wanted)
        self.runs.append(run)
        facts = {"fingerprint": "0" * 64, "classes": list(CLASSES), "mean": [0.5] * 3, "std": [0.25] * 3}
        if until != "queued":
            self.store.set_facts(run, facts)
            self.store.record(run, [event for event in training(spec, until)])
        if until in ("stopped", "failed"):
            self.store.set_state(run, until, "The loss became infinite at step 12 in conv1." * (until == "failed"))
        return self.store.get(run)

    def add_twins(self, **wanted: object) -> tuple[Run, Run]:
        """A finished plain and residual network of one group."""
        spec = NetSpec(depth=8, width=4)
        return self.add(spec.twin(), group="twins-1", **wanted), self.add(spec, group="twins-1", **wanted)


def training(spec: NetSpec, until: str) -> Iterator[Event]:
    """Three epochs, or for a training that did not get to its end one and a half."""
    weights = ("conv1", *(f"layer{i}.0.conv{j}" for i in (1, 2, 3) for j in (1, 2)), "fc")
    blocks = ("relu", "layer1.0", "layer2.0", "layer3.0")
    end = 3 * STEPS_PER_EPOCH
    yield Started(0, end, STEPS_PER_EPOCH, "cpu", "CPU, 2 threads", "fp32", 1234, 100, weights, blocks, "none")
    yield layer_stats(0, len(weights), len(blocks))
    for step in range(5, (end if until == "done" else 15) + 1, 5):
        yield StepStats(step, 2 / step, 0.5, 0.1, 100.0)
        yield layer_stats(step, len(weights), len(blocks))
        if step % STEPS_PER_EPOCH == 0:
            epoch = step // STEPS_PER_EPOCH
            yield EpochEnded(epoch, step, 2 / step, 0.4 / epoch, 3 / step, 0.5 / epoch, 1.5)
            yield CheckpointSaved(step, epoch, b"state")
    if until == "done":
        yield Finished(end, 4.5, b"the weights")


def layer_stats(step: int, n_weights: int, n_blocks: int) -> LayerStats:
    rng = np.random.default_rng(step)
    return LayerStats(
        step,
        rng.uniform(0.1, 1, (n_weights, 3)).astype(np.float32),
        rng.uniform(0.1, 1, (n_blocks, 3)).astype(np.float32),
    )


@pytest.fixture(autouse=True, scope="session")
def one_search_for_components() -> Iterator[None]:
    """Every new AppTest reads the metadata of all installed packages in search of Streamlit components: two thirds of
    a test's time. Once is enough.
    """
    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture
def lab(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A home without runs, with one small dataset of ten classes."""
    monkeypatch.setattr(shipped, "install", lambda store: [])  # a home without the runs that ship
    service = InventedService(home)
    monkeypatch.setitem(services._services, home.resolve(), service)
    st.cache_data.clear()  # keyed by a run's id and step: another test's run may have the same
    st.cache_resource.clear()
    add_noise(home, "dots", CLASSES)
    yield Lab(home, service)
    service.store.close()


def add_noise(
    home: Path,
    name: str,
    classes: tuple[str, ...],
    *,
    title: str | None = None,
    source: str = "Noise for a test.",
    n_test: int = 20,
    unbalanced: bool = False,
) -> None:
    """A dataset of 40 training and some test pictures; unbalanced: half of them of the first class."""
    rng = np.random.default_rng(0)
    with storage.new_folder(home) as folder:
        for part, count in (("train", 40), ("test", n_test)):
            storage.save_array(folder, f"x_{part}", rng.integers(0, 256, (count, 32, 32, 3), np.uint8))
            labels = np.arange(count) % len(classes)
            storage.save_array(
                folder, f"y_{part}", np.where(np.arange(count) < count // 2, 0, labels) if unbalanced else labels
            )
        storage.commit(folder, home, name=name, title=title or name.capitalize(), classes=classes, source=source)


@pytest.fixture
def open_page(lab: Lab) -> Callable[..., Page]:
    """``open_page("compare", runs="a,b")``: a fresh visitor on a page's address."""

    def visit(page: str, **query: str) -> Page:
        at = Page(SITE, default_timeout=60)
        at.query_params.update(query)
        return at.switch_page(page).run()

    return visit


@pytest.fixture
def add_dataset(lab: Lab) -> Callable[..., None]:
    """``add_dataset("three", classes=3)``: one more dataset of one's own."""
    return lambda name, classes: add_noise(lab.home, name, tuple(f"kind {i}" for i in range(classes)))
