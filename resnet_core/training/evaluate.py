"""Loss and error of a network on all pictures of one part of a dataset."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_core.data.batches import EvalBatches
from resnet_core.training.step import autocast


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
