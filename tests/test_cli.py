"""The command line, mostly in this process: exit codes, sentences, JSON, and what lies in the store afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from resnet_core import cli
from resnet_core.gallery import shipped
from resnet_core.runs.store import RunStore
from resnet_core.training.events import StepStats

ROOT = Path(__file__).parent.parent
COMMANDS = ("train", "runs", "describe", "evaluate", "export", "import")
SHORT = ("--preset", "resnet-8", "--batch-size", "8", "--device", "cpu", "--json")


@pytest.fixture(autouse=True)
def nothing_ships(monkeypatch):
    """Homes without the runs that ship with the lab."""
    monkeypatch.setattr(shipped, "install", lambda store: [])


@pytest.fixture
def call(home, capsys):
    """``call("runs", "--json")``: exit code, lines of stdout, stderr."""

    def run(*words: str) -> tuple[int, list[str], str]:
        try:
            code = cli.main(words)
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    """Pictures of four classes, told apart by their brightness."""
    return save_npz(tmp_path / "greys.npz")


def save_npz(path: Path, **changes: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 32), ("test", 8)):
        labels = np.arange(count) % 4
        noise = rng.integers(0, 40, (count, 32, 32, 3))
        arrays |= {f"x_{part}": (labels[:, None, None, None] * 60 + noise).astype(np.uint8), f"y_{part}": labels}
    np.savez(path, **(arrays | changes))
    return path


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory) -> Path:
    """A home with one run that was trained for three steps."""
    folder = tmp_path_factory.mktemp("trained")
    data = str(save_npz(folder / "greys.npz"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shipped, "install", lambda store: [])
        assert cli.main(["train", *SHORT, "--data", data, "--steps", "3", "--home", str(folder / "home")]) == 0
    return folder / "home"


@pytest.fixture
def trained(trained_home, home) -> str:
    """The id of a run in a copy of that home."""
    shutil.copytree(trained_home, home)
    return RunStore(home).runs()[0].id


# Training


def test_a_trained_run_is_in_the_store_of_the_app(call, npz, home):
    words = ("--data", str(npz), "--epochs", "2", "--seed", "5", "--name", "mine", "--tag", "a", "--tag", "b")
    code, lines, _ = call("train", *SHORT, *words)
    events = [json.loads(line) for line in lines]
    assert code == 0
    assert (events[0]["event"], events[-1]["event"]) == ("Started", "Ended")
    [run] = RunStore(home).runs()
    assert (run.id, run.origin, run.state, run.name) == (events[-1]["id"], "cli", "done", "mine")
    assert (run.tags, run.recipe["seed"], run.epoch, run.spec["num_classes"]) == (("a", "b"), 5, 2, 4)
    errors = [event["test_error"] for event in events if event["event"] == "EpochEnded"]
    assert errors == RunStore(home).epochs(run.id)["test_error"].tolist()


def test_without_json_the_id_alone_goes_to_stdout(call, npz, home):
    words = [word for word in SHORT if word != "--json"]
    code, lines, err = call("train", *words, "--data", str(npz), "--steps", "2")
    assert (code, lines) == (0, [RunStore(home).runs()[0].id])
    assert "done" in err


def test_the_same_pictures_are_imported_once(call, npz, home):
    for seed in ("0", "1"):
        call("train", *SHORT, "--data", str(npz), "--steps", "1", "--seed", seed)
    assert [run.dataset for run in RunStore(home).runs()] == ["greys", "greys"]
    assert len(list((home / "datasets").iterdir())) == 1


def test_an_interrupted_training_ends_with_130_and_resumes_to_the_same_numbers(call, npz, home, monkeypatch):
    once = ("train", *SHORT, "--data", str(npz), "--steps", "8", "--precision", "fp32")
    call(*once)
    show = cli.JsonLines.event

    def interrupt(self, event):
        show(self, event)
        if isinstance(event, StepStats) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(cli.JsonLines, "event", interrupt)
        code, lines, _ = call(*once)
    stopped = json.loads(lines[-1])
    assert (code, stopped["state"]) == (130, "stopped")
    assert stopped["step"] < 8

    code, lines, _ = call("train", "--resume", stopped["id"], "--json")
    assert (code, json.loads(lines[-1])["state"]) == (0, "done")
    store = RunStore(home)
    undisturbed, resumed = store.runs()
    assert store.weights(resumed.id) == store.weights(undisturbed.id)


def test_a_training_that_blows_up_ends_with_3_and_says_where(call, npz, home):
    words = ["resnet-56-nobn-he" if word == "resnet-8" else word for word in SHORT]
    code, lines, _ = call("train", *words, "--data", str(npz), "--steps", "20", "--lr", "100")
    assert code == 3
    assert "step" in json.loads(lines[-1])["reason"]
    assert RunStore(home).runs()[0].state == "failed"


def test_a_run_can_grow_into_a_deeper_one(call, trained, home):
    code, lines, _ = call(
        "train", "--grow", trained, "--depth", "14", "--steps", "1", "--batch-size", "8", "--device", "cpu", "--json"
    )
    ended = json.loads(lines[-1])
    assert (code, ended["spec"]["depth"], ended["dataset"]) == (0, 14, "greys")


# What cannot be


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("train", "--preset", "resnet-21"), "21"),
        (("train", "--preset", "nonsense"), "nonsense"),
        (("train", "--preset", "resnet-8", "--data", "no/such/folder"), "no/such/folder"),
        (("train", "--preset", "resnet-8", "--data", "cifar-10"), "CIFAR-10"),
        (("train", "--preset", "resnet-8", "--epochs", "0"), "epochs"),
        (("train", "--preset", "resnet-8", "--batch-size", "0"), "batch_size"),
        (("train", "--preset", "resnet-8", "--lr", "nan"), "lr"),
        (("train", "--preset", "resnet-8", "--seed", "-1"), "seed"),
        (("train", "--resume", "nosuchrun"), "nosuchrun"),
        (("train", "--grow", "nosuchrun", "--depth", "14"), "nosuchrun"),
        (("describe", "nosuch"), "nosuch"),
        (("evaluate", "nosuchrun"), "nosuchrun"),
        (("export", "nosuchrun"), "nosuchrun"),
        (("import", "no-such-file.skiprun"), "no-such-file.skiprun"),
    ],
)
def test_what_cannot_be_carried_out_is_one_sentence_on_stderr_and_2(call, home, words, named):
    code, lines, err = call(*words)
    assert (code, lines) == (2, [])
    assert err.startswith("error: ") and named in err and err.count("\n") == 1
    assert not RunStore(home).runs()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("train",),
        ("train", "--preset", "resnet-8", "--epochs", "1", "--steps", "1"),
        ("train", "--preset", "resnet-8", "--recipe", "magic"),
        ("runs", "--state", "flying"),
        ("describe",),
    ],
)
def test_wrong_usage_is_2(call, words):
    code, lines, err = call(*words)
    assert (code, lines) == (2, [])
    assert "usage:" in err


class Unpicklable:
    def __reduce__(self):
        return (os.system, ("echo harm > harm",))


BAD_ARRAYS = {
    "shape": {"x_train": np.zeros((32, 3), np.uint8)},
    "lengths": {"y_train": np.arange(5)},
    "one class": {"y_train": np.zeros(32, int), "y_test": np.zeros(8, int)},
    "labels": {"y_train": np.linspace(0, 1, 32)},
    "pickled": {"y_train": np.array([Unpicklable()] * 32, dtype=object)},
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_a_bad_npz_gets_a_sentence_and_does_nothing(call, home, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    bad = save_npz(tmp_path / "bad.npz", **BAD_ARRAYS[kind])
    code, _, err = call("train", *SHORT, "--data", str(bad), "--steps", "1")
    assert code == 2 and err.startswith("error: ")
    assert not RunStore(home).runs()
    assert not (tmp_path / "harm").exists()


def test_a_text_named_npz_gets_a_sentence(call, tmp_path):
    (tmp_path / "words.npz").write_text("just words")
    code, _, err = call("train", *SHORT, "--data", str(tmp_path / "words.npz"))
    assert code == 2 and "words.npz" in err


def test_a_finished_run_cannot_be_resumed(call, trained):
    code, _, err = call("train", "--resume", trained)
    assert code == 2 and trained in err


# Looking


@pytest.mark.parametrize(
    "words", [("--epochs", "9"), ("--lr", "0.5"), ("--seed", "0"), ("--threads", "1", "--recipe", "short-4")]
)
def test_resume_refuses_what_would_change_the_run(call, trained, home, words):
    RunStore(home).set_state(trained, "stopped")
    code, _, said = call("train", "--resume", trained, *words)
    assert code == 2 and all(word in said for word in words if word.startswith("--"))
    assert RunStore(home).get(trained).state == "stopped"


def test_an_imported_run_is_not_resumed_and_keeps_its_curves(call, trained, home, tmp_path):
    out = tmp_path / "run.skiprun"
    store = RunStore(home)
    store.set_state(trained, "stopped")
    assert call("export", trained, "--out", str(out))[0] == 0
    _, [imported], _ = call("import", str(out))
    before = (store.get(imported), store.epochs(imported), store.weights(imported))
    code, _, said = call("train", "--resume", imported)
    assert code == 2 and "trained elsewhere" in said
    assert store.get(imported) == before[0]
    assert store.epochs(imported).equals(before[1]) and store.weights(imported) == before[2]


def test_threads_are_those_that_were_asked_for(call, npz, home):
    _, [run_id], _ = call("train", *SHORT[:-1], "--data", str(npz), "--steps", "3", "--threads", "1")
    run = RunStore(home).get(run_id)
    assert run.threads == 1 and run.device_name == "CPU, 1 thread"


@pytest.mark.slow
def test_the_command_steps_back_and_its_threads_sleep(home):
    code = (
        "import os, runpy, sys, psutil; sys.argv = ['resnet_core', 'runs']; "
        "sys.exit = lambda code=0: print(psutil.Process().nice(), os.environ['OMP_WAIT_POLICY'], file=sys.stderr); "
        "runpy.run_module('resnet_core', run_name='__main__')"
    )
    environment = {**os.environ, "SKIP_EXPLORER_HOME": str(home)}
    environment.pop("OMP_WAIT_POLICY", None)
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    ).stderr
    nice, policy = said.split()[-2:]
    assert int(nice) >= 10 and policy == "PASSIVE"


def test_runs_are_listed_newest_first_and_by_state(call, home):
    store = RunStore(home)
    ids = [store.create({"depth": 8}, {"epochs": 1, "seed": 0}, "dots", name=f"run {i}") for i in range(3)]
    store.set_state(ids[1], "failed", "No reason.")
    _, lines, _ = call("runs", "--json")
    assert [json.loads(line)["id"] for line in lines] == ids[::-1]
    _, lines, _ = call("runs", "--json", "--state", "failed")
    assert [json.loads(line)["reason"] for line in lines] == ["No reason."]
    _, lines, _ = call("runs")
    assert [line.split()[0] for line in lines] == ["id", *ids[::-1]]


def test_without_runs_it_says_how_to_make_one_and_json_is_empty(call):
    code, lines, err = call("runs")
    assert (code, lines) == (0, []) and "train" in err
    assert call("runs", "--json") == (0, [], "")


def test_describe_adds_up(call):
    code, lines, _ = call("describe", "resnet-56", "--json")
    [described] = map(json.loads, lines)
    assert code == 0
    assert described["parameters"] == 853_018 == sum(layer["params"] for layer in described["layers"])
    _, lines, _ = call("describe", "resnet-56")
    assert "853,018" in lines[0]


def test_describe_knows_runs(call, home):
    run = RunStore(home).create({"family": "plain", "depth": 14}, {"epochs": 1}, "dots", name="x")
    _, lines, _ = call("describe", run)
    assert lines[0].startswith("Plain-14")


def test_evaluate_repeats_the_last_test_error(call, trained, home):
    code, lines, _ = call("evaluate", trained, "--json")
    [found] = map(json.loads, lines)
    assert code == 0
    assert (found["dataset"], found["pictures"], len(found["error_by_class"])) == ("greys", 8, 4)
    assert found["error"] == pytest.approx(np.mean(list(found["error_by_class"].values())))
    code, lines, _ = call("evaluate", trained)
    assert code == 0 and len(lines) == 1 + 4


def test_training_on_unbalanced_classes_says_so(call, home, tmp_path):
    y = np.repeat([0, 1], [40, 5])
    arrays = {"x_train": np.zeros((45, 1, 1), np.uint8), "y_train": y, "x_test": np.zeros((45, 1, 1), np.uint8)}
    np.savez(tmp_path / "rare.npz", **arrays, y_test=y)
    _, _, err = call("train", *SHORT, "--data", str(tmp_path / "rare.npz"), "--steps", "1")
    assert "far from balanced: 0 has 40 training pictures, 1 5" in err


def test_evaluate_of_weights_that_are_not_numbers_says_so_in_json_and_in_words(call, trained, home):
    from safetensors.torch import load_file, save_file

    file = home / "runs" / trained / "weights.safetensors"
    tensors = load_file(file)
    tensors["fc.bias"][0] = float("nan")
    save_file(tensors, file)
    _, [line], _ = call("evaluate", trained, "--json")
    result = json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert result["loss"] is None and result["error"] == 1 and result["not_finite"] == result["pictures"]
    assert "NaN" in " ".join(call("evaluate", trained)[1])


def test_evaluate_on_other_classes_is_refused(call, trained, tmp_path):
    pictures = np.zeros((20, 32, 32, 3), np.uint8)
    two = {"x_train": pictures, "y_train": np.arange(20) % 2, "x_test": pictures, "y_test": np.arange(20) % 2}
    code, _, err = call("evaluate", trained, "--data", str(save_npz(tmp_path / "two.npz", **two)))
    assert code == 2 and "classes" in err


# Exchange


def test_an_exported_run_comes_back_whole_in_another_home(call, trained, home, tmp_path):
    file = tmp_path / "mine.skiprun"
    code, lines, _ = call("export", trained, "--out", str(file), "--json")
    assert code == 0 and json.loads(lines[0])["bytes"] == file.stat().st_size
    elsewhere = tmp_path / "elsewhere"
    code, lines, _ = call("import", str(file), "--home", str(elsewhere))
    there, here = RunStore(elsewhere), RunStore(home)
    assert code == 0 and there.get(lines[0]).origin == "import"
    assert there.weights(lines[0]) == here.weights(trained)
    steps = [store.steps(run).drop(columns="run") for store, run in ((there, lines[0]), (here, trained))]
    assert steps[0].equals(steps[1])


def test_export_to_where_nothing_can_be_written_is_said(call, trained, tmp_path):
    code, _, err = call("export", trained, "--out", str(tmp_path / "no" / "folder" / "x.skiprun"))
    assert code == 2 and "x.skiprun" in err


def test_a_damaged_bundle_is_refused(call, trained, tmp_path, home):
    file = tmp_path / "mine.skiprun"
    call("export", trained, "--out", str(file))
    file.write_bytes(file.read_bytes()[:-200])
    assert call("import", str(file))[0] == 2
    assert len(RunStore(home).runs()) == 1


# As a program


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_shows_an_example(call, command):
    code, lines, _ = call(*command, "--help")
    assert code == 0
    assert any(line.startswith("  python -m resnet_core") for line in lines)


def as_a_program(*words: str, home: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"SKIP_EXPLORER_HOME": str(home)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_looking_needs_no_torch(home):
    code = """
import contextlib, sys
from resnet_core.cli import main
for words in (["runs"], ["describe", "resnet-20"], ["--help"]):
    with contextlib.suppress(SystemExit):
        main(words)
    assert not {"torch", "ray", "streamlit", "tqdm"} & set(sys.modules), words"""
    done = as_a_program("-c", code, home=home)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_exit_code_reaches_the_shell(home):
    assert as_a_program("-m", "resnet_core", "describe", "resnet-20", home=home).returncode == 0
    assert as_a_program("-m", "resnet_core", "describe", "resnet-21", home=home).returncode == 2


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error(home):
    words = [sys.executable, "-m", "resnet_core", "describe", "resnet-1202", "--home", str(home)]
    writing = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    writing.stdout.readline()
    writing.stdout.close()
    assert "Traceback" not in writing.stderr.read()
    assert writing.wait(30) == 0
