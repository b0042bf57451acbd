import pytest

from resnet_core.figures.tiles import MAX_TILES, build_lanes
from resnet_core.networks.spec import NetSpec


def blocks(spec):
    return [tile for lane in build_lanes(spec) for tile in lane.tiles if tile.first >= 0]


@pytest.mark.parametrize(
    "spec",
    [
        NetSpec(depth=20),
        NetSpec(depth=110, skips="10" * 27),
        NetSpec(depth=164, block="bottleneck", family="preact"),
        NetSpec(depth=32, family="highway", norm="none"),
        NetSpec(depth=1202),
        NetSpec(depth=1202, skips="10" * 300),
        NetSpec(depth=1202, skips="1" * 300 + "0" * 300),
    ],
)
def test_every_block_is_on_exactly_one_tile_in_order(spec):
    tiles = blocks(spec)
    covered = [index for tile in tiles for index in range(tile.first, tile.stop)]
    assert covered == list(range(spec.n_blocks))
    assert sum(tile.n_skips for tile in tiles) == sum(spec.skip_mask())
    assert all(lane.width <= MAX_TILES + 3 for lane in build_lanes(spec))


def test_up_to_depth_110_each_block_is_a_tile_of_its_own():
    assert all(tile.n_blocks == 1 for tile in blocks(NetSpec(depth=110)))


def test_a_fold_keeps_blocks_with_and_without_skip_apart():
    folded = blocks(NetSpec(depth=1202, skips="1" * 100 + "0" * 500))
    assert {(tile.n_skips, tile.n_blocks) for tile in folded if tile.stop <= 200} == {(100, 100), (0, 100)}


def test_lanes_tell_channels_and_sizes():
    titles = [lane.title for lane in build_lanes(NetSpec(depth=56))]
    assert "16 channels" in titles[0] and "32×32" in titles[0]
    assert "64 channels" in titles[2] and "8×8" in titles[2] and "9 blocks" in titles[2]
    imagenet = NetSpec(depth=50, layout="imagenet", block="bottleneck", shortcut="B", width=64, image_size=224)
    sizes = [lane.title.split(" · ")[-1] for lane in build_lanes(imagenet)]
    assert sizes == ["56×56", "28×28", "14×14", "7×7"]


def test_kinds_of_skips_are_told_apart():
    assert [t.skip for t in blocks(NetSpec(depth=8))] == ["identity", "pad", "pad"]
    assert [t.skip for t in blocks(NetSpec(depth=8, shortcut="B"))] == ["identity", "project", "project"]
    assert {t.skip for t in blocks(NetSpec(depth=20, merge="exclusive_gate"))} == {"gate"}


def test_networks_without_a_place_for_skips_have_lanes_too():
    vgg = NetSpec(family="vgg", depth=19, norm="none", layout="imagenet", width=64)
    features, classifier = build_lanes(vgg)
    assert sum(tile.channels > 0 for tile in features.tiles) == 16
    assert len(classifier.tiles) == 3
    assert blocks(vgg) == []
