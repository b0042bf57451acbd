"""Imports run one way, and the app's process stays free of torch.

Which module imports which is read from the sources, lazy imports inside functions included; what importing them really
loads is then seen in a few fresh processes.
"""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {  # package -> packages of the core that it may import, directly or through others
    "networks": set(),
    "data": {"networks"},
    "trained": {"networks", "data"},
    "training": {"networks", "data"},
    "analysis": {"networks", "data", "trained"},
    "attribution": {"networks", "data", "trained"},
    "runs": {"networks", "data", "training", "trained"},
    "figures": {"networks", "data", "runs", "training", "attribution", "trained"},
    "compute": {"networks", "data", "trained", "training", "analysis", "attribution", "runs"},
    "gallery": {"networks", "data", "trained", "training", "analysis", "attribution", "runs", "compute"},
}
BARE = ("networks", "data", "trained", "training", "analysis")  # packages that run on a bare GPU machine
LOADS_TORCH = {"torch", "torchvision", "captum", "safetensors.torch"}
"""Third-party modules whose import loads torch."""

HEAVY = {*LOADS_TORCH, "ray"}

TORCHLESS = (  # packages and modules that never load torch
    "resnet_core.figures",
    "resnet_core.gallery",
    "resnet_core.runs",
    "resnet_core.compute.cluster",
    "resnet_core.compute.data_tasks",
    "resnet_core.compute.data_work",
    "resnet_core.compute.inference_client",
    "resnet_core.compute.inference_worker",
    "resnet_core.compute.jobs",
    "resnet_core.compute.local",
    "resnet_core.compute.service",
    "resnet_core.compute.supervisor",
    "resnet_core.data.catalog",
    "resnet_core.data.pictures",
)

FREE = "No torch."


@dataclass
class Module:
    """What a module's source says: its docstring and the modules that it names in import statements."""

    docstring: str
    imports: set[str] = field(default_factory=set)  # when it is imported itself
    lazy: set[str] = field(default_factory=set)  # inside functions


def dotted(path: Path) -> str:
    """The name under which a file of this project is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def sources() -> dict[str, Module]:
    """Every module of the core and of the pages, by its dotted name."""
    files = [path for folder in ("resnet_core", "pages") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {}
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = Module(ast.get_docstring(tree) or "")
        _collect(tree.body, module.imports, module.lazy)
        found[dotted(path)] = module
    return found


def _collect(body: Iterable[ast.AST], now: set[str], lazy: set[str]) -> None:
    """Sort the imports below these statements by when they run; those for type checkers never do."""
    for node in body:
        if isinstance(node, ast.Import):
            now.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            now.add(node.module)
            now.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            _collect(ast.iter_child_nodes(node), lazy, lazy)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            _collect(node.orelse, now, lazy)
        else:
            _collect(ast.iter_child_nodes(node), now, lazy)


def reached(names: Iterable[str], lazy: bool = False) -> set[str]:
    """Every name that importing these modules imports, directly or through modules of this project."""
    modules, seen, todo = sources(), set(), list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if "." in name:
            todo.append(name.rpartition(".")[0])  # a package is imported before its modules
        if name in modules:
            todo += modules[name].imports | (modules[name].lazy if lazy else set())
    return seen


def is_script(name: str) -> bool:
    """Whether importing the module runs it: the pages themselves, and ``python -m``."""
    return bool(re.fullmatch(r"pages\.site|pages\.\w+\.page|resnet_core\.__main__", name))


@functools.cache
def packages() -> set[str]:
    return {dotted(path) for folder in ("resnet_core", "pages") for path in (ROOT / folder).rglob("__init__.py")}


def importable(package: str) -> list[str]:
    """The modules of a package that can be imported without running a page."""
    return [name for name in sources() if name.startswith(f"{package}.") and not is_script(name)]


def loaded_after(statement: str, home: Path | None = None) -> set[str]:
    """Names of the modules in ``sys.modules`` after the statement, in a process of its own."""
    code = f"{statement}\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    env = os.environ | ({"SKIP_EXPLORER_HOME": str(home)} if home else {})
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def imports(names: Iterable[str]) -> str:
    return "\n".join(f"import {name}" for name in names)


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    found = {name.split(".")[1] for name in reached(importable(f"resnet_core.{package}"), lazy=True) if _of_core(name)}
    allowed = LAYERS[package] | {package}
    assert found <= allowed, f"resnet_core/{package} imports {sorted(found - allowed)}; it may import {sorted(allowed)}"


def _of_core(name: str) -> bool:
    """Whether the name is of a part of the core that has a place in the layers."""
    return name.startswith("resnet_core.") and name.split(".")[1] in {*LAYERS, "cli"}


@pytest.mark.slow
def test_what_trains_on_a_bare_machine_needs_nothing_of_the_app() -> None:
    names = [name for package in BARE for name in importable(f"resnet_core.{package}")]
    assert not loaded_after(imports(names)) & {"streamlit", "ray", "captum", "plotly", "sqlalchemy", "psutil"}


def test_the_core_never_imports_streamlit() -> None:
    assert "streamlit" not in reached([name for name in sources() if name.startswith("resnet_core")], lazy=True)


def test_a_module_says_no_torch_exactly_when_importing_it_loads_none() -> None:
    """Read from the sources; the next test sees in a fresh process that nothing was overlooked."""
    for name in sorted(set(sources()) - packages()):
        first_paragraph = sources()[name].docstring.split("\n\n")[0].rstrip()
        culprits = reached([name]) & LOADS_TORCH
        if culprits:
            assert FREE not in first_paragraph, (
                f"{name} imports {sorted(culprits)[0]}: its docstring must not say {FREE!r}"
            )
        else:
            assert first_paragraph.endswith(FREE), (
                f"Importing {name} loads no torch: end the first paragraph of its module docstring with {FREE!r} "
                "(or, if a third-party package loads torch here, add that package to LOADS_TORCH)"
            )


def test_what_says_no_torch_loads_none_in_a_fresh_process() -> None:
    free = [name for name in sources() if FREE in sources()[name].docstring.split("\n\n")[0] and not is_script(name)]
    assert not loaded_after(imports(free)) & LOADS_TORCH


def test_what_the_app_and_fresh_workers_import_loads_no_torch() -> None:
    """Whatever their docstrings say: what waits, reads, draws and plans must not cost a process torch's memory."""
    names = [name for package in TORCHLESS for name in (importable(package) or [package])]
    assert set(names) <= set(sources())
    loading = {name: reached([name]) & LOADS_TORCH for name in names}
    assert {name: culprits for name, culprits in loading.items() if culprits} == {}


def test_results_of_torch_computations_travel_without_torch() -> None:
    """``<computation>_result.py`` beside a module with torch is what a process without torch may import."""
    results = [name for name in sources() if name.endswith("_result")]
    assert results
    for name in results:
        assert not reached([name]) & LOADS_TORCH, f"{name} must be importable without torch"
        computation = name.removesuffix("_result")
        assert computation in sources(), f"{name} holds the result of no module: {computation} does not exist"
        assert reached([computation]) & LOADS_TORCH, f"{computation} needs no torch: {name} may be a part of it"


def test_a_page_is_made_of_its_own_folder_and_of_what_pages_share() -> None:
    for name, module in sources().items():
        if name.startswith("pages.") and name != "pages.site":
            folder = name.split(".")[1]
            others = {each for each in module.imports | module.lazy if each.startswith("pages.")}
            foreign = {each for each in others if each.split(".")[1] not in (folder, "parts")}
            assert not foreign, f"{name} imports {sorted(foreign)}: move what two pages need to pages/parts"


def test_pages_read_through_the_service_alone() -> None:
    """Where things lie on disk is for the service to know; only pages/parts/backend.py may look for the home."""
    beneath = {"home", "data.catalog", "data.storage", "runs.bundle", "runs.database", "runs.files", "runs.store"}
    for name, module in sources().items():
        if name.startswith("pages.") and name != "pages.parts.backend":
            found = {each for each in module.imports | module.lazy if each.removeprefix("resnet_core.") in beneath}
            assert not found, f"{name} imports {sorted(found)}: ask the service"


@pytest.mark.parametrize("module", ["app", "resnet_core.cli"])
def test_the_server_and_the_command_line_start_without_torch_and_ray(module: str, tmp_path: Path) -> None:
    assert not loaded_after(f"import {module}", tmp_path) & HEAVY


@pytest.mark.slow
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
    assert not loaded_after(visit, tmp_path) & HEAVY
