"""What every network of this package is: a module that names its blocks."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Network(nn.Module, ABC):
    """Takes normalised pictures (N, 3, H, W), gives logits (N, num_classes)."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def observed_blocks(self) -> list[tuple[str, nn.Module]]:
        """(name, module) of the stem and of each block, in order; a module's output is what the next block receives."""
