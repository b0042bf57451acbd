"""`LoadedNet`: a trained network in memory, which questions about trained networks receive."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file
from torch import nn

from resnet_core.data.normalise import Normalise
from resnet_core.errors import DataError, JobError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.net import TrainedNet


@dataclass(frozen=True, eq=False)
class LoadedNet:
    """A trained network with its weights.

    Attributes:
        trained: what is known of it.
        module: in evaluation mode, on any device; whoever asks it leaves it as it is.
    """

    trained: TrainedNet
    module: nn.Module

    @property
    def spec(self) -> NetSpec:
        return self.trained.spec

    @property
    def normalise(self) -> Normalise:
        """The normalisation it was trained with."""
        return Normalise(self.trained.facts.mean, self.trained.facts.std)

    def input(self, pictures: np.ndarray) -> torch.Tensor:
        """uint8 (H, W, 3) or (N, H, W, 3) as this network's normalised input, float32 (N, 3, H, W) on the CPU.

        Raises DataError for what is no picture, or one of another size than the network is made for.
        """
        x = self.normalise(pictures[None] if pictures.ndim == 3 else pictures)
        height, width = x.shape[2:]
        side = self.spec.image_size
        if (height, width) != (side, side):
            raise DataError(f"{self.spec.name} takes pictures of {side} x {side}; this one has {width} x {height}.")
        return x


def load_net(net: TrainedNet, weights: bytes | Path) -> LoadedNet:
    """Build the network around its weights (safetensors), which are not copied.

    Raises JobError when they are damaged or another network's.
    """
    module = build_net(net.spec, device="meta").eval()
    try:
        state = load(weights) if isinstance(weights, bytes) else load_file(weights)
        module.load_state_dict(state, assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        where = f"The weights of {net.name}" if isinstance(weights, bytes) else weights
        raise JobError(
            f"{where} are damaged, or another network's: delete them, then fetch or train them again."
        ) from error
    return LoadedNet(net, module)
