"""A network as lanes of tiles: what the drawing shows, before any coordinates in pixels. No torch.

A lane is a stage; a tile is one block, or several equal neighbours folded into one. Widths are in slots: one
block takes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from resnet_core.networks.architecture import BlockArchitecture, alexnet_vgg_architecture, resnet_architecture
from resnet_core.networks.layer_types import Conv, Linear, MaxPool
from resnet_core.networks.options import GATED_MERGES
from resnet_core.networks.spec import NetSpec

MAX_TILES = 24  # in a lane; above, equal neighbours are folded
_FOLD_WIDTH = 3.0
_END_WIDTH = 1.3  # stem and head


@dataclass(frozen=True)
class Tile:
    """One tile of the drawing.

    Attributes:
        first, stop: it stands for the blocks ``first`` to ``stop`` - 1, counted from 0 at the input; both -1 for
            what is no block.
        text, help: on the tile, and shown when the pointer is over it.
        width: in slots.
        skip: "identity", "pad", "project" or "gate"; "" where there can be no skip.
        n_skips: how many of its blocks have their skip.
    """

    first: int
    stop: int
    text: str
    help: str
    channels: int
    width: float = 1.0
    skip: str = ""
    n_skips: int = 0

    @property
    def n_blocks(self) -> int:
        return self.stop - self.first


@dataclass(frozen=True)
class Lane:
    """One row of the drawing."""

    title: str
    tiles: tuple[Tile, ...]

    @property
    def width(self) -> float:
        return sum(tile.width for tile in self.tiles)


def build_lanes(spec: NetSpec) -> list[Lane]:
    """The lanes of a network, from the input to the output."""
    return _alexnet_vgg_lanes(spec) if spec.family in ("alexnet", "vgg") else _resnet_lanes(spec)


def _resnet_lanes(spec: NetSpec) -> list[Lane]:
    net = resnet_architecture(spec)
    convs = [layer for layer in net.stem if isinstance(layer, Conv)]
    pools = [layer for layer in net.stem if isinstance(layer, MaxPool)]
    size = spec.image_size // convs[0].stride // (2 if pools else 1)
    lanes, index = [], 0
    for stage, blocks in enumerate(net.stages, 1):
        numbered = []
        for block in blocks:
            size //= block.stride
            numbered.append((index if block.can_skip else -1, block))
            index += block.can_skip
        tiles = _fold([_block_tile(at, block, spec) for at, block in numbered])
        if stage == 1:
            tiles.insert(0, _stem_tile(convs[0]))
        if stage == len(net.stages):
            tiles.append(_head_tile(spec))
        n = sum(block.can_skip for block in blocks)
        channels = blocks[-1].out_channels
        blocks_word = "block" if n == 1 else "blocks"
        title = f"<b>Stage {stage}</b>  {n} {blocks_word} · {channels:,} channels · {size}×{size}"
        lanes.append(Lane(title, tuple(tiles)))
    return lanes


def _block_tile(index: int, block: BlockArchitecture, spec: NetSpec) -> Tile:
    kernels = ", ".join(f"{conv.kernel}×{conv.kernel}" for conv in block.convs)
    shape = f"{block.in_channels} to {block.out_channels} channels"
    halves = ", halves the picture" if block.stride > 1 else ""
    words = f"convolutions {kernels}<br>{shape}{halves}"
    if index < 0:
        return Tile(-1, -1, "↓", f"plain layer between stages<br>{words}", block.out_channels)
    gated = spec.family == "highway" or spec.merge in GATED_MERGES
    return Tile(
        index,
        index + 1,
        str(index + 1),
        words,
        block.out_channels,
        skip="gate" if gated else {"pad": "pad", "project": "project"}.get(block.shortcut, "identity"),
        n_skips=int(block.merge is not None),
    )


def _fold(tiles: list[Tile]) -> list[Tile]:
    """Fold equal neighbours into one tile when there are too many for a lane; a pattern that has few equal
    neighbours, in equal shares.
    """
    if len(tiles) <= MAX_TILES:
        return tiles
    groups = [list(group) for _, group in groupby(tiles, key=lambda t: (t.first < 0, t.skip, t.n_skips, t.channels))]
    if sum(_FOLD_WIDTH if len(group) > 1 else 1 for group in groups) > MAX_TILES:
        share = -(-len(tiles) * round(_FOLD_WIDTH) // MAX_TILES)
        groups = [tiles[:1]] + [tiles[at : at + share] for at in range(1, len(tiles), share)]
    return [_folded(group) for group in groups]


def _folded(group: Sequence[Tile]) -> Tile:
    if len(group) == 1:
        return group[0]
    first, last = group[0], group[-1]
    return Tile(
        first.first,
        last.stop,
        f"× {len(group)}",
        f"{len(group)} blocks, each: {last.help}",
        last.channels,
        _FOLD_WIDTH,
        last.skip,
        sum(tile.n_skips for tile in group),
    )


def _stem_tile(stem: Conv) -> Tile:
    words = f"stem: one {stem.kernel}×{stem.kernel} convolution<br>3 to {stem.out_channels} channels"
    return Tile(-1, -1, "stem", words, stem.out_channels, _END_WIDTH)


def _head_tile(spec: NetSpec) -> Tile:
    words = f"head: mean over the map, then<br>one number for each of {spec.num_classes} classes"
    return Tile(-1, -1, "head", words, 0, _END_WIDTH)


def _alexnet_vgg_lanes(spec: NetSpec) -> list[Lane]:
    net = alexnet_vgg_architecture(spec)
    features = [_layer_tile(layer) for layer in net.features if isinstance(layer, Conv | MaxPool)]
    linear = [_layer_tile(layer) for layer in net.classifier if isinstance(layer, Linear)]
    n_convs = sum(isinstance(layer, Conv) for layer in net.features)
    return [
        Lane(f"<b>Features</b>  {n_convs} convolutions", tuple(features)),
        Lane(f"<b>Classifier</b>  {len(linear)} fully connected layers", tuple(linear)),
    ]


def _layer_tile(layer: Conv | MaxPool | Linear) -> Tile:
    if isinstance(layer, Conv):
        channels = f"{layer.in_channels} to {layer.out_channels} channels"
        words = f"convolution {layer.kernel}×{layer.kernel}<br>{channels}"
        return Tile(-1, -1, str(layer.out_channels), words, layer.out_channels)
    if isinstance(layer, MaxPool):
        return Tile(-1, -1, "", f"max pooling {layer.kernel}×{layer.kernel}: halves the map", 0, 0.4)
    numbers = f"{layer.in_features:,} to {layer.out_features:,} numbers"
    return Tile(-1, -1, f"{layer.out_features:,}", numbers, 0, 1.8)
