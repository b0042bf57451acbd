"""Loss and error of a network on the test pictures of a dataset."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from resnet_core.data.batches import EvalBatches
from resnet_core.data.dataset import Dataset
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.checkpoint import load_weights
from resnet_core.training.step import autocast

N_PERCENTILES = 101  # 0 to 100


@torch.inference_mode()
def evaluate(net: nn.Module, batches: EvalBatches, precision: str) -> tuple[float, float, float]:
    """Mean cross-entropy in nats, error and balanced error (fractions); in evaluation mode, single view.

    Leaves the network in the mode it was in.
    """
    device = batches.images.device
    loss = torch.zeros((), device=device)
    n_wrong = torch.zeros(int(batches.labels.max()) + 1, device=device)  # by class; whole numbers below 2^24 are exact
    was_training = net.training
    net.eval()
    try:
        for x, y in batches:
            with autocast(device, precision):
                logits = net(x)
            logits = logits.float()
            loss += F.cross_entropy(logits, y, reduction="sum")
            n_wrong.index_add_(0, y, (logits.argmax(1) != y).float())
    finally:
        net.train(was_training)
    n_pictures = torch.bincount(batches.labels)
    errors = n_wrong[n_pictures > 0] / n_pictures[n_pictures > 0]
    return loss.item() / len(batches), n_wrong.sum().item() / len(batches), balanced_error(errors.tolist())


def balanced_error(errors: Sequence[float]) -> float:
    """Mean of the classes' errors, each class counting the same however many pictures it has; nan where a class has
    none.

    1 minus scikit-learn's ``balanced_accuracy_score``. A network that always gives one of C answers has 1 - 1/C.
    """
    return sum(errors) / len(errors)


@torch.inference_mode()
def best_scores(spec: NetSpec, weights: bytes, dataset: Dataset) -> list[float]:
    """Percentiles 0 to 100 of the largest logit over the test pictures, in float32 on the CPU.

    The largest logit of another picture is compared with them where the test pictures are not at hand.
    """
    net = build_net(spec)
    load_weights(weights, net)
    net.eval()
    best = torch.cat([net(x).amax(1) for x, _ in EvalBatches(dataset, torch.device("cpu"), spec.image_size)])
    return [round(value, 4) for value in torch.quantile(best, torch.linspace(0, 1, N_PERCENTILES)).tolist()]
