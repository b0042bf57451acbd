import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity

from resnet_core.attribution import trust
from resnet_core.attribution.baselines import make_baseline
from resnet_core.attribution.explain import explain
from resnet_core.attribution.methods import METHODS

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")


class TestInfidelity:
    @pytest.mark.parametrize("method", ["saliency", "input_x_gradient", "integrated_gradients", "deeplift"])
    def test_linear_net_is_foretold_exactly(self, linear, picture, normalise, method):
        answer = explain(linear, picture, 0, method, normalise=normalise)
        found = trust.infidelity(linear, picture, answer, normalise)
        assert found.unexplained < 1e-9 and found.scale == pytest.approx(1, rel=1e-4)

    def test_upside_down_map_is_found_by_its_scale(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "deeplift", normalise=normalise)
        object.__setattr__(answer, "map", -answer.map)
        assert trust.infidelity(linear, picture, answer, normalise).scale == pytest.approx(-1, rel=1e-4)

    def test_random_map_foretells_less(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "integrated_gradients", normalise=normalise)
        right = trust.infidelity(net, x, answer, normalise).unexplained
        random = np.random.default_rng(0).permutation(answer.map.ravel()).reshape(32, 32)
        object.__setattr__(answer, "map", random)
        assert 0 <= right < trust.infidelity(net, x, answer, normalise).unexplained <= 1

    def test_empty_map_explains_nothing(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "deeplift", normalise=normalise)
        object.__setattr__(answer, "map", np.zeros_like(answer.map))
        assert trust.infidelity(linear, picture, answer, normalise).unexplained == pytest.approx(1)

    def test_same_number_as_captums(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "saliency", normalise=normalise)
        masks = trust._random_squares(64, x, seed=0)

        def remove(inputs):
            return masks.float() * inputs, torch.where(masks, torch.zeros(()), inputs)

        theirs = captum_infidelity(
            net.eval(), remove, x, torch.from_numpy(answer.raw)[None], target=1, n_perturb_samples=64,
            normalize=True,
        )  # fmt: skip
        ours = trust.infidelity(net, x, answer, normalise, samples=64)
        assert ours.value == pytest.approx(float(theirs), rel=1e-3)


class TestSensitivity:
    def test_gradient_of_a_linear_net_does_not_move(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "saliency", normalise=normalise)
        assert trust.sensitivity(linear, picture, answer, normalise).largest < 1e-6

    def test_input_x_gradient_moves_by_hand(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "input_x_gradient", normalise=normalise)
        found = trust.sensitivity(linear, picture, answer, normalise, radius=0.1, samples=20)
        step = 0.1 / torch.tensor(normalise.std).view(3, 1, 1)
        most = float((linear.weight(0) * step).norm() / np.linalg.norm(answer.raw))
        assert 0.4 * most < found.mean < found.largest < most

    def test_wider_radius_moves_more(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "saliency", normalise=normalise)
        near, far = (trust.sensitivity(net, x, answer, normalise, radius=r).mean for r in (0.002, 0.1))
        assert near < far

    def test_empty_map(self, linear, picture, normalise):
        linear.fc.weight.data.zero_()
        answer = explain(linear, picture, 0, "saliency", normalise=normalise)
        assert np.isnan(trust.sensitivity(linear, picture, answer, normalise).largest)


class TestRandomisation:
    def test_signed_correlation_of_linear_nets_is_the_weights(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "saliency", normalise=normalise)
        check = trust.randomisation_check(linear, picture, answer, normalise)
        assert abs(check.signed) < 0.5
        assert check.twin.method == "saliency" and not np.array_equal(check.twin.raw, answer.raw)

    def test_input_shows_through_without_the_sign(self, linear, picture, normalise):
        """Adebayo's point: the picture's own brightness keeps input x gradient looking the same."""
        bright = picture.clone()
        bright[:, :, :2] *= 100
        answer = explain(linear, bright, 0, "input_x_gradient", normalise=normalise)
        check = trust.randomisation_check(linear, bright, answer, normalise)
        assert check.absolute > 0.6 > abs(check.signed) + 0.2

    @pytest.mark.parametrize("method", METHODS)
    def test_same_question_is_asked_of_the_twin(self, resnet, normalise, method):
        net, x = resnet
        params = {"block": "layer2.0"} if "cam" in method else {}
        answer = explain(net, x, 1, method, normalise=normalise, params=params)
        check = trust.randomisation_check(net, x, answer, normalise)
        assert check.twin.params == answer.params and check.twin.target == 1

    def test_twin_has_nothing_of_the_original(self, every_kind):
        net, x = every_kind
        twin = trust.randomise_weights(net, seed=1)
        for name, module in net.named_modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                weights = [m.weight.detach().flatten() for m in (module, twin.get_submodule(name))]
                correlation = torch.corrcoef(torch.stack(weights))[0, 1]
                assert abs(correlation) < 6 / len(weights[0]) ** 0.5, name
        with torch.no_grad():
            assert torch.isfinite(twin.eval()(x)).all() and twin(x).std() > 0

    def test_twin_is_seeded_and_the_original_untouched(self, resnet):
        net, _ = resnet
        before = {name: value.clone() for name, value in net.state_dict().items()}
        state = torch.get_rng_state()
        first, again, other = (trust.randomise_weights(net, seed).fc.weight for seed in (0, 0, 1))
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


class TestDeletionInsertion:
    def test_ends_are_the_picture_and_nothing(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "saliency", normalise=normalise)
        curves = trust.deletion_insertion(net, x, answer, normalise, points=5)
        with torch.no_grad():
            whole, mean, blurred = (
                float(net.eval()(picture).softmax(1)[0, 1])
                for picture in (x, torch.zeros_like(x), make_baseline("blurred", x, normalise))
            )
        assert curves.fraction.tolist() == [0, 0.25, 0.5, 0.75, 1]
        for name in ("deletion", "deletion_random"):
            assert getattr(curves, name)[[0, -1]] == pytest.approx([whole, mean], rel=1e-4)
        for name in ("insertion", "insertion_random"):
            assert getattr(curves, name)[[0, -1]] == pytest.approx([blurred, whole], rel=1e-4)

    def test_right_order_beats_chance_and_the_reverse_loses(self, linear, picture, normalise):
        answer = explain(linear, picture, 0, "input_x_gradient", normalise=normalise)
        # Logits one of the other's negative, so that order by logit is order by probability.
        linear.fc.weight.data[1] = -linear.fc.weight.data[0]
        right = trust.deletion_insertion(linear, picture, answer, normalise)
        object.__setattr__(answer, "map", -answer.map)
        reverse = trust.deletion_insertion(linear, picture, answer, normalise)
        assert right.area("deletion") < right.area("deletion_random") < reverse.area("deletion")

    def test_random_orders_are_seeded(self, resnet, normalise):
        net, x = resnet
        answer = explain(net, x, 1, "saliency", normalise=normalise)
        first, again = (trust.deletion_insertion(net, x, answer, normalise, points=4) for _ in range(2))
        np.testing.assert_array_equal(first.deletion_random, again.deletion_random)
