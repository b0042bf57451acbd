"""Where trained networks come from: id -> `TrainedNet`, and its weights. No torch.

The one place that tells runs from published networks. A new kind of network (a file that someone brings) becomes as
good as a run by a branch in these two functions.
"""

from pathlib import Path

from resnet_core.errors import JobError, StoreError
from resnet_core.runs.store import RunStore
from resnet_core.runs.weights import weights_only
from resnet_core.trained import imagenet
from resnet_core.trained.net import TrainedNet


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
    """Its weights as safetensors: bytes, or a file of this machine where they are many. Raises JobError when they
    have been deleted or damaged.
    """
    if net.id.startswith(imagenet.PREFIX):
        return imagenet.weights_file(store.home, net.id)
    saved = store.weights(net.id)
    if saved is None:
        raise JobError(f"The weights of {net.name} are gone from {store.folder(net.id)}: train it again.")
    try:
        return weights_only(saved)
    except StoreError as error:
        raise JobError(f"The weights of {net.name} in {store.folder(net.id)} are damaged: train it again.") from error
