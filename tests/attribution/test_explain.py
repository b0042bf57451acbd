"""What explain gives, by hand; and what it leaves as it was."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

from resnet_core.attribution.explain import explain, explain_batch
from resnet_core.attribution.methods import METHODS, AttributionError
from resnet_core.errors import LabError

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")

COMPLETE = ["integrated_gradients", "deeplift", "gradient_shap"]


def black(normalise):
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (normalise.mean, normalise.std))
    return ((0 - mean) / std).expand(3, 4, 4)


class TestLinear:
    """On a linear net all gradient methods have one right answer each."""

    @pytest.mark.parametrize("target", [0, 1])
    def test_saliency_is_largest_weight_of_channels(self, linear, picture, normalise, target):
        answer = explain(linear, picture, target, "saliency", normalise=normalise)
        np.testing.assert_allclose(answer.raw, linear.weight(target), rtol=1e-6)
        np.testing.assert_allclose(answer.map, linear.weight(target).abs().amax(0), rtol=1e-6)

    def test_smoothgrad_is_saliency(self, linear, picture, normalise):
        answer = explain(linear, picture, 1, "smoothgrad", normalise=normalise)
        np.testing.assert_allclose(answer.map, linear.weight(1).abs().amax(0), rtol=1e-5)

    def test_guided_backprop_is_gradient_without_relu(self, linear, picture, normalise):
        answer = explain(linear, picture, 1, "guided_backprop", normalise=normalise)
        np.testing.assert_allclose(answer.map, linear.weight(1).sum(0), rtol=1e-5)

    def test_input_x_gradient(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "input_x_gradient", normalise=normalise)
        np.testing.assert_allclose(answer.map, (linear.weight(0) * picture[0]).sum(0), rtol=1e-5)

    @pytest.mark.parametrize("method", COMPLETE)
    def test_complete_methods_from_black(self, linear, picture, normalise, method):
        answer = explain(linear, picture, 1, method, normalise=normalise, params={"baseline": "black"})
        by_hand = (linear.weight(1) * (picture[0] - black(normalise))).sum(0)
        np.testing.assert_allclose(answer.map, by_hand, rtol=1e-4, atol=1e-5)
        assert answer.change == pytest.approx(float(by_hand.sum()), rel=1e-4)
        assert abs(answer.delta) < 1e-4 * abs(answer.change)

    def test_occlusion_of_single_pixels(self, linear, picture, normalise):
        params = {"window": 0.25, "stride": 0.25, "baseline": "black"}
        answer = explain(linear, picture, 0, "occlusion", normalise=normalise, params=params)
        by_hand = (linear.weight(0) * (picture[0] - black(normalise))).sum(0)
        np.testing.assert_allclose(answer.map, by_hand, rtol=1e-4, atol=1e-5)

    def test_feature_ablation_of_four_patches(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "feature_ablation", normalise=normalise, params={"patches": 2})
        pixel = (linear.weight(0) * picture[0]).sum(0)
        by_hand = pixel.view(2, 2, 2, 2).sum((1, 3)).repeat_interleave(2, 0).repeat_interleave(2, 1)
        np.testing.assert_allclose(answer.map, by_hand, rtol=1e-4, atol=1e-5)


class TestOneReLU:
    """relu(w·x + bias), with w·(picture - black) = 3 and the kink one third of the way."""

    @pytest.fixture
    def weight(self, picture, normalise):
        way = picture[0] - black(normalise)
        return 3 * way / (way**2).sum()

    @pytest.fixture
    def net(self, one_relu, weight, normalise):
        return one_relu(weight, bias=-(weight * black(normalise)).sum() - 1)

    @pytest.mark.parametrize(("method", "params"), [("integrated_gradients", {"n_steps": 512}), ("deeplift", {})])
    def test_credit_goes_to_the_part_above_the_kink(self, net, weight, picture, normalise, method, params):
        answer = explain(net, picture, 0, method, normalise=normalise, params=params)
        by_hand = weight * (picture[0] - black(normalise)) * 2 / 3
        np.testing.assert_allclose(answer.raw, by_hand, rtol=0.01, atol=1e-5)
        assert answer.change == pytest.approx(2, rel=1e-4)
        assert answer.relative_gap < 0.01

    def test_saliency_of_a_dead_relu_is_zero_although_the_picture_made_the_difference(
        self, one_relu, weight, picture, normalise
    ):
        off_at_picture = one_relu(-weight, bias=(weight * black(normalise)).sum() + 1)
        assert not explain(off_at_picture, picture, 0, "saliency", normalise=normalise).map.any()
        assert explain(off_at_picture, picture, 0, "deeplift", normalise=normalise).raw.sum() == pytest.approx(
            -1, rel=1e-4
        )

    def test_guided_backprop_stops_what_pulls_down(self, net, weight, picture, normalise):
        pulls_up = explain(net, picture, 0, "guided_backprop", normalise=normalise)
        np.testing.assert_allclose(pulls_up.raw, weight, rtol=1e-5)
        assert explain(net, picture, 1, "saliency", normalise=normalise).map.any()
        assert not explain(net, picture, 1, "guided_backprop", normalise=normalise).map.any()


class TestGradCam:
    def by_hand(self, net, picture, target):
        with torch.no_grad():
            activations = net.block(picture)[0]
        weights = net.fc.weight.detach()[target] / 4  # the average over 2 x 2 gives each position a quarter
        return (weights[:, None, None] * activations).sum(0).relu()

    @pytest.mark.parametrize("target", [0, 1])
    def test_native_map(self, pooled, picture, normalise, target):
        answer = explain(pooled, picture, target, "grad_cam", normalise=normalise)
        native = self.by_hand(pooled, picture, target)
        assert native.any()
        np.testing.assert_allclose(answer.native, native, rtol=1e-5, atol=1e-7)
        assert answer.raw is None and answer.map.shape == (4, 4)
        assert answer.params == {"block": "block"}

    def test_guided_grad_cam_is_the_product(self, pooled, picture, normalise):
        cam = explain(pooled, picture, 0, "grad_cam", normalise=normalise).native
        guided = explain(pooled, picture, 0, "guided_backprop", normalise=normalise).raw
        product = guided * cam.repeat(2, 0).repeat(2, 1)
        answer = explain(pooled, picture, 0, "guided_grad_cam", normalise=normalise)
        np.testing.assert_allclose(answer.raw, product, rtol=1e-5, atol=1e-7)

    def test_block_is_taken_after_the_addition(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "grad_cam", normalise=normalise, params={"block": "layer1.0"})
        net.eval()
        block = dict(net.observed_blocks())["layer1.0"]
        outputs = []
        hook = block.register_forward_hook(lambda *args: outputs.append(args[-1]))
        logit = net(x)[0, 1]
        hook.remove()
        weights = torch.autograd.grad(logit, outputs[0])[0].mean((2, 3), keepdim=True)
        by_hand = (weights * outputs[0]).sum(1)[0].relu().detach()
        np.testing.assert_allclose(answer.native, by_hand, rtol=1e-4, atol=1e-7)

    def test_default_is_the_last_block(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "grad_cam", normalise=normalise)
        assert answer.params["block"] == net.observed_blocks()[-1][0]
        assert answer.native.shape == (8, 8)

    def test_unknown_block_lists_those_there_are(self, pooled, picture, normalise):
        with pytest.raises(AttributionError, match=r"'layer9'.*block"):
            explain(pooled, picture, 0, "grad_cam", normalise=normalise, params={"block": "layer9"})


class TestEveryKind:
    def test_deeplift_is_complete(self, every_kind, normalise):
        net, x = every_kind
        answer = explain(net, x, 3, "deeplift", normalise=normalise)
        assert np.abs(answer.raw).sum() > 1e-4
        assert abs(answer.delta) < 1e-3 * abs(answer.change) + 1e-5 * np.abs(answer.raw).sum()

    def test_integrated_gradients_are_complete(self, every_kind, normalise):
        net, x = every_kind
        answer = explain(net, x, 3, "integrated_gradients", normalise=normalise, params={"n_steps": 64})
        assert np.abs(answer.raw).sum() > 1e-4
        assert abs(answer.delta) < 0.01 * np.abs(answer.raw).sum()

    def test_gradient_shap_is_complete_up_to_sampling(self, resnet, normalise):
        net, x = resnet
        gaps = [
            explain(net, x, 3, "gradient_shap", normalise=normalise, params={"n_samples": count}).delta
            for count in (8, 512)
        ]
        assert abs(gaps[1]) < 0.2 * abs(gaps[0])

    def test_every_method_answers(self, every_kind, normalise):
        net, x = every_kind
        small = {"n_samples": 2, "n_steps": 4, "patches": 2, "window": 0.5, "stride": 0.5}
        for name, row in METHODS.items():
            params = {p.name: small[p.name] for p in row.params if p.name in small}
            answer = explain(net, x, 0, name, normalise=normalise, params=params)
            assert answer.map.shape == tuple(x.shape[-2:]) and answer.map.dtype == np.float32
            assert np.isfinite(answer.map).all()
            assert row.signed or (answer.map >= 0).all()


class TestLeavesNoTrace:
    def state(self, net):
        hooks = [
            len(hooks) for module in net.modules() for name, hooks in vars(module).items() if name.endswith("_hooks")
        ]
        modes = [module.training for module in net.modules()]
        attributes = [sorted(vars(module)) for module in net.modules()]
        weights = {name: value.clone() for name, value in net.state_dict().items()}
        return hooks, modes, attributes, weights

    def assert_same(self, before, after):
        assert before[:3] == after[:3]
        for name, value in before[3].items():
            assert torch.equal(value, after[3][name]), name

    @pytest.mark.parametrize("method", METHODS)
    def test_net_and_gradients_as_before(self, resnet, normalise, method):
        net, x = resnet
        net.fc.weight.grad = torch.ones_like(net.fc.weight)
        net.layer1.eval()
        before = self.state(net)
        explain(net, x, 1, method, normalise=normalise)
        self.assert_same(before, self.state(net))
        assert torch.equal(net.fc.weight.grad, torch.ones_like(net.fc.weight))
        assert net.conv1.weight.grad is None and not x.requires_grad

    @pytest.mark.parametrize("method", METHODS)
    def test_as_before_after_an_exception(self, resnet, normalise, method):
        net, x = resnet

        calls = []

        class FailsAtTheSecondCall(nn.Module):
            def forward(self, values):
                calls.append(len(values))
                if len(calls) > 1:
                    raise FloatingPointError("half way through")
                return values

        net.avgpool = nn.Sequential(net.avgpool, FailsAtTheSecondCall())
        before = self.state(net)
        with pytest.raises(FloatingPointError):
            explain(net, x, 1, method, normalise=normalise)
        self.assert_same(before, self.state(net))
        assert all(value.grad is None for value in net.parameters())

    @pytest.mark.parametrize("method", METHODS)
    def test_global_random_states_untouched(self, resnet, normalise, method):
        net, x = resnet
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
        explain(net, x, 1, method, normalise=normalise)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.slow
def test_captum_is_quiet():
    code = """
import torch
from torch import nn
from resnet_core.attribution.explain import explain
from resnet_core.attribution.methods import METHODS
from resnet_core.data.normalise import Normalise
net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
type(net).observed_blocks = lambda net: [("conv", net[0])]
for method in METHODS:
    explain(net, torch.randn(1, 3, 8, 8), 0, method, normalise=Normalise((0.5,) * 3, (0.5,) * 3))
"""
    # Warnings said while torch and captum are imported are not ours.
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "hooks" not in run.stderr and "required_grads" not in run.stderr


class TestSameQuestionSameAnswer:
    @pytest.mark.parametrize("method", METHODS)
    def test_twice(self, resnet, normalise, method):
        net, x = resnet
        torch.manual_seed(1)
        first = explain(net, x, 1, method, normalise=normalise)
        torch.manual_seed(2)
        np.random.seed(2)
        assert np.array_equal(first.map, explain(net, x, 1, method, normalise=normalise).map)

    @pytest.mark.parametrize("method", ["smoothgrad", "gradient_shap"])
    def test_another_seed_is_another_map(self, resnet, normalise, method):
        net, x = resnet
        maps = [explain(net, x, 1, method, normalise=normalise, params={"seed": seed}).map for seed in (0, 1)]
        assert not np.array_equal(*maps)

    @pytest.mark.parametrize("method", METHODS)
    def test_alone_or_in_a_batch(self, resnet, normalise, method):
        net, x = resnet
        pictures = torch.cat([x, x.flip(-1), x * 0.5])
        together = explain_batch(net, pictures, [1, 2, 1], method, normalise=normalise)
        for one, target, answer in zip(pictures, [1, 2, 1], together, strict=True):
            alone = explain(net, one[None], target, method, normalise=normalise)
            np.testing.assert_allclose(answer.map, alone.map, rtol=1e-3, atol=1e-4 * np.abs(alone.map).max())

    def test_two_threads_get_what_one_gets(self, resnet, normalise):
        net, x = resnet
        questions = [(method, target) for method in METHODS for target in (1, 2)]
        one_by_one = {(m, t): explain(net, x, t, m, normalise=normalise).map for m, t in questions}
        found, start = {}, threading.Barrier(2)

        def ask(mine):
            start.wait()
            for method, target in mine:
                found[method, target] = explain(net, x, target, method, normalise=normalise).map

        threads = [threading.Thread(target=ask, args=(questions[part::2],)) for part in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found.keys() == one_by_one.keys()
        for question, values in found.items():
            assert np.array_equal(values, one_by_one[question]), question

    def test_whatever_mode_the_caller_is_in(self, resnet, normalise):
        net, x = resnet
        usual = explain(net, x, 1, "saliency", normalise=normalise).map
        with torch.no_grad():
            assert np.array_equal(explain(net, x, 1, "saliency", normalise=normalise).map, usual)
        with torch.inference_mode():
            assert np.array_equal(explain(net, x.clone(), 1, "saliency", normalise=normalise).map, usual)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert np.array_equal(explain(net, x, 1, "saliency", normalise=normalise).map, usual)

    def test_eval_mode_is_used(self, resnet, normalise):
        net, x = resnet
        training = explain(net.train(), x, 1, "saliency", normalise=normalise)
        np.testing.assert_array_equal(training.map, explain(net.eval(), x, 1, "saliency", normalise=normalise).map)
        with torch.no_grad():
            np.testing.assert_allclose(training.logits, net(x)[0], rtol=1e-5)


class TestRefused:
    @pytest.mark.parametrize("target", [-1, 2])
    def test_class_that_is_not_there(self, linear, picture, normalise, target):
        with pytest.raises(AttributionError, match=f"{target}.*0 to 1"):
            explain(linear, picture, target, "saliency", normalise=normalise)

    @pytest.mark.parametrize("shape", [(3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4), (0, 3, 4, 4)])
    def test_wrong_shape(self, linear, normalise, shape):
        with pytest.raises(AttributionError):
            explain(linear, torch.zeros(shape), 0, "saliency", normalise=normalise)

    def test_as_many_classes_as_pictures(self, linear, picture, normalise):
        with pytest.raises(AttributionError, match="2 pictures"):
            explain_batch(linear, picture.repeat(2, 1, 1, 1), [0], "saliency", normalise=normalise)

    def test_diverged_network(self, linear, picture, normalise):
        linear.fc.bias.data[1] = float("nan")
        with pytest.raises(LabError, match="not finite"):
            explain(linear, picture, 0, "saliency", normalise=normalise)

    def test_unknown_method(self, linear, picture, normalise):
        with pytest.raises(AttributionError, match="lime"):
            explain(linear, picture, 0, "lime", normalise=normalise)
