"""Loss and error of a network on all pictures of one part of a dataset."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_core.data.batches import EvalBatches
from resnet_core.data.dataset import Dataset
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.checkpoint import load_state, put_weights
from resnet_core.training.step import autocast

PERCENTILES = 101


@torch.inference_mode()
def evaluate(net: nn.Module, batches: EvalBatches, precision: str) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the fraction of wrong answers; evaluation mode, single view.

    The network is put back into the mode it was in.
    """
    device = batches.images.device
    loss = torch.zeros((), device=device)
    wrong = torch.zeros((), dtype=torch.int64, device=device)
    was_training = net.training
    net.eval()
    try:
        for x, y in batches:
            with autocast(device, precision):
                logits = net(x)
            logits = logits.float()
            loss += F.cross_entropy(logits, y, reduction="sum")
            wrong += (logits.argmax(1) != y).sum()
    finally:
        net.train(was_training)
    return loss.item() / len(batches), wrong.item() / len(batches)


@torch.inference_mode()
def best_scores(spec: NetSpec, weights: bytes, dataset: Dataset) -> list[float]:
    """Percentiles 0 to 100 of the largest logit over the test pictures, in float32 on the CPU: what the largest logit
    of another picture is compared with, where the test pictures are not at hand."""
    net = build_net(spec)
    put_weights(load_state(weights)[0], net)
    net.eval()
    best = torch.cat([net(x).amax(1) for x, _ in EvalBatches(dataset, torch.device("cpu"), spec.image_size)])
    return [round(value, 4) for value in torch.quantile(best, torch.linspace(0, 1, PERCENTILES)).tolist()]
