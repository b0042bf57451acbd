"""Where trained networks come from: id -> `TrainedNet`, and its weights. No torch.

The one place that tells runs from published networks. A new kind of network (a file that someone brings) becomes as
good as a run by a branch in these two functions.
"""

import time
from pathlib import Path

from resnet_core.errors import JobError, NewerWeightsError, StoreError
from resnet_core.runs.store import RunStore
from resnet_core.runs.weights import weights_only
from resnet_core.trained import imagenet
from resnet_core.trained.net import TrainedNet

UNSAID_S = 1.0  # in which the store says of a new file whose step it is


def find_net(store: RunStore, net_id: str) -> TrainedNet:
    """The network of that id with its newest weights. Raises JobError, with a sentence, when it has none."""
    if net_id.startswith(imagenet.PREFIX):
        row = imagenet.published(net_id)
        if not imagenet.is_here(store.home, row.name):
            raise JobError(f"{row.title}'s weights are not here: fetch them on the Explain page first.")
        return imagenet.published_net(store.home, row.name)
    run = store.get(net_id)
    net = run.net()
    if net is None:
        raise JobError(f"{run.name} has nothing to show yet: its first weights come within half a minute.")
    return net


def find_weights(store: RunStore, net: TrainedNet) -> bytes | Path:
    """Its weights as safetensors: bytes, or a file of this machine where they are many. Raises NewerWeightsError when
    they have been replaced since, JobError when they have been deleted or damaged.
    """
    if net.id.startswith(imagenet.PREFIX):
        return imagenet.weights_file(store.home, net.id)
    saved = _weights_of_version(store, net)
    if saved is None:
        raise JobError(f"The weights of {net.name} are gone from {store.folder(net.id)}: train it again.")
    try:
        return weights_only(saved)
    except StoreError as error:
        raise JobError(f"The weights of {net.name} in {store.folder(net.id)} are damaged: train it again.") from error


def _weights_of_version(store: RunStore, net: TrainedNet) -> bytes | None:
    """The weights that the store has under the net's version; None when there are none.

    A file lies there a moment before the store says so, and for longer where a process was killed in between: then the
    file is what the version stands for.
    """
    deadline = time.monotonic() + UNSAID_S
    while True:
        saved, step = store.weights_and_step(net.id)
        if saved is None or step == net.weights_version:
            return saved
        run = store.get(net.id)
        if run.weights_step != net.weights_version:
            raise NewerWeightsError(f"{net.name} has learned on meanwhile: ask again.")
        if (step is None and not run.active) or time.monotonic() > deadline:
            return saved
        time.sleep(0.02)
