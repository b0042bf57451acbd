import numpy as np
import pytest
import torch
import torch.nn.functional as F

from resnet_core.analysis.same_weights import ADDED, AS_TRAINED, REMOVED, evaluate_same_weights
from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def trained(spec: NetSpec) -> dict[str, torch.Tensor]:
    """Weights whose batch norm has seen something, so that evaluation mode means something."""
    net = build_net(spec, seed=1)
    torch.manual_seed(0)
    for _ in range(5):
        net(torch.randn(16, 3, 32, 32))
    return net.state_dict()


def rows(spec: NetSpec, state: dict, pictures) -> dict:
    return {row.skips: row for row in evaluate_same_weights(spec, state, *pictures, MEAN, STD)}


def test_removed_skips_are_the_plain_twin_with_the_same_weights(pictures) -> None:
    spec = NetSpec(depth=8)
    state = trained(spec)
    found = rows(spec, state, pictures)
    assert list(found) == [AS_TRAINED, REMOVED]
    x = torch.tensor((pictures[0] / 255 - 0.5) / 0.25, dtype=torch.float32).permute(0, 3, 1, 2)
    y = torch.tensor(pictures[1])
    for skips, variant in ((AS_TRAINED, spec), (REMOVED, spec.twin())):
        net = build_net(variant)
        net.load_state_dict(state)
        with torch.no_grad():
            logits = net.eval()(x)
        assert found[skips].loss == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-4)
        assert found[skips].error == pytest.approx((logits.argmax(1) != y).double().mean().item())
    assert found[REMOVED].loss != pytest.approx(found[AS_TRAINED].loss, rel=1e-3)


def test_a_plain_net_is_given_skips_and_a_mixed_one_both(pictures) -> None:
    plain = NetSpec(family="plain", depth=8)
    assert list(rows(plain, trained(plain), pictures)) == [AS_TRAINED, ADDED]
    mixed = NetSpec(depth=8, skips="101")
    found = rows(mixed, trained(mixed), pictures)
    assert {skips: row.spec.skips for skips, row in found.items()} == {
        AS_TRAINED: "101",
        REMOVED: "none",
        ADDED: "all",
    }


def test_statistics_of_batch_norm_are_taken_anew(pictures) -> None:
    """With all pictures in one batch, that is the network in training mode, up to the variance's n - 1."""
    spec = NetSpec(depth=8)
    state = trained(spec)
    found = rows(spec, state, pictures)[AS_TRAINED]
    net = build_net(spec)
    net.load_state_dict(state)
    x = torch.tensor((pictures[0] / 255 - 0.5) / 0.25, dtype=torch.float32).permute(0, 3, 1, 2)
    expected = F.cross_entropy(net.train()(x), torch.tensor(pictures[1])).item()
    assert found.loss_recalibrated == pytest.approx(expected, rel=0.02)
    assert found.loss != pytest.approx(expected, rel=0.02)


def test_without_batch_norm_there_is_nothing_to_take_anew(pictures) -> None:
    spec = NetSpec(depth=8, norm="none", init="default")
    assert rows(spec, trained(spec), pictures)[REMOVED].loss_recalibrated is None


def test_skips_that_need_weights_of_their_own_cannot_be_put_in(pictures) -> None:
    spec = NetSpec(depth=8, shortcut="B", skips="100")
    found = rows(spec, trained(spec), pictures)
    assert found[ADDED].loss is None and "downsample" in found[ADDED].impossible
    assert found[REMOVED].loss is not None


def test_stochastic_depth_does_not_stand_in_the_way(pictures) -> None:
    spec = NetSpec(depth=8, drop_path=0.5)
    assert rows(spec, trained(spec), pictures)[REMOVED].loss is not None


def test_a_family_without_skips_says_so(pictures) -> None:
    spec = NetSpec(family="alexnet", depth=8, norm="none", layout="imagenet", width=64)
    found = rows(spec, build_net(spec).state_dict(), pictures)
    assert np.isfinite(found[AS_TRAINED].loss) and found[ADDED].impossible


def test_weights_of_another_network_are_refused(pictures) -> None:
    with pytest.raises(SpecError):
        rows(NetSpec(depth=14), trained(NetSpec(depth=8)), pictures)


def test_the_state_is_not_changed(pictures) -> None:
    state = trained(NetSpec(depth=8))
    before = {name: tensor.clone() for name, tensor in state.items()}
    rows(NetSpec(depth=8), state, pictures)
    assert all(torch.equal(state[name], before[name]) for name in state)
