"""Answers to questions of pages that no other module gives as they are needed; runs in the lab's process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from resnet_core.attribution.questions import Subject, trust_report
from resnet_core.attribution.result import Attribution
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.checkpoint import load_weights
from resnet_core.training.growing import grow_weights


@dataclass(frozen=True, eq=False)
class AskedNet(Subject):
    """A run's network in evaluation mode on the CPU, with what its pictures were normalised by."""

    spec: NetSpec
    classes: tuple[str, ...]


def asked_net(spec: dict[str, Any], weights: bytes, facts: dict[str, Any]) -> AskedNet:
    """Build the network of a run. Raises TrainingError when the weights belong to another one."""
    checked = NetSpec.from_dict(spec)
    net = build_net(checked).eval()
    load_weights(weights, net)
    return AskedNet(net, facts["mean"], facts["std"], checked, tuple(facts["classes"]))


def trust(
    nets: Sequence[AskedNet], picture: np.ndarray, attribution: Attribution
) -> Iterator[tuple[str, dict[str, object]]]:
    """How far one network's map can be trusted, measure by measure."""
    return trust_report(nets[0], picture, attribution)


def grown(spec: dict[str, Any], weights: bytes, depth: int) -> tuple[bytes, dict[str, Any]]:
    """Weights and spec of the same network made deeper; what was added starts as an identity."""
    new_weights, new_spec = grow_weights(weights, NetSpec.from_dict(spec), depth)
    return new_weights, new_spec.to_dict()
