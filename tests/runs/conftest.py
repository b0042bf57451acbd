import dataclasses

import numpy as np
import pytest

from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.training.events import CheckpointSaved, EpochEnded, Finished, LayerStats, Started, StepStats
from resnet_core.training.recipe import Recipe

WEIGHT_NAMES = ("conv1", *(f"layer{stage}.0.conv{n}" for stage in (1, 2, 3) for n in (1, 2)), "fc")  # ResNet-8's
BLOCK_NAMES = ("relu", "layer1.0", "layer2.0", "layer3.0")
STEPS_PER_EPOCH = 10
SPEC = {"family": "plain", "depth": 8}
RECIPE = {"epochs": 3, "batch_size": 10, "seed": 1}


def finished_run(run_id, spec=None, *, seed=0, **wanted):
    """A run as the store hands it out after three epochs, without a store; ``wanted``: its other fields."""
    spec = spec or NetSpec(depth=8)
    values = dict.fromkeys(field.name for field in dataclasses.fields(Run))
    values |= {"id": run_id, "name": spec.name, "spec": spec.to_dict(), "dataset": "cifar-10", "facts": {}}
    values |= {"recipe": Recipe(epochs=3, seed=seed).to_dict(), "state": "done", "epoch": 3, "created": 0.0}
    return Run(**values | wanted)


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "home")
    yield store
    store.close()


@pytest.fixture
def run_id(store):
    return store.create(SPEC, RECIPE, "shapes-10", name="Plain-8")


def training(start=0, end=30, checkpoint_every=10):
    """The events of an imaginary training with a row of statistics every 5 steps, from the checkpoint at ``start``."""
    yield Started(
        step=start,
        total_steps=end,
        steps_per_epoch=STEPS_PER_EPOCH,
        device="cpu",
        device_name="CPU, 2 threads",
        precision="fp32",
        parameters=1234,
        n_train=100,
        weight_names=WEIGHT_NAMES,
        block_names=BLOCK_NAMES,
        software="none",
    )
    if start == 0:
        yield layer_stats(0)
    for step in range(start + 5, end + 1, 5):
        yield StepStats(step=step, loss=1 / step, error=0.5, lr=0.1, images_per_s=100.0)
        yield layer_stats(step)
        if step % STEPS_PER_EPOCH == 0:
            yield EpochEnded(
                epoch=step // STEPS_PER_EPOCH,
                step=step,
                train_loss=2 / step,
                train_error=0.4,
                test_loss=3 / step,
                test_error=0.9 - step / 100,
                seconds=1.5,
            )
        if step % checkpoint_every == 0 and step < end:
            yield CheckpointSaved(step=step, epoch=step // STEPS_PER_EPOCH, data=b"state at %d" % step)
    yield Finished(step=end, seconds=4.5, weights=b"the weights")


def layer_stats(step):
    return LayerStats(
        step=step,
        weight_stats=np.full((len(WEIGHT_NAMES), 3), step, np.float32),
        block_stats=np.full((len(BLOCK_NAMES), 3), step / 2, np.float32),
    )


@pytest.fixture
def events():
    return training
