"""Testing a trained network in this very process, for the command line."""

from typing import Any

import torch
import torch.nn.functional as F

from resnet_core.compute.sources import find_net, find_weights
from resnet_core.data.catalog import load_dataset
from resnet_core.data.importing import resolve_dataset
from resnet_core.errors import JobError
from resnet_core.runs.store import RunStore
from resnet_core.trained.loaded import load_net
from resnet_core.training.evaluate import balanced_error

_PICTURES_AT_ONCE = 500


@torch.inference_mode()
def evaluate_net(store: RunStore, net_id: str, data: str | None = None) -> dict[str, Any]:
    """Test a network's newest weights on the test pictures of ``data``: a dataset's name or a path; by default what
    the network was trained on.

    Keys: dataset, step, pictures, loss (nats), error (fraction), balanced_error (mean of those of the classes),
    error_by_class (class -> fraction), not_finite (pictures for which an output of the network is NaN or infinite:
    they count as wrong, and with any of them the loss is None). Raises JobError when there are no weights, or the
    classes are others.
    """
    trained = find_net(store, net_id)
    classes = trained.facts.classes
    dataset = load_dataset(resolve_dataset(data or trained.facts.dataset, store.home), store.home)
    if dataset.classes != classes:
        raise JobError(f"{dataset.name} has other classes than {trained.name} learned: {', '.join(classes)}.")
    net = load_net(trained, find_weights(store, trained))
    labels = torch.from_numpy(dataset.y_test.copy())
    starts = range(0, len(labels), _PICTURES_AT_ONCE)
    logits = torch.cat([net.module(net.input(dataset.x_test[start : start + _PICTURES_AT_ONCE])) for start in starts])
    finite = torch.isfinite(logits).all(dim=1)
    wrong = ((logits.argmax(1) != labels) | ~finite).float()
    errors = {name: wrong[labels == index].mean().item() for index, name in enumerate(classes)}
    return {
        "dataset": dataset.name,
        "step": trained.weights_version,
        "pictures": len(labels),
        "loss": F.cross_entropy(logits, labels).item() if finite.all() else None,
        "error": wrong.mean().item(),
        "balanced_error": balanced_error(list(errors.values())),
        "error_by_class": errors,
        "not_finite": int((~finite).sum()),
    }
