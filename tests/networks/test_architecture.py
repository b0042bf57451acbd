import pytest

from resnet_core.networks.architecture import plan_of
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

STAGED = sorted(name for name, row in PRESETS.items() if row.spec.family not in ("alexnet", "vgg"))


@pytest.mark.parametrize("name", STAGED)
def test_each_block_takes_what_the_one_before_gives(name):
    plan = plan_of(preset(name))
    channels = plan.stem.out_channels
    for block in plan.blocks:
        assert block.in_channels == channels
        channels = block.out_channels


@pytest.mark.parametrize("name", STAGED)
def test_the_depth_is_the_number_of_layers_with_weights_on_the_longest_path(name):
    spec = preset(name)
    plan = plan_of(spec)
    assert 2 + sum(len(block.convs) for block in plan.blocks) == spec.depth


def test_shortcut_options_differ_where_the_paper_says():
    def kinds(option: str) -> list[str]:
        return [block.shortcut for block in plan_of(NetSpec(depth=14, shortcut=option)).blocks]

    assert kinds("A") == ["identity", "identity", "pad", "identity", "pad", "identity"]
    assert kinds("B") == ["identity", "identity", "project", "identity", "project", "identity"]
    assert kinds("C") == ["project"] * 6


def test_orders_of_steps():
    def steps(**fields) -> tuple[str, str]:
        block = plan_of(NetSpec(depth=14, **fields)).blocks[1]
        return " ".join(block.branch), " ".join(block.after)

    assert steps() == ("conv1 bn1 relu1 conv2 bn2", "relu2")
    assert steps(order="bn_after_add") == ("conv1 bn1 relu1 conv2", "bn2 relu2")
    assert steps(order="relu_before_add") == ("conv1 bn1 relu1 conv2 bn2 relu2", "")
    assert steps(family="preact") == ("bn1 relu1 conv1 bn2 relu2 conv2", "")
    assert steps(family="preact", order="relu_only_preact") == ("relu1 conv1 bn1 relu2 conv2 bn2", "")
    assert steps(norm="none", init="skipinit") == ("conv1 relu1 conv2 alpha", "relu2")


def test_a_preactivation_unit_branches_off_late_only_where_the_paper_says():
    blocks = plan_of(NetSpec("preact", depth=14, shortcut="B")).blocks
    assert [bool(block.shared) for block in blocks] == [True, False, True, False, True, False]
    assert not plan_of(NetSpec("preact", depth=14, skips="none")).blocks[0].shared


def test_stochastic_depth_rises_linearly_to_its_end():
    drops = [block.drop for block in plan_of(NetSpec(depth=14, drop_path=0.6)).blocks]
    assert drops == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_block_without_skip_is_never_dropped():
    drops = [block.drop for block in plan_of(NetSpec(depth=8, drop_path=0.6, skips="101")).blocks]
    assert drops == pytest.approx([0.2, 0.0, 0.6])
