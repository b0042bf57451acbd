"""Imports run one way, and the app's process stays free of torch: each line held in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {  # package -> packages of the core that it may import
    "networks": set(),
    "data": {"networks"},
    "training": {"networks", "data"},
    "analysis": {"networks", "data"},
    "attribution": {"networks", "data"},
    "runs": {"networks", "training"},
    "figures": {"networks", "runs", "training", "attribution"},
}
HEAVY = ("torch", "torchvision", "captum", "ray")


def loaded_after(statement: str, home: Path | None = None) -> set[str]:
    """Names of the modules in ``sys.modules`` after the statement, in a process of its own."""
    code = f"{statement}\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    env = os.environ | ({"SKIP_EXPLORER_HOME": str(home)} if home else {})
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules(folder: str) -> list[str]:
    """Dotted names of the modules below a folder."""
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(statement: str) -> list[str]:
    return [f"import {name}" for name in modules(statement) if not name.endswith("__main__")]


def page_modules() -> list[str]:
    """What the pages are made of; the scripts themselves run in Streamlit only."""
    return [line for line in imports("pages") if not line.endswith((".page", ".site"))]


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    loaded = loaded_after("\n".join(imports(f"resnet_core/{package}")))
    seen = {name.split(".")[1] for name in loaded if name.startswith("resnet_core.") and name.count(".") >= 1}
    assert seen & {*LAYERS, "compute", "cli"} <= LAYERS[package] | {package}


@pytest.mark.parametrize("package", ["networks", "data", "training", "analysis"])
def test_what_trains_on_a_bare_machine_needs_nothing_of_the_app(package: str) -> None:
    loaded = loaded_after("\n".join(imports(f"resnet_core/{package}")))
    assert not loaded & {"streamlit", "ray", "captum", "plotly", "sqlalchemy"}


def test_the_core_never_imports_streamlit() -> None:
    assert "streamlit" not in loaded_after("\n".join(imports("resnet_core")))


@pytest.mark.parametrize(
    "module",
    [
        "resnet_core.compute.service",
        "resnet_core.networks.spec",
        "resnet_core.networks.presets",
        "resnet_core.networks.summary",
        "resnet_core.training.recipe",
        "resnet_core.training.events",
        "resnet_core.runs.store",
        "resnet_core.runs.bundle",
        "resnet_core.data.catalog",
        "resnet_core.data.pictures",
        "resnet_core.attribution.methods",
        "resnet_core.cli",
    ],
)
def test_what_the_app_imports_brings_no_torch(module: str) -> None:
    assert not loaded_after(f"import {module}") & set(HEAVY)


def test_no_figure_and_no_page_brings_torch() -> None:
    statements = imports("resnet_core/figures") + page_modules()
    assert not loaded_after("\n".join(statements)) & set(HEAVY)


def test_what_the_server_starts_with_brings_no_torch_and_no_ray(tmp_path: Path) -> None:
    assert not loaded_after("import app", tmp_path) & set(HEAVY)


def test_no_page_brings_torch_when_somebody_visits_it(tmp_path: Path) -> None:
    visit = """
from streamlit.testing.v1 import AppTest
from resnet_core.compute import service
service.WAIT_FOR_START_S = 0  # nobody starts it here
at = AppTest.from_file("pages/site.py", default_timeout=60).run()
for page in ("story", "design", "train", "compare", "explain", "runs"):
    at.switch_page(f"{page}/page.py").run()
    assert at.title and not at.exception, page
"""
    visit = visit.replace('"pages/site.py"', repr(str(ROOT / "pages" / "site.py")))
    assert not loaded_after(visit, tmp_path) & set(HEAVY)
