import pytest
import torch
import torch.nn.functional as F

from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.networks.surgery import grow, load_shared_weights

GROWABLE = [
    NetSpec(depth=8, width=8),
    NetSpec("plain", depth=8, width=8),
    NetSpec("plain", depth=8, width=8, norm="none"),
    NetSpec(depth=8, width=8, norm="none", init="skipinit"),
    NetSpec(depth=8, width=8, norm="none", init="fixup"),
    NetSpec(depth=8, width=8, shortcut="B"),
    NetSpec(depth=8, width=8, skips="101"),
    NetSpec(depth=8, width=8, skips="none"),
    NetSpec("preact", depth=8, width=8),
    NetSpec("preact", depth=8, width=8, norm="none"),
    NetSpec("preact", depth=11, width=4, block="bottleneck", shortcut="B"),
    NetSpec(depth=11, width=4, block="bottleneck", shortcut="B"),
]
ids = [spec.name for spec in GROWABLE]


def _images(count: int = 16) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def _step(net, lr: float, seed: int) -> float:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr)
    images, targets = torch.randn(32, 3, 32, 32, generator=generator), torch.arange(32) % 10
    loss = F.cross_entropy(net(images), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _trained(spec: NetSpec):
    """A few steps: weights, gains and running statistics all away from where they start."""
    net = build_net(spec, seed=1)
    for seed in range(6):
        _step(net, 0.05, seed)
    return net.eval()


def _grown(spec: NetSpec):
    net = _trained(spec)
    state, new_spec = grow(net.state_dict(), spec, 20)
    deeper = build_net(new_spec)
    deeper.load_state_dict(state)
    return net, deeper, new_spec


@pytest.mark.parametrize("spec", GROWABLE, ids=ids)
def test_the_deeper_net_predicts_the_same(spec):
    net, deeper, new_spec = _grown(spec)
    assert new_spec.depth == 20
    assert new_spec.n_blocks > spec.n_blocks
    with torch.no_grad():
        expected, logits = net(_images()), deeper.eval()(_images())
    torch.testing.assert_close(logits, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("spec", [spec for spec in GROWABLE if spec.skips == "all"], ids=lambda spec: spec.name)
def test_with_skips_it_is_the_same_in_training_mode_too(spec):
    net, deeper, _ = _grown(spec)
    with torch.no_grad():
        torch.testing.assert_close(deeper.train()(_images()), net.train()(_images()), atol=2e-5, rtol=1e-5)


def test_without_skips_training_mode_stays_near():
    """The batch's statistics stand in for the running ones: near, not equal."""
    net, deeper, _ = _grown(NetSpec("plain", depth=8, width=8))
    with torch.no_grad():
        expected = net.train()(_images(64))
        difference = (deeper.train()(_images(64)) - expected).abs().max()
    assert 0 < difference < 0.1 * expected.abs().max()


@pytest.mark.parametrize("spec", GROWABLE, ids=ids)
def test_every_added_weight_learns(spec):
    net, deeper, _ = _grown(spec)
    added = [name for name in deeper.state_dict() if name not in net.state_dict() and name.endswith("conv1.weight")]
    assert added
    before = {name: deeper.get_parameter(name).detach().clone() for name in added}
    deeper.train()
    for seed in range(3):
        loss = _step(deeper, 0.05, seed)
    assert torch.isfinite(torch.tensor(loss))
    assert all(not torch.equal(before[name], deeper.get_parameter(name)) for name in added)


def test_a_grown_net_can_be_grown_again():
    net, deeper, spec = _grown(NetSpec("plain", depth=8, width=8))
    state, deepest = grow(deeper.state_dict(), spec, 32)
    again = build_net(deepest)
    again.load_state_dict(state)
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(_images()), net(_images()), atol=5e-5, rtol=1e-4)


def test_new_blocks_follow_the_last_of_their_stage():
    spec = NetSpec(depth=14, skips="100111")
    state = build_net(spec).state_dict()
    assert grow(state, spec, 20)[1].skips == "100011111"


def test_growing_does_not_touch_what_it_is_given():
    spec = NetSpec(depth=8, width=4)
    state = build_net(spec).state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    grown, _ = grow(state, spec, 14)
    for tensor in grown.values():
        tensor.zero_()
    assert all(torch.equal(before[name], state[name]) for name in state)


@pytest.mark.parametrize(
    ("spec", "depth", "said"),
    [
        (NetSpec(depth=20), 20, "above 20"),
        (NetSpec(depth=20), 33, "32 and 38"),
        (NetSpec("highway", depth=10), 20, "Highway"),
        (NetSpec(depth=8, skip_strength=0.5), 20, "strength 1"),
        (NetSpec(depth=8, shortcut="C"), 20, "option C"),
        (NetSpec(depth=8, order="bn_after_add"), 20, "standard"),
        (NetSpec("preact", depth=8, skips="101"), 20, "pre-activation"),
        (NetSpec("plain", depth=11, block="bottleneck"), 20, "narrow"),
        (NetSpec(depth=8, drop_path=0.5), 20, "stochastic depth"),
    ],
)
def test_what_cannot_be_grown_is_refused_with_the_reason(spec, depth, said):
    with pytest.raises(SpecError, match=said):
        grow(build_net(spec).state_dict(), spec, depth)


@pytest.mark.parametrize("other", [NetSpec(depth=14), NetSpec(depth=8, width=8), NetSpec(depth=8, norm="none")])
def test_weights_of_another_net_are_refused(other):
    with pytest.raises(SpecError, match="weights"):
        grow(build_net(other).state_dict(), NetSpec(depth=8), 20)


def test_one_set_of_weights_with_and_without_skips():
    spec = NetSpec(depth=8, width=4, shortcut="B")
    state = _trained(spec).state_dict()
    bare = build_net(spec.with_skips("none"))
    unused = load_shared_weights(bare, state)
    assert unused
    assert all("downsample" in name for name in unused)
    assert torch.equal(bare.state_dict()["layer3.0.conv1.weight"], state["layer3.0.conv1.weight"])


def test_a_skip_whose_weights_are_not_there_cannot_be_given_back():
    spec = NetSpec(depth=8, width=4, shortcut="B")
    state = build_net(spec.with_skips("none")).state_dict()
    with pytest.raises(SpecError, match="downsample"):
        load_shared_weights(build_net(spec), state)
