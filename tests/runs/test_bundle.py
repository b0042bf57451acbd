import io
import json
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest

from resnet_core.errors import StoreError
from resnet_core.networks.costs import tensor_shapes
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.bundle import STEP_COLUMNS, export_run, import_run
from resnet_core.runs.store import RunStore
from resnet_core.training.events import CheckpointSaved, EpochEnded, Finished, Stopped
from resnet_core.training.recipe import Recipe
from tests.runs.conftest import WEIGHT_NAMES, training

SPEC = NetSpec(family="residual", depth=8, width=4)
FACTS = {
    "fingerprint": "ab" * 32,
    "classes": [f"class {i}" for i in range(10)],
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.2, 0.2],
}


def safetensors(tensors, prefix=""):
    """Zeros as a safetensors file: name -> (dtype, shape)."""
    header, offset = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape)) * {"F32": 4, "I64": 8, "BF16": 2}[dtype]
        header[prefix + name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + bytes(offset)


def weights_for(spec, dtype="F32"):
    shapes = tensor_shapes(spec)
    return {name: ("I64" if name.endswith("tracked") else dtype, shape) for name, shape in shapes.items()}


def turned(name):
    """The network's tensors, but one with its first two sizes exchanged: as many numbers, another shape."""
    _, (first, second, *rest) = weights_for(SPEC)[name]
    return weights_for(SPEC) | {name: ("F32", (second, first, *rest))}


def record_training(store):
    """A finished run with every table filled."""
    run_id = store.create(SPEC.to_dict(), Recipe(steps=30).to_dict(), "shapes-10", name="A net", tags=["x"])
    store.set_facts(run_id, FACTS)
    told = [event for event in training() if not isinstance(event, CheckpointSaved | Finished)]
    store.record(run_id, [*told, Finished(30, 4.5, safetensors(weights_for(SPEC)))])
    return run_id


@pytest.fixture
def trained(store):
    return record_training(store)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bytes of such a run."""
    store = RunStore(tmp_path_factory.mktemp("exported"))
    yield export_run(store, record_training(store))
    store.close()


@pytest.fixture
def other_store(tmp_path):
    store = RunStore(tmp_path / "elsewhere")
    yield store
    store.close()


def test_there_and_back(store, trained, other_store):
    new_id = import_run(other_store, export_run(store, trained))
    old, new = store.get(trained), other_store.get(new_id)
    same = (
        "name",
        "spec",
        "recipe",
        "dataset",
        "facts",
        "state",
        "tags",
        "created",
        "started",
        "ended",
        "seconds",
    )
    same += (
        "step",
        "total_steps",
        "epoch",
        "parameters",
        "device_name",
        "precision",
        "software",
        "weights_step",
    )
    same += ("weight_names", "block_names", "last_test_error", "best_test_error", "images_per_s", "n_train")
    assert {name: getattr(old, name) for name in same} == {name: getattr(new, name) for name in same}
    assert new.origin == "import" and new.owner is None
    for table in ("epochs", "steps"):
        pd.testing.assert_frame_equal(
            getattr(store, table)(trained).drop(columns="run"),
            getattr(other_store, table)(new_id).drop(columns="run"),
        )
    np.testing.assert_array_equal(store.layers(trained).weight_stats, other_store.layers(new_id).weight_stats)
    np.testing.assert_array_equal(store.layers(trained).block_stats, other_store.layers(new_id).block_stats)
    assert other_store.weights(new_id) == store.weights(trained)


def test_the_balanced_error_travels_where_it_was_measured(store, trained, other_store):
    assert store.epochs(trained)["test_balanced_error"].isna().all()
    without = import_run(other_store, export_run(store, trained))
    assert other_store.epochs(without)["test_balanced_error"].isna().all()
    store.record(trained, [EpochEnded(4, 40, 0.1, 0.1, 0.2, 0.2, 1.0, test_balanced_error=0.6)])
    store.set_state(trained, "done")
    new = import_run(other_store, export_run(store, trained))
    assert other_store.epochs(new)["test_balanced_error"].iloc[-1] == 0.6


def test_importing_twice_makes_two_runs(store, trained):
    bundle = export_run(store, trained)
    assert len({import_run(store, bundle), import_run(store, bundle), trained}) == 3


def test_a_stopped_run_leaves_without_what_only_its_training_needs(store, other_store, events):
    run_id = store.create(SPEC.to_dict(), Recipe(steps=30).to_dict(), "shapes-10", name="stopped")
    store.set_facts(run_id, FACTS)
    state = safetensors({f"net.{k}": v for k, v in weights_for(SPEC).items()} | {"momentum.x": ("F32", (9,))})
    store.record(run_id, [next(events()), CheckpointSaved(10, 1, state), Stopped(10)])
    new_id = import_run(other_store, export_run(store, run_id))
    assert other_store.get(new_id).state == "stopped"
    assert other_store.weights(new_id)[8:].count(b"momentum") == 0


def test_a_checkpoint_of_the_real_kind_becomes_plain_weights(store, other_store, events):
    import torch

    from resnet_core.networks.build import build_net
    from resnet_core.training.checkpoint import load_weights, save_checkpoint

    net = build_net(SPEC, seed=3)
    tensors = {f"net.{name}": tensor for name, tensor in net.state_dict().items()} | {"momentum.0": torch.ones(5)}
    run_id = store.create(SPEC.to_dict(), Recipe(steps=30).to_dict(), "shapes-10", name="stopped")
    store.set_facts(run_id, FACTS)
    saved = CheckpointSaved(10, 1, save_checkpoint(tensors, {"precision": "fp32"}))
    store.record(run_id, [next(events()), saved, Stopped(10)])
    new_id = import_run(other_store, export_run(store, run_id))
    again = build_net(SPEC, seed=0)
    load_weights(other_store.weights(new_id), again)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_what_cannot_be_exported(store, state):
    run_id = store.create(SPEC.to_dict(), Recipe(steps=30).to_dict(), "shapes-10", name="n")
    store.set_state(run_id, state)
    with pytest.raises(StoreError, match=run_id):
        export_run(store, run_id)


# What comes from elsewhere


def rewritten(bundle, **members):
    """The bundle with some members changed (by their name up to the dot), added, or left out (None)."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    names = {name.partition(".")[0]: name for name in contents}
    for key, data in members.items():
        name = names.get(key, key)
        contents.pop(name, None)
        if data is not None:
            contents[name] = data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in contents.items():
            new.writestr(name, data)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def json_with(bundle, **changes):
    with zipfile.ZipFile(io.BytesIO(bundle)) as old:
        described = json.loads(old.read("run.json"))
    for name, value in changes.items():
        (described if name in ("format", "schema") else described["run"])[name] = value
    return rewritten(bundle, run=json.dumps(described).encode())


def giant(bundle, member, shape):
    """The bundle's layers.npz with another shape in the header of one array."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as outer:
        layers = outer.read("layers.npz")
    with zipfile.ZipFile(io.BytesIO(layers)) as inner:
        contents = {name: inner.read(name) for name in inner.namelist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": shape})
    contents[member] = header.getvalue() + bytes(64)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name, data in contents.items():
            new.writestr(name, data)
    return file.getvalue()


def filled(bundle, value):
    """The bundle's weights with one number of the first convolution changed."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as outer:
        weights = outer.read("weights.safetensors")
    (length,) = struct.unpack("<Q", weights[:8])
    at = 8 + length + json.loads(weights[8 : 8 + length])["conv1.weight"]["data_offsets"][0]
    return weights[:at] + struct.pack("<f", value) + weights[at + 4 :]


EPOCHS = dict.fromkeys(
    ("epoch", "step", "train_loss", "train_error", "test_loss", "test_error", "seconds"), np.arange(3)
)

BAD = {
    "no zip": lambda b: b"this is a picture",
    "cut short": lambda b: b[: len(b) // 2],
    "bits flipped": lambda b: b[:200] + bytes(x ^ 255 for x in b[200:260]) + b[260:],
    "a path that climbs": lambda b: rewritten(b, **{"../evil.txt": b"x"}),
    "an absolute path": lambda b: rewritten(b, **{"/etc/evil": b"x"}),
    "something else inside": lambda b: rewritten(b, **{"run.py": b"x"}),
    "no weights": lambda b: rewritten(b, weights=None),
    "no json": lambda b: rewritten(b, run=b"{nonsense"),
    "json of another kind": lambda b: rewritten(b, run=b"[1, 2]"),
    "another format": lambda b: json_with(b, format="gpt"),
    "a newer schema": lambda b: json_with(b, schema=99),
    "a state it cannot have": lambda b: json_with(b, state="running"),
    "a name that is a number": lambda b: json_with(b, name=5),
    "a step below zero": lambda b: json_with(b, step=-1),
    "no network": lambda b: json_with(b, spec=None),
    "a network that cannot be": lambda b: json_with(b, spec={**SPEC.to_dict(), "depth": 21}),
    "a network of unknown fields": lambda b: json_with(b, spec={**SPEC.to_dict(), "evil": 1}),
    "a recipe that cannot be": lambda b: json_with(b, recipe={**Recipe(steps=30).to_dict(), "lr": -1}),
    "facts without a mean": lambda b: json_with(b, facts={**FACTS, "mean": None}),
    "a deviation of zero": lambda b: json_with(b, facts={**FACTS, "std": [0, 1, 1]}),
    "best scores out of order": lambda b: json_with(b, facts={**FACTS, "best_scores": [2.0, 1.0]}),
    "best scores that are words": lambda b: json_with(b, facts={**FACTS, "best_scores": ["a", "b"]}),
    "fewer class names than outputs": lambda b: json_with(b, facts={**FACTS, "classes": ["a", "b"]}),
    "a class name twice": lambda b: json_with(b, facts={**FACTS, "classes": ["a"] * 10}),
    "a time that no calendar has": lambda b: json_with(b, created=1e300),
    "the year 9999": lambda b: json_with(b, created=253_402_214_400.0),
    "a time before 1970": lambda b: json_with(b, ended=-5.0),
    "layers of a network it is not": lambda b: json_with(b, weight_names=["conv1", "evil", *WEIGHT_NAMES[2:]]),
    "a layer named twice": lambda b: json_with(b, weight_names=["conv1", *WEIGHT_NAMES[:-1]]),
    "too few blocks": lambda b: json_with(b, block_names=["relu"]),
    "an error rate of 7": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "test_error": np.array([0.5, 7.0, 0.1])})),
    "an error rate below zero": lambda b: rewritten(
        b, steps=npz(**{name: np.full(2, -0.5) if name == "error" else np.arange(2) for name in STEP_COLUMNS})
    ),
    "more epochs than a recipe can have": lambda b: rewritten(
        b, epochs=npz(**{name: np.arange(100_001) * (name in ("epoch", "step")) for name in EPOCHS})
    ),
    "an array that is said to be enormous": lambda b: rewritten(b, layers=giant(b, "steps.npy", (1 << 42,))),
    "an array of negative size": lambda b: rewritten(b, layers=giant(b, "steps.npy", (-1,))),
    "weights that are not numbers": lambda b: rewritten(b, weights=filled(b, float("nan"))),
    "weights without bound": lambda b: rewritten(b, weights=filled(b, float("inf"))),
    "names that are no texts": lambda b: json_with(b, weight_names=[1, 2]),
    "a table that is no table": lambda b: rewritten(b, epochs=b"zip? no"),
    "pickled objects": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "step": np.array([{}, 1, 2], object)})),
    "a column missing": lambda b: rewritten(b, epochs=npz(epoch=np.arange(3))),
    "columns of two lengths": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "seconds": np.arange(4)})),
    "texts for numbers": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "seconds": np.array(["a", "b", "c"])})),
    "a step that no database takes": lambda b: rewritten(
        b, epochs=npz(**{**EPOCHS, "step": np.array([1, 2, 2**64 - 1], np.uint64)})
    ),
    "an epoch before the first": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "epoch": np.array([-1, 0, 1])})),
    "half a character": lambda b: json_with(b, name="\ud800"),
    "half a character in a fact": lambda b: json_with(b, facts={**FACTS, "fingerprint": "\udfff"}),
    "a row twice": lambda b: rewritten(b, epochs=npz(**{**EPOCHS, "epoch": np.zeros(3, int)})),
    "layers of another network": lambda b: rewritten(
        b,
        layers=npz(steps=np.arange(2), weight_stats=np.zeros((2, 9, 3), "f4"), block_stats=np.zeros((2, 3, 3), "f4")),
    ),
    "weights that are none": lambda b: rewritten(b, weights=b"\x80\x04pickle"),
    "a header longer than the file": lambda b: rewritten(b, weights=struct.pack("<Q", 1 << 60) + b"{}"),
    "weights of another network": lambda b: rewritten(
        b,
        weights=safetensors(weights_for(SPEC.with_skips("none").twin().twin()) | {"fc.bias": ("F32", (3,))}),
    ),
    "a layer too few": lambda b: rewritten(
        b, weights=safetensors({k: v for k, v in weights_for(SPEC).items() if not k.startswith("fc.")})
    ),
    "a tensor too many": lambda b: rewritten(b, weights=safetensors(weights_for(SPEC) | {"x\n": ("F32", (3,))})),
    "two sizes exchanged": lambda b: rewritten(b, weights=safetensors(turned("layer2.0.conv1.weight"))),
    "statistics of another length": lambda b: rewritten(
        b, weights=safetensors(weights_for(SPEC) | {"bn1.running_mean": ("F32", (5,))})
    ),
    "bytes that belong to no tensor": lambda b: rewritten(b, weights=safetensors(weights_for(SPEC)) + bytes(8)),
    "brackets without end": lambda b: rewritten(b, run=b"[" * 100_000),
    "a header of brackets": lambda b: rewritten(b, weights=struct.pack("<Q", 100_000) + b"[" * 100_000),
    "weights of another type": lambda b: rewritten(b, weights=safetensors(weights_for(SPEC, "BF16"))),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_bundle_gets_a_sentence_and_leaves_nothing(bundle, other_store, how):
    with pytest.raises(StoreError) as error:
        import_run(other_store, BAD[how](bundle))
    sentence = str(error.value)
    assert sentence.endswith(".") and 20 < len(sentence) < 400 and "\n" not in sentence
    assert other_store.runs() == []
    assert list(other_store.home.glob("runs/*")) == []


def test_the_sentence_names_the_first_tensor_that_does_not_fit(bundle, other_store):
    weights = turned("layer2.0.conv1.weight") | {"fc.bias": ("F32", (3,))}
    with pytest.raises(StoreError) as error:
        import_run(other_store, rewritten(bundle, weights=safetensors(weights)))
    assert str(error.value) == (
        "The weights in this bundle do not fit ResNet-8 · width 4: 'layer2.0.conv1.weight' is F32 of shape "
        "(4, 8, 3, 3) and should be F32 of shape (8, 4, 3, 3)."
    )


def test_a_bomb_is_not_unpacked(bundle, other_store, monkeypatch):
    monkeypatch.setattr("resnet_core.runs.bundle.MAX_BYTES", 2 << 20)
    small = rewritten(bundle, weights=bytes(3 << 20))
    assert len(small) < 1 << 20
    with pytest.raises(StoreError, match="unpacks to 3 MB"):
        import_run(other_store, small)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("epoch.npy", bytes(3 << 20))
    with pytest.raises(StoreError, match="too large"):
        import_run(other_store, rewritten(bundle, epochs=inner.getvalue()))
