import dataclasses
import json

import numpy as np
import pytest
import torch

from resnet_core.data.batches import EvalBatches, TrainBatches
from resnet_core.errors import TrainingError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training import checkpoint
from resnet_core.training.evaluate import evaluate
from resnet_core.training.events import (
    CheckpointSaved,
    EpochEnded,
    Finished,
    LayerStats,
    Started,
    StepStats,
    Stopped,
)
from resnet_core.training.recipe import Recipe
from resnet_core.training.trainer import train

# 20 images in batches of 8: epochs end at steps 3, 5, 8 and within batches.
RECIPE = Recipe(epochs=3, batch_size=8, lr=0.05, schedule="one_cycle", precision="fp32", log_every=2)
NEVER = 1e9


@pytest.fixture(autouse=True)
def checkpoints_cost_nothing(monkeypatch):
    """On a busy machine even a small one may take a second, and the next would be left out to save time."""
    monkeypatch.setattr("resnet_core.training.trainer.CHEAP_CHECKPOINT_S", NEVER)


def run(spec, recipe, dataset, **options):
    options.setdefault("checkpoint_every_s", NEVER)
    return list(train(spec, recipe, dataset, device="cpu", **options))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def comparable(event):
    """An event without its timings, as something that compares by value; bytes of a checkpoint as their tensors."""
    values = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if field.name in ("images_per_s", "seconds"):
            continue
        if isinstance(event, CheckpointSaved) and field.name == "data":
            tensors, meta = checkpoint.load_checkpoint(value)
            meta = {key: v for key, v in meta.items() if not key.endswith("_s")}
            value = {name: tensor.numpy().tobytes() for name, tensor in tensors.items()} | meta
        values[field.name] = value.tobytes() if isinstance(value, np.ndarray) else value
    return type(event).__name__, values


@pytest.fixture
def full_run(toy_spec, make_dataset):
    return run(toy_spec, RECIPE, make_dataset())


def test_events_come_in_order(full_run):
    assert isinstance(full_run[0], Started)
    assert isinstance(full_run[-1], Finished)
    said = [(type(event).__name__, event.step) for event in full_run[1:-1]]
    assert said == [
        ("LayerStats", 0),
        ("StepStats", 2),
        ("LayerStats", 2),
        ("StepStats", 3),
        ("EpochEnded", 3),
        ("CheckpointSaved", 3),
        ("LayerStats", 3),
        ("StepStats", 4),
        ("LayerStats", 4),
        ("StepStats", 5),
        ("EpochEnded", 5),
        ("CheckpointSaved", 5),
        ("LayerStats", 5),
        ("StepStats", 6),
        ("LayerStats", 6),
        ("StepStats", 8),
        ("EpochEnded", 8),
        ("CheckpointSaved", 8),
        ("LayerStats", 8),
    ]
    assert [event.epoch for event in of(EpochEnded, full_run)] == [1, 2, 3]


def test_started_says_what_will_happen(full_run, toy_spec):
    started = full_run[0]
    assert (started.step, started.total_steps, started.steps_per_epoch, started.n_train) == (0, 8, 2.5, 20)
    assert started.parameters == sum(p.numel() for p in build_net(toy_spec).parameters())
    stats = of(LayerStats, full_run)
    assert all(s.weight_stats.shape == (len(started.weight_names), 3) for s in stats)
    assert all(s.block_stats.shape == (len(started.block_names), 3) for s in stats)
    assert all(s.weight_stats.dtype == s.block_stats.dtype == np.float32 for s in stats)


def test_it_learns(toy_spec, make_dataset):
    recipe = dataclasses.replace(RECIPE, epochs=12, augment=False)
    ended = of(EpochEnded, run(toy_spec, recipe, make_dataset()))
    assert ended[-1].test_error <= 0.1
    assert ended[-1].train_loss < 0.5 * ended[0].train_loss


def test_equals_an_ordinary_loop(toy_spec, make_dataset):
    """The same updates as the plainest loop one would write, on the same batches."""
    dataset = make_dataset()
    events = run(toy_spec, RECIPE, dataset)
    net = build_net(toy_spec, RECIPE.seed)
    batches = TrainBatches(dataset, 8, RECIPE.seed, True, torch.device("cpu"))
    optimizer = torch.optim.SGD(net.parameters(), lr=1, momentum=0.9, weight_decay=1e-4, foreach=False)
    losses, errors = [], []
    for step in range(8):
        x, y = batches(step)
        optimizer.param_groups[0]["lr"] = RECIPE.lr_at(step, 8)
        logits = net(x)
        loss = torch.nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        errors.append((logits.argmax(1) != y).double().mean().item())
    steps = of(StepStats, events)
    assert [s.step for s in steps] == [2, 3, 4, 5, 6, 8]
    expected = [np.mean(losses[a:b]) for a, b in [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 8)]]
    assert [s.loss for s in steps] == pytest.approx(expected, rel=1e-3)
    epochs = of(EpochEnded, events)
    assert [e.train_error for e in epochs] == pytest.approx(
        [np.mean(errors[:3]), np.mean(errors[3:5]), np.mean(errors[5:])]
    )
    test_loss, test_error, _ = evaluate(net, EvalBatches(dataset, torch.device("cpu")), "fp32")
    assert (epochs[-1].test_loss, epochs[-1].test_error) == pytest.approx((test_loss, test_error), rel=1e-3)


def test_same_seed_same_events(full_run, toy_spec, make_dataset):
    again = run(toy_spec, RECIPE, make_dataset())
    assert [comparable(e) for e in again] == [comparable(e) for e in full_run]
    other = run(toy_spec, dataclasses.replace(RECIPE, seed=1), make_dataset())
    assert of(StepStats, other)[0].loss != of(StepStats, full_run)[0].loss


SPECS = {
    "residual": {},
    "plain": {"family": "plain"},
    "no norm": {"norm": "none"},
    "stochastic depth": {"drop_path": 0.5},
    "dropout shortcut": {"merge": "dropout"},
}


def toy(changes):
    return NetSpec.from_dict({"depth": 8, "width": 4, "num_classes": 3} | changes)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("changes", SPECS.values(), ids=SPECS)
def test_resume_from_any_step_is_bit_identical(monkeypatch, make_dataset, changes, precision):
    # No checkpoint is left out here because the machine is slow.
    monkeypatch.setattr("resnet_core.training.trainer.CHECKPOINT_SHARE", float("inf"))
    spec = toy(changes)
    dataset = make_dataset()
    recipe = dataclasses.replace(RECIPE, precision=precision)
    events = run(spec, recipe, dataset, checkpoint_every_s=0)
    points = of(CheckpointSaved, events)
    assert [point.step for point in points] == list(range(1, 9))
    for point in points[::3] + points[-1:]:
        later = [comparable(e) for e in events[events.index(point) + 1 :]]
        resumed = run(spec, recipe, dataset, resume=point.data, checkpoint_every_s=0)
        assert resumed[0].step == point.step
        assert [comparable(e) for e in resumed[1:]] == later


def test_a_stop_saves_and_can_be_resumed(full_run, toy_spec, make_dataset):
    asked = iter([False, False, False, False, True])
    first = run(toy_spec, RECIPE, make_dataset(), should_stop=lambda: next(asked))
    assert [type(e) for e in first[-2:]] == [CheckpointSaved, Stopped]
    assert first[-1].step == first[-2].step == 4
    second = run(toy_spec, RECIPE, make_dataset(), resume=first[-2].data)
    kept = [e for e in first if not isinstance(e, Stopped) and e is not first[-2]] + second[1:]
    assert [comparable(e) for e in kept] == [comparable(e) for e in full_run]


def test_a_stop_right_after_a_checkpoint_does_not_save_twice(toy_spec, make_dataset):
    asked = iter([False] * 3 + [True])
    events = run(toy_spec, RECIPE, make_dataset(), should_stop=lambda: next(asked))
    assert [(type(e), e.step) for e in events[-2:]] == [(CheckpointSaved, 3), (Stopped, 3)]
    assert len(of(CheckpointSaved, events)) == 1


def test_a_partial_last_epoch_is_tested_too(toy_spec, make_dataset):
    recipe = Recipe(steps=4, batch_size=8, lr=0.05, precision="fp32")
    ended = of(EpochEnded, run(toy_spec, recipe, make_dataset()))
    assert [(e.epoch, e.step) for e in ended] == [(1, 3), (2, 4)]


def test_fewer_images_than_a_batch(toy_spec, make_dataset):
    events = run(toy_spec, Recipe(epochs=2, batch_size=128, lr=0.05), make_dataset(n_train=5))
    assert [(e.epoch, e.step) for e in of(EpochEnded, events)] == [(1, 1), (2, 2)]


def test_finished_weights_are_those_the_last_epoch_was_tested_with(full_run, toy_spec, make_dataset):
    net = build_net(toy_spec, seed=99)
    checkpoint.load_weights(full_run[-1].weights, net)
    test_loss, *_ = evaluate(net, EvalBatches(make_dataset(), torch.device("cpu")), "fp32")
    assert test_loss == pytest.approx(of(EpochEnded, full_run)[-1].test_loss, rel=1e-5)


def test_twins_see_the_same_batches_and_start_alike(make_dataset):
    residual = NetSpec(depth=8, width=4, num_classes=3)
    dataset = make_dataset()
    ours, theirs = (run(spec, RECIPE, dataset) for spec in (residual, residual.twin()))
    assert ours[0].weight_names == theirs[0].weight_names
    assert ours[0].precision == theirs[0].precision
    # The stem's output is the same picture batch through the same weights.
    first, second = (of(LayerStats, events)[0] for events in (ours, theirs))
    assert np.array_equal(first.block_stats[0, 1:], second.block_stats[0, 1:])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_loss_that_explodes_names_step_and_layer(make_dataset, precision):
    spec = NetSpec(depth=8, width=4, num_classes=3, norm="none")
    recipe = Recipe(steps=200, batch_size=8, lr=100, schedule="constant", precision=precision, log_every=50)
    events = []
    with pytest.raises(TrainingError) as error:
        for event in train(spec, recipe, make_dataset(), device="cpu", checkpoint_every_s=NEVER):
            events.append(event)
    names = events[0].weight_names + events[0].block_names
    assert any(f"layer {name}" in str(error.value) for name in names)
    last = of(StepStats, events)[-1]
    assert np.isfinite(last.loss)
    assert f"step {last.step:,}" in str(error.value)


def test_a_network_for_other_classes_is_refused(make_dataset):
    with pytest.raises(TrainingError, match="3 classes"):
        run(NetSpec(depth=8, width=4), RECIPE, make_dataset())


def test_a_checkpoint_of_something_else_is_refused(full_run, toy_spec, make_dataset):
    point = of(CheckpointSaved, full_run)[0].data
    with pytest.raises(TrainingError, match="lr"):
        run(toy_spec, dataclasses.replace(RECIPE, lr=0.06), make_dataset(), resume=point)
    with pytest.raises(TrainingError, match="depth"):
        run(dataclasses.replace(toy_spec, depth=14), RECIPE, make_dataset(), resume=point)
    with pytest.raises(TrainingError, match="other pictures"):
        run(toy_spec, RECIPE, make_dataset(seed=5), resume=point)
    with pytest.raises(TrainingError, match="can be read"):
        run(toy_spec, RECIPE, make_dataset(), resume=point[:-100])


def test_plain_weights_are_what_a_training_begins_with(full_run, toy_spec, make_dataset):
    learned = full_run[-1].weights
    again = run(toy_spec, RECIPE, make_dataset(), resume=learned)
    assert of(Started, again)[0].step == 0
    assert of(StepStats, again)[0].loss < of(StepStats, full_run)[0].loss
    with pytest.raises(TrainingError, match="another network"):
        run(dataclasses.replace(toy_spec, depth=14), RECIPE, make_dataset(), resume=learned)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("[...] can't allocate memory: you tried")],
)
def test_no_memory_is_a_sentence(monkeypatch, toy_spec, make_dataset, error):
    def fail(*_args):
        raise error

    monkeypatch.setattr(TrainBatches, "__call__", fail)
    with pytest.raises(TrainingError, match="memory"):
        run(toy_spec, RECIPE, make_dataset())


def test_our_own_mistakes_stay_what_they_are(monkeypatch, toy_spec, make_dataset):
    def fail(*_args):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(TrainBatches, "__call__", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run(toy_spec, RECIPE, make_dataset())


def test_expensive_checkpoints_are_made_less_often(monkeypatch, toy_spec, make_dataset):
    monkeypatch.setattr("resnet_core.training.trainer.CHEAP_CHECKPOINT_S", 0.5)
    clock = [0.0]
    monkeypatch.setattr("resnet_core.training.trainer.time.monotonic", lambda: clock[0])
    recipe = dataclasses.replace(RECIPE, epochs=30, log_every=100)
    saved = 0
    for event in train(toy_spec, recipe, make_dataset(), device="cpu", checkpoint_every_s=0):
        if isinstance(event, CheckpointSaved):
            saved += 1
            clock[0] += 5  # as if writing it took five seconds
        elif isinstance(event, EpochEnded):
            clock[0] += 10
    assert saved * 5 <= 0.1 * clock[0]
    assert saved >= 2


def test_a_network_for_larger_pictures_gets_them_enlarged(make_dataset):
    spec = NetSpec(depth=18, width=4, layout="imagenet", image_size=224, num_classes=3)
    events = run(spec, Recipe(steps=1, batch_size=2, lr=0.05), make_dataset(n_train=4, n_test=2))
    assert isinstance(events[-1], Finished)


def test_a_checkpoint_is_json_and_tensors_only(full_run):
    data = of(CheckpointSaved, full_run)[0].data
    tensors, meta = checkpoint.load_checkpoint(data)
    assert json.loads(json.dumps(meta)) == meta
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
