"""What a visitor waits for: first paint, reruns, live ticks, the first point of a curve; and the app's memory.

    python -m benchmarks.pages

Starts the app with a home of its own and looks at it through headless Chromium; reruns and ticks are timed in this
process, without a browser (streamlit.testing), on a copy of that home. Writes results/pages.json.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit.testing.v1 import AppTest

from benchmarks.machine import describe_origin
from resnet_core.compute import service as services
from resnet_core.compute.inference_worker import QUESTIONS
from resnet_core.compute.jobs import import_function
from resnet_core.compute.sources import find_weights
from resnet_core.runs.store import RunStore
from resnet_core.trained.loaded import load_net
from resnet_core.trained.net import TrainedNet

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
GOALS = {
    "first_paint_s": 3.0,
    "rerun_s": 0.3,
    "idle_tick_s": 0.02,
    "app_memory_mb": 400,
    "click_to_first_point_s": 10.0,
}
FIGURE = ".js-plotly-plot"
PAGES = {  # folder of a page -> its address, and what has to be seen beside the heading
    "story": ("", FIGURE),
    "design": ("design", FIGURE),
    "train": ("train", ".st-key-train button"),
    "compare": ("compare", FIGURE),
    "explain": ("explain", FIGURE),
    "runs": ("runs", "[data-testid=stDataFrame]"),
}
MINUTES = 60_000  # ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder (default: %(default)s)")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        home = Path(folder) / "home"
        os.environ["SKIP_EXPLORER_HOME"] = str(home)
        with app(home) as (address, process), chromium() as browser:
            runs = train_on_the_command_line()
            wait_until_warm(browser, address)
            found: dict = {}

            def save(**part: object) -> None:
                """Write what was measured so far, so that an interruption keeps it."""
                found.update(part)
                about = describe_origin("benchmarks.pages", ["--repeats", str(args.repeats)])
                about |= {"goals": GOALS, "met": check_goals(found)}
                args.out.mkdir(parents=True, exist_ok=True)
                (args.out / "pages.json").write_text(json.dumps({"about": about, **found}, indent=2) + "\n")

            save(first_paint_s=first_paints(browser, address, runs, args.repeats))
            save(app_memory_mb=memory_mb(process.pid), torch_in_app=has_torch(process.pid))
            save(click_to_first_point_s=first_points(browser, address, args.repeats))
            with training_on_every_core(browser, address):
                save(first_paint_while_training_s=first_paints(browser, address, runs, args.repeats))
            save(app_memory_after_all_mb=memory_mb(process.pid))
        copy = Path(folder) / "copy"
        shutil.copytree(home, copy)
        os.environ["SKIP_EXPLORER_HOME"] = str(copy)
        answer_in_this_process(copy)
        save(rerun_s=reruns(runs, args.repeats))
        save(idle_tick_s=ticks(runs[0], args.repeats))
    print(json.dumps(check_goals(found), indent=2))


# The app and the browser


@contextmanager
def app(home: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app's address and process; it ends with this block."""
    home.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = ["-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1", "--server.port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_for(lambda: is_up(f"{address}/_stcore/health"), 60)
        yield address, process
    finally:
        process.terminate()
        process.wait(60)


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.1)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def visitor(browser: Browser) -> Iterator[Page]:
    """A person with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(3 * MINUTES)
    expect.set_options(timeout=3 * MINUTES)
    yield context.new_page()
    context.close()


def wait_until_settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def train_on_the_command_line() -> list[str]:
    """Ids of a plain and a residual network with some steps behind them: something to show."""
    words = ["-m", "resnet_core", "train", "--steps", "40", "--batch-size", "64", "--device", "cpu", "--preset"]
    return [
        subprocess.run(
            [sys.executable, *words, name], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("plain-20", "resnet-20")
    ]


def wait_until_warm(browser: Browser, address: str) -> None:
    """Wait until the workers are ready and the cost of twins of 20 layers is measured."""
    with visitor(browser) as page:
        page.goto(f"{address}/train")
        expect(page.get_by_test_id("stSidebar").get_by_text("running,")).to_be_visible()
        page.reload()
        expect(page.get_by_text("images/s measured")).to_be_visible()
        wait_until_settled(page)


# What is measured in the browser


def first_paints(browser: Browser, address: str, runs: Sequence[str], repeats: int) -> dict[str, dict[str, float]]:
    """Seconds for each page from navigation to heading and first figure (or table, or order form), and to the whole
    page. The first visit of a page on this server is listed separately: the caches are empty then.
    """
    found = {}
    for page, (path, sign) in PAGES.items():
        visits = [first_paint(browser, f"{address}/{path}?runs={','.join(runs)}", sign) for _ in range(repeats)]
        painted, whole = zip(*visits, strict=True)
        found[page] = {
            "first_visit": painted[0],
            "median": statistics.median(painted),
            "slowest": max(painted),
            "whole_page_median": statistics.median(whole),
        }
        print(f"{page:8} painted after {found[page]['median']:.2f} s, whole after {statistics.median(whole):.2f} s")
    return found


def first_paint(browser: Browser, url: str, sign: str) -> tuple[float, float]:
    with visitor(browser) as page:
        began = time.perf_counter()
        page.goto(url)
        expect(page.get_by_test_id("stHeading").first).to_be_visible()
        expect(page.locator(sign).first).to_be_visible()
        painted = time.perf_counter() - began
        wait_until_settled(page)
        return painted, time.perf_counter() - began


def first_points(browser: Browser, address: str, repeats: int) -> dict[str, object]:
    """Seconds from the click on "Train" (twins of 20 layers, the page's default) to a curve on the page."""
    seconds = []
    for _ in range(repeats):
        with visitor(browser) as page:
            page.goto(f"{address}/train")
            wait_until_settled(page)
            began = time.perf_counter()
            page.get_by_role("button", name=re.compile("^Train .* and its twin")).click()
            expect(page.locator("[class*=st-key-live_] .js-plotly-plot").first).to_be_visible()
            seconds.append(time.perf_counter() - began)
            stop_all(page)
    print(f"first point after {', '.join(f'{s:.1f}' for s in seconds)} s")
    return {"median": statistics.median(seconds), "slowest": max(seconds), "all": seconds}


@contextmanager
def training_on_every_core(browser: Browser, address: str) -> Iterator[None]:
    """Twins train while this block runs."""
    with visitor(browser) as page:
        page.goto(f"{address}/train")
        wait_until_settled(page)
        page.get_by_role("button", name=re.compile("^Train .* and its twin")).click()
        expect(page.locator("[class*=st-key-live_] .js-plotly-plot").first).to_be_visible()
        yield
        stop_all(page)


def stop_all(page: Page) -> None:
    """Stop the two trainings and wait until nothing runs."""
    for _ in range(2):
        page.get_by_role("button", name="Stop", exact=True).first.click()
        wait_until_settled(page)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(page.get_by_text("keeping what it has learned")).to_have_count(0)


# What is measured of the process


def memory_mb(pid: int) -> float:
    """Resident memory of the app's own process, without its children."""
    kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(kilobytes) / 1000


def has_torch(pid: int) -> bool | None:
    """Whether the process has loaded libtorch; None where the system does not tell."""
    maps = Path(f"/proc/{pid}/maps")
    return "libtorch" in maps.read_text() if maps.exists() else None


# What is measured without a browser


class ServiceWithoutRay(services.Service):
    """Answers in this process, so that reruns can be timed without the work of others."""

    def ask(self, question: str, *args: object, nets: Sequence[TrainedNet] = (), timeout: float = 60.0) -> object:
        loaded = [load_net(net, find_weights(self.store, net)) for net in nets]
        function = import_function(QUESTIONS[question])
        answer = function(loaded, *args) if nets else function(*args)
        return list(answer) if isinstance(answer, Iterator) else answer

    def ask_each(self, *args: object, **more: object) -> Iterator[object]:
        yield from self.ask(*args, **more)


def answer_in_this_process(home: Path) -> None:
    """Pages in this process get their answers from a ServiceWithoutRay."""
    services._services[home.resolve()] = ServiceWithoutRay(home)


def reruns(runs: Sequence[str], repeats: int) -> dict[str, dict[str, float]]:
    """Server time of a rerun of each page, with all answers cached."""
    found = {}
    for page in PAGES:
        at = AppTest.from_file(str(ROOT / "pages" / "site.py"), default_timeout=300)
        at.query_params["runs"] = ",".join(runs)
        at.run()
        at.switch_page(f"{page}/page.py").run()
        times = [time_call(at.run) for _ in range(3 * repeats)]
        if at.exception:
            raise RuntimeError(f"{page}: {at.exception[0].message}")
        found[page] = {"median": statistics.median(times), "slowest": max(times)}
        print(f"{page:8} rerun in {1000 * found[page]['median']:.0f} ms")
    return found


def time_call(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def ticks(run: str, repeats: int) -> dict[str, dict[str, float]]:
    """Server time of one tick of each live part, while a training runs that has nothing new."""
    store = RunStore(Path(os.environ["SKIP_EXPLORER_HOME"]))
    store.set_state(run, "running")
    calls = {
        "cards of the Train page": "job_cards.show_cards_now()",
        "line on the machine": "machine.show_machine_line()",
        "curves of Compare": "curves.show_curves_now('error', 'epoch', False, True)",
    }
    found = {}
    for name, call in calls.items():
        at = AppTest.from_string(TICK.format(run=run, call=call), default_timeout=60).run()
        times = []
        for _ in range(4 * repeats):
            at.run()
            times.append(at.session_state["seconds"])
        if at.exception:
            raise RuntimeError(f"{name}: {at.exception[0].message}")
        found[name] = {"median": statistics.median(times), "slowest": max(times)}
        print(f"{name}: tick in {1000 * found[name]['median']:.1f} ms")
    return found


TICK = """
import time
import streamlit as st
from pages.compare import curves
from pages.parts import machine
from pages.train import job_cards
st.session_state["table"] = [{run!r}]
st.session_state["cards_tick"] = True
began = time.perf_counter()
{call}
st.session_state["seconds"] = time.perf_counter() - began
"""


def check_goals(found: dict) -> dict[str, bool]:
    """Whether each goal that was measured is met, by the median of the slowest page or part."""
    worst = {name: found[name] for name in ("app_memory_mb",) if name in found}
    for name in ("first_paint_s", "first_paint_while_training_s", "rerun_s", "idle_tick_s"):
        if name in found:
            worst[name] = max(row["median"] for row in found[name].values())
    if "click_to_first_point_s" in found:
        worst["click_to_first_point_s"] = found["click_to_first_point_s"]["median"]
    goals = GOALS | {"first_paint_while_training_s": GOALS["first_paint_s"]}
    verdict = {name: worst[name] <= goals[name] for name in worst}
    return verdict | ({"no_torch_in_app": not found["torch_in_app"]} if "torch_in_app" in found else {})


if __name__ == "__main__":
    main()
