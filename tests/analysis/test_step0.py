import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from resnet_core.analysis.step0 import build_initial_net, measure_net, measure_step0
from resnet_core.analysis.step0_result import concat_seeds
from resnet_core.errors import DataError, SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)


class ByHand(nn.Module):
    """h = w * x, one weight; skip block r = v * h + h; logits (mean of r, 0). Every derivative fits on a line."""

    class Doubling(nn.Module):
        class Plus(nn.Module):
            def forward(self, branch, shortcut):
                return branch + shortcut

        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 1, 1, bias=False)
            self.merge = self.Plus()

        def forward(self, x):
            return self.merge(self.conv1(x), x)

    def __init__(self, w: float, v: float):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 1, 1, bias=False)
        self.layer1 = self.Doubling()
        self.fc = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.conv1.weight.fill_(w)
            self.layer1.conv1.weight.fill_(v)
            self.fc.weight.copy_(torch.tensor([[1.0], [0.0]]))

    def forward(self, x):
        return self.fc(self.layer1(self.conv1(x)).mean(dim=(1, 2, 3)).unsqueeze(1))

    def observed_blocks(self):
        return [("conv1", self.conv1), ("layer1", self.layer1)]


def test_a_net_differentiated_by_hand() -> None:
    w, v = 0.5, 3.0
    # Two pictures of two pixels; label 0 for both.
    x = torch.tensor([[1.0, 3.0], [-2.0, 4.0]]).reshape(2, 1, 1, 2)
    found = measure_net(NetSpec(depth=8, num_classes=2), ByHand(w, v), x, torch.zeros(2, dtype=torch.long))

    logit = (1 + v) * w * np.array([2.0, 1.0])  # of the pictures' means
    d_logit = 1 / (1 + np.exp(-logit)) - 1  # of each picture's own loss
    d_out = np.repeat(d_logit / 2, 2)  # to each of the two pixels the mean was taken over
    h = w * x.numpy().ravel()
    assert found.loss == pytest.approx(np.log1p(np.exp(-logit)).mean(), rel=1e-6)
    assert found.grad_rms[0, 1] == pytest.approx(np.sqrt((d_out**2).mean()), rel=1e-6)
    assert found.grad_rms[0, 0] == pytest.approx((1 + v) * found.grad_rms[0, 1], rel=1e-6)
    assert found.weight_names == ("conv1", "layer1.conv1", "fc")
    d_w = (d_logit * (1 + v) * np.array([2.0, 1.0])).mean()
    d_v = (d_logit * w * np.array([2.0, 1.0])).mean()
    assert found.weight_grad_rms[0, :2] == pytest.approx([abs(d_w), abs(d_v)], rel=1e-6)
    assert found.grad_over_weight[0, :2] == pytest.approx([abs(d_w) / w, abs(d_v) / v], rel=1e-6)
    assert found.mean[0] == pytest.approx([h.mean(), (1 + v) * h.mean()], rel=1e-6)
    assert found.variance[0] == pytest.approx([h.var(), (1 + v) ** 2 * h.var()], rel=1e-6)


def test_mean_and_variance_are_over_the_whole_output(pictures) -> None:
    found = measure_step0(NetSpec(depth=8), *pictures, MEAN, STD)
    net = build_net(NetSpec(depth=8))
    outputs = []
    net.layer2[0].register_forward_hook(lambda _m, _i, out: outputs.append(out.detach().double()))
    images = torch.tensor((pictures[0] / 255 - MEAN) / STD, dtype=torch.float32).permute(0, 3, 1, 2)
    net(images)
    index = found.block_names.index("layer2.0")
    out = outputs[0]
    assert found.mean[0, index] == pytest.approx(out.mean().item(), rel=1e-4)
    assert found.variance[0, index] == pytest.approx(out.var(correction=0).item(), rel=1e-4)


@pytest.mark.parametrize(
    "spec",
    [
        NetSpec(depth=8),
        NetSpec(family="plain", depth=8, norm="none", init="xavier"),
        NetSpec(depth=8, norm="none", init="fixup"),
        NetSpec(depth=8, shortcut="B", merge="dropout"),
        NetSpec(depth=8, drop_path=0.5),
        NetSpec(family="preact", depth=11, block="bottleneck"),
        NetSpec(family="highway", depth=8, norm="none"),
        NetSpec(family="alexnet", depth=8, norm="none", layout="imagenet", width=64),
        NetSpec(family="vgg", depth=19, norm="none", layout="imagenet", width=64),
    ],
    ids=lambda spec: spec.name,
)
def test_every_family_is_measured_at_every_block(spec: NetSpec, pictures) -> None:
    found = measure_step0(spec, *pictures, MEAN, STD)
    assert len(found.block_names) == spec.n_blocks + 1
    for values in (found.grad_rms, found.mean, found.variance, found.weight_grad_rms):
        assert np.isfinite(values).all()


def test_shortcuts_gates_and_the_classifier_are_not_on_the_path(pictures) -> None:
    found = measure_step0(NetSpec(depth=8, shortcut="B", merge="exclusive_gate"), *pictures, MEAN, STD)
    off = {name for name, on in zip(found.weight_names, found.weight_on_path, strict=True) if not on}
    assert {"fc", "layer2.0.downsample.0", "layer1.0.merge.gate"} <= off
    assert sum(found.weight_on_path) == 7  # the stem and two for each of three blocks


def test_a_net_is_left_as_it_was(pictures) -> None:
    spec = NetSpec(depth=8, merge="dropout")
    net = build_initial_net(spec, 0)
    net.eval()
    net.layer1.train()
    net.conv1.weight.grad = torch.full_like(net.conv1.weight, 7.0)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    x = torch.randn(12, 3, 32, 32)
    y = torch.arange(12) % 10
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    measure_net(spec, net, x, y)

    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes
    assert (net.conv1.weight.grad == 7).all() and net.fc.weight.grad is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_hooks_are_gone_when_the_forward_pass_fails() -> None:
    net = build_initial_net(NetSpec(depth=8), 0)
    with pytest.raises(RuntimeError):
        measure_net(NetSpec(depth=8), net, torch.randn(2, 5, 32, 32), torch.zeros(2, dtype=torch.long))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_the_same_seed_gives_the_same_numbers_whatever_was_drawn_before(pictures) -> None:
    spec = NetSpec(depth=8, drop_path=0.5)
    first = measure_step0(spec, *pictures, MEAN, STD, seeds=(3,))
    torch.rand(100)
    again = measure_step0(spec, *pictures, MEAN, STD, seeds=(2, 3))
    assert (again.grad_rms[1] == first.grad_rms[0]).all()
    assert (again.grad_rms[0] != first.grad_rms[0]).any()


def test_seeds_measured_apart_join_to_seeds_measured_together(pictures) -> None:
    spec = NetSpec(depth=8)
    apart = concat_seeds([measure_step0(spec, *pictures, MEAN, STD, seeds=(seed,)) for seed in (0, 1)])
    together = measure_step0(spec, *pictures, MEAN, STD, seeds=(0, 1))
    assert apart.seeds == together.seeds == (0, 1)
    assert (apart.weight_grad_rms == together.weight_grad_rms).all()


def test_the_gradient_does_not_depend_on_how_often_a_picture_is_in_the_batch(pictures) -> None:
    images, labels = pictures
    once = measure_step0(NetSpec(depth=8, norm="none"), images, labels, MEAN, STD)
    twice = measure_step0(NetSpec(depth=8, norm="none"), np.tile(images, (2, 1, 1, 1)), np.tile(labels, 2), MEAN, STD)
    assert twice.grad_rms == pytest.approx(once.grad_rms, rel=1e-4)
    assert twice.weight_grad_rms == pytest.approx(once.weight_grad_rms, rel=1e-4)


def test_twins_start_with_the_same_stem_and_differ_behind_it(pictures) -> None:
    residual = NetSpec(depth=8)
    one, other = (measure_step0(spec, *pictures, MEAN, STD) for spec in (residual, residual.twin()))
    assert one.weight_names == other.weight_names
    assert one.variance[0, 0] == other.variance[0, 0]
    assert one.variance[0, -1] != other.variance[0, -1]


def test_underflow_is_an_exact_zero_and_float64_knows_what_stands_behind(pictures) -> None:
    spec = NetSpec(family="plain", depth=56, norm="none", init="gaussian")
    fp32 = measure_step0(spec, *pictures, MEAN, STD)
    fp64 = measure_step0(spec, *pictures, MEAN, STD, precision="fp64")
    assert fp32.grad_rms[0, 0] == 0 and (fp32.grad_rms == 0).sum() > 20
    assert 1e-80 < fp64.grad_rms[0, 0] < 1e-45
    assert fp64.precision == "fp64" and (fp64.grad_rms > 0).all()


def test_sizes_whose_squares_float32_cannot_hold_are_still_seen() -> None:
    net = ByHand(1e-30, 1.0)
    x = torch.tensor([[1.0, 3.0], [-2.0, 4.0]]).reshape(2, 1, 1, 2)
    found = measure_net(NetSpec(depth=8, num_classes=2), net, x, torch.zeros(2, dtype=torch.long))
    assert found.variance[0, 0] == pytest.approx(x.numpy().var() * 1e-60, rel=1e-5)
    assert found.weight_grad_rms[0, 1] == pytest.approx(0.5 * 1.5e-30, rel=1e-5)


def test_overflow_is_reported_and_nothing_breaks(pictures) -> None:
    net = build_initial_net(NetSpec(depth=8, norm="none"), 0)
    with torch.no_grad():
        net.layer2[0].conv1.weight.fill_(1e30)
        net.layer2[0].conv2.weight.fill_(1e30)
    x = torch.rand(2, 3, 32, 32)
    found = measure_net(NetSpec(depth=8, norm="none"), net, x, torch.tensor([0, 1]))
    assert not np.isfinite(found.loss).any()
    assert np.isfinite(found.variance[0, :2]).all() and not np.isfinite(found.variance[0, -1])
    assert not np.isfinite(found.grad_rms[0]).all()


def test_pictures_are_enlarged_for_a_net_that_wants_them_larger(pictures) -> None:
    spec = NetSpec(depth=18, layout="imagenet", width=64, shortcut="B", image_size=224)
    images, labels = pictures
    assert measure_step0(spec, images[:2], labels[:2], MEAN, STD).pictures == 2


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((2, 32, 32, 3), np.float32), [0, 1], "float32"),
        (np.zeros((0, 32, 32, 3), np.uint8), [], "at least 1"),
        (np.zeros((2, 32, 32, 3), np.uint8), [0, 10], "label 10"),
        (np.zeros((2, 32, 32, 3), np.uint8), [0, 1, 2], "2 labels"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(images, labels, said: str) -> None:
    with pytest.raises(DataError, match=said):
        measure_step0(NetSpec(depth=8), images, np.array(labels, dtype=np.int64), MEAN, STD)


def test_no_seed_and_an_unknown_precision_are_refused(pictures) -> None:
    with pytest.raises(SpecError):
        measure_step0(NetSpec(depth=8), *pictures, MEAN, STD, seeds=())
    with pytest.raises(SpecError, match="fp16"):
        measure_step0(NetSpec(depth=8), *pictures, MEAN, STD, precision="fp16")


def test_a_profile_is_read_and_judged_without_torch(pictures, tmp_path) -> None:
    file = tmp_path / "profile.pickle"
    file.write_bytes(pickle.dumps(measure_step0(NetSpec(depth=8), *pictures, MEAN, STD)))
    code = (
        "import pickle, sys; from resnet_core.analysis import cases, comparison, verdict; "
        f"p = pickle.load(open({str(file)!r}, 'rb')); verdict.judge(p); comparison.compare_designs([p, p]); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
