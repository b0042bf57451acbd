"""The plan of a network as lanes of tiles: what the drawing shows, before any coordinates in pixels. No torch.

A lane is a stage, a tile one block or a fold of equal neighbours. Units of width are slots: one block takes
one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from resnet_core.networks.architecture import Block, plan_of
from resnet_core.networks.classic_plan import classic_plan
from resnet_core.networks.options import GATED_MERGES

MOST_TILES = 24  # in a lane; above, equal neighbours are folded
_FOLD_WIDTH = 3.0
_END_WIDTH = 1.3  # stem and head


@dataclass(frozen=True)
class Tile:
    """``first`` to ``stop`` - 1: the blocks it stands for, counted from 0 at the input; both -1 for what is
    no block.

    skip: "identity", "pad", "project" or "gate"; "" where no skip can be. n_skips: how many of its blocks
    have theirs.
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
    title: str
    tiles: tuple[Tile, ...]

    @property
    def width(self) -> float:
        return sum(tile.width for tile in self.tiles)


def lanes_of(spec) -> list[Lane]:
    """The lanes of a NetSpec, from the input to the output."""
    return _classic_lanes(spec) if spec.family in ("alexnet", "vgg") else _staged_lanes(spec)


def _staged_lanes(spec) -> list[Lane]:
    plan = plan_of(spec)
    size = spec.image_size // plan.stem.stride // (2 if "maxpool" in plan.stem_steps else 1)
    by_stage = [list(blocks) for _, blocks in groupby(plan.blocks, key=lambda block: block.name.split(".")[0])]
    lanes, index = [], 0
    for stage, blocks in enumerate(by_stage, 1):
        numbered = []
        for block in blocks:
            size //= block.stride
            numbered.append((index if block.observed else -1, block))
            index += block.observed
        tiles = _fold([_block_tile(at, block, spec) for at, block in numbered])
        if stage == 1:
            tiles.insert(0, _stem_tile(plan.stem))
        if stage == len(by_stage):
            tiles.append(_head_tile(spec))
        n = sum(block.observed for block in blocks)
        channels = blocks[-1].out_channels
        blocks_word = "block" if n == 1 else "blocks"
        title = f"<b>Stage {stage}</b>  {n} {blocks_word} · {channels:,} channels · {size}×{size}"
        lanes.append(Lane(title, tuple(tiles)))
    return lanes


def _block_tile(index: int, block: Block, spec) -> Tile:
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
        n_skips=int(block.skip),
    )


def _fold(tiles: list[Tile]) -> list[Tile]:
    """Equal neighbours as one tile when there are too many for a lane; a pattern that does not fold that
    way, in equal shares."""
    if len(tiles) <= MOST_TILES:
        return tiles
    groups = [list(group) for _, group in groupby(tiles, key=lambda t: (t.first < 0, t.skip, t.n_skips, t.channels))]
    if sum(_FOLD_WIDTH if len(group) > 1 else 1 for group in groups) > MOST_TILES:
        share = -(-len(tiles) * round(_FOLD_WIDTH) // MOST_TILES)
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


def _stem_tile(stem) -> Tile:
    words = f"stem: one {stem.kernel}×{stem.kernel} convolution<br>3 to {stem.out_channels} channels"
    return Tile(-1, -1, "stem", words, stem.out_channels, _END_WIDTH)


def _head_tile(spec) -> Tile:
    words = f"head: mean over the map, then<br>one number for each of {spec.num_classes} classes"
    return Tile(-1, -1, "head", words, 0, _END_WIDTH)


def _classic_lanes(spec) -> list[Lane]:
    plan = classic_plan(spec)
    features = [_classic_tile(layer) for layer in plan.features if layer.kind in ("conv", "pool")]
    linear = [_classic_tile(layer) for layer in plan.classifier if layer.kind == "linear"]
    n_convs = sum(layer.kind == "conv" for layer in plan.features)
    return [
        Lane(f"<b>Features</b>  {n_convs} convolutions", tuple(features)),
        Lane(f"<b>Classifier</b>  {len(linear)} fully connected layers", tuple(linear)),
    ]


def _classic_tile(layer) -> Tile:
    if layer.kind == "conv":
        conv = layer.conv
        words = f"convolution {conv.kernel}×{conv.kernel}<br>{conv.in_channels} to {conv.out_channels} channels"
        return Tile(-1, -1, str(conv.out_channels), words, conv.out_channels)
    if layer.kind == "pool":
        return Tile(-1, -1, "", f"max pooling {layer.width}×{layer.width}: halves the map", 0, 0.4)
    return Tile(-1, -1, f"{layer.width:,}", f"{layer.in_features:,} to {layer.width:,} numbers", 0, 1.8)
