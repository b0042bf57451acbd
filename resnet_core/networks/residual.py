"""The staged networks: stem, stages of blocks, head."""

import torch
import torch.nn.functional as F
from torch import nn


def conv3x3(in_channels, out_channels, stride=1, bias=False):
    return nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=bias)


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride, skip, norm, strength):
        super().__init__()
        plain = norm == "none"
        self.conv1 = conv3x3(in_channels, out_channels, stride, bias=plain)
        self.bn1 = nn.Identity() if plain else nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU(inplace=False)
        self.conv2 = conv3x3(out_channels, out_channels, bias=plain)
        self.bn2 = nn.Identity() if plain else nn.BatchNorm2d(out_channels)
        self.relu2 = nn.ReLU(inplace=False)
        self.skip, self.stride, self.padding, self.strength = (
            skip,
            stride,
            out_channels - in_channels,
            strength,
        )

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.skip:
            y = y + self.shortcut(x) * self.strength
        return self.relu2(y)

    def shortcut(self, x):
        if self.stride == 1 and self.padding == 0:
            return x
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.padding))


class StagedNet(nn.Module):
    def __init__(self, spec):
        super().__init__()
        if spec.family not in ("plain", "residual") or spec.layout != "cifar" or spec.block != "basic":
            raise NotImplementedError(spec.name)
        plain = spec.norm == "none"
        self.conv1 = conv3x3(3, spec.width, bias=plain)
        self.bn1 = nn.Identity() if plain else nn.BatchNorm2d(spec.width)
        self.relu = nn.ReLU(inplace=False)
        mask = iter(spec.skip_mask())
        channels = spec.width
        for stage, n in enumerate(spec.stages, 1):
            blocks = []
            for index in range(n):
                out = spec.width * 2 ** (stage - 1)
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(BasicBlock(channels, out, stride, next(mask), spec.norm, spec.skip_strength))
                channels = out
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.n_stages = len(spec.stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, spec.num_classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        for stage in range(1, self.n_stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def observed_blocks(self):
        found = [("relu", self.relu)]
        for stage in range(1, self.n_stages + 1):
            found += [(f"layer{stage}.{i}", b) for i, b in enumerate(getattr(self, f"layer{stage}"))]
        return found
