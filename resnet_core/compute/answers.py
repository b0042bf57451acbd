"""Answers to questions of pages that no other module gives as they are needed; runs in the lab's process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.questions import Subject, trust_report
from resnet_core.compute.lab import LARGE_SIDE
from resnet_core.errors import JobError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.checkpoint import load_weights
from resnet_core.training.grow import grow_weights


@dataclass(frozen=True, eq=False)
class AskedNet(Subject):
    """A run's network in evaluation mode on the CPU, with what its pictures were normalised by."""

    spec: NetSpec
    classes: tuple[str, ...]

    def input(self, pictures: np.ndarray) -> torch.Tensor:
        """As of any Subject; JobError for pictures of another size than the network is made for."""
        height, width = pictures.shape[-3:-1]
        side = self.spec.image_size
        if (height, width) != (side, side):
            raise JobError(f"{self.spec.name} takes pictures of {side} x {side}; this one has {width} x {height}.")
        return super().input(pictures)


def asked_net(spec: dict[str, Any], weights: bytes | Path, facts: dict[str, Any]) -> AskedNet:
    """Build the network of a run, or of a file of weights. Raises LabError when they belong to another one."""
    checked = NetSpec.from_dict(spec)
    if isinstance(weights, Path):
        net = _from_file(checked, weights)
    else:
        net = build_net(checked).eval()
        load_weights(weights, net)
    return AskedNet(net, facts["mean"], facts["std"], checked, tuple(facts["classes"]))


def _from_file(spec: NetSpec, weights: Path) -> nn.Module:
    """The network with a file's tensors for its own: no second copy in memory, no start drawn in vain."""
    net = build_net(spec, device="meta").eval()
    try:
        net.load_state_dict(load_file(weights), assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise JobError(f"{weights} is damaged: delete it and fetch the weights again.") from error
    return net


def trust(
    nets: Sequence[AskedNet], picture: np.ndarray, attribution: Attribution
) -> Iterator[tuple[str, dict[str, object]]]:
    """How far one network's map can be trusted, measure by measure; of a large network only the two that do
    not take minutes.
    """
    for name, measure in trust_report(nets[0], picture, attribution):
        yield name, measure
        if name == "randomisation" and nets[0].spec.image_size >= LARGE_SIDE:
            return


def grown(spec: dict[str, Any], weights: bytes, depth: int) -> tuple[bytes, dict[str, Any]]:
    """Weights and spec of the same network made deeper; what was added starts as an identity."""
    new_weights, new_spec = grow_weights(weights, NetSpec.from_dict(spec), depth)
    return new_weights, new_spec.to_dict()
