"""Plain, residual, pre-activation and highway networks: a stem, stages of blocks, a head."""

import torch
from torch import Tensor, nn

from resnet_core.networks.architecture import has_bias, plan_of
from resnet_core.networks.blocks import Block, Shift, conv_module


class StagedNet(nn.Module):
    """The network of a spec of a family with stages, with modules named as torchvision names them.

    Takes (N, 3, H, W), gives logits (N, num_classes). Holds no starting weights worth having: see
    `build_net`.
    """

    def __init__(self, spec) -> None:
        super().__init__()
        self.plan = plan_of(spec)
        for step in self.plan.stem_steps:
            self.add_module(step, self._stem_module(step, spec))
        stages: dict[str, list[Block]] = {}
        for block in self.plan.blocks:
            stages.setdefault(block.name.split(".")[0], []).append(Block(block, spec))
        for name, blocks in stages.items():
            self.add_module(name, nn.Sequential(*blocks))
        self.stage_names = tuple(stages)
        for step in self.plan.head_steps:
            self.add_module(step, self._head_module(step, spec))

    def forward(self, x: Tensor) -> Tensor:
        for name in (*self.plan.stem_steps, *self.stage_names):
            x = getattr(self, name)(x)
        for step in self.plan.head_steps:
            x = getattr(self, step)(x)
            if step == "avgpool":
                x = torch.flatten(x, 1)
        return x

    def blocks(self) -> list[tuple[str, Block]]:
        """(name, block) of every block that has, or could have, a skip, from the input to the output."""
        found = [(block.name, self.get_submodule(block.name)) for block in self.plan.blocks if block.observed]
        return found

    def observed_blocks(self) -> list[tuple[str, nn.Module]]:
        """(name, module) of the stem and of each block; a module's output is what the next block receives."""
        stem = self.plan.stem_steps[-1]
        return [(stem, getattr(self, stem)), *self.blocks()]

    def _stem_module(self, step: str, spec) -> nn.Module:
        if step == "conv1":
            return conv_module(self.plan.stem, bias=has_bias(spec))
        if step == "bn1":
            return nn.BatchNorm2d(spec.width)
        if step == "bias1":
            return Shift()
        return nn.ReLU(inplace=False) if step == "relu" else nn.MaxPool2d(3, stride=2, padding=1)

    def _head_module(self, step: str, spec) -> nn.Module:
        channels = self.plan.blocks[-1].out_channels
        if step == "fc":
            return nn.Linear(channels, spec.num_classes)
        if step == "bn_last":
            return nn.BatchNorm2d(channels)
        if step == "bias2":
            return Shift()
        return nn.ReLU(inplace=False) if step == "relu_last" else nn.AdaptiveAvgPool2d((1, 1))
