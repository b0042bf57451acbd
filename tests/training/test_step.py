import copy

import pytest
import torch
import torch.nn.functional as F

from resnet_core.networks.build import build_net
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep

CPU = torch.device("cpu")


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(4, 3, 32, 32, generator=generator)
    return x.contiguous(memory_format=torch.channels_last), torch.tensor([0, 1, 2, 0])


def learner(spec, precision="fp32", **changes):
    recipe = Recipe(epochs=1, **changes)
    return TrainStep(build_net(spec).to(memory_format=torch.channels_last), recipe, CPU, precision)


@pytest.mark.parametrize("changes", [{}, {"momentum": 0.0}, {"nesterov": True}, {"weight_decay": 0.1}])
def test_updates_are_those_of_plain_sgd(toy_spec, changes):
    learn = learner(toy_spec, **changes)
    net = copy.deepcopy(learn.net)
    recipe = Recipe(epochs=1, **changes)
    sgd = torch.optim.SGD(
        net.parameters(),
        lr=0.1,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
        foreach=False,
    )
    for seed in range(3):
        x, y = batch(seed)
        learn(x, y, lr=0.1)
        sgd.zero_grad()
        F.cross_entropy(net(x), y).backward()
        sgd.step()
    for ours, theirs in zip(learn.net.parameters(), net.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_sums_are_of_losses_and_wrong_answers(toy_spec):
    learn = learner(toy_spec)
    losses, wrong = 0.0, 0
    for seed in range(3):
        x, y = batch(seed)
        with torch.no_grad():
            logits, loss = copy.deepcopy(learn).forward(x, y)
        losses += loss.item()
        wrong += (logits.argmax(1) != y).sum().item()
        learn(x, y, lr=0.1)
    assert learn.pop_sums(0) == (pytest.approx(losses, rel=1e-5), wrong, 3)
    assert learn.pop_sums(0) == (0, 0, 0)
    assert learn.pop_sums(1)[2] == 3


def test_bf16_keeps_weights_and_logits_in_fp32(toy_spec):
    learn = learner(toy_spec, precision="bf16")
    seen = []
    learn.net.conv1.register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    x, y = batch()
    learn(x, y, lr=0.1)
    assert seen == [torch.bfloat16]
    assert learn.forward(x, y)[0].dtype == torch.float32
    assert all(tensor.dtype != torch.bfloat16 for tensor in learn.net.state_dict().values())


def test_after_a_loss_that_is_not_finite_nothing_changes_any_more(toy_spec):
    learn = learner(toy_spec)
    x, y = batch()
    learn(x, y, lr=0.1)
    before = [p.detach().clone() for p in learn.net.parameters()]
    learn(x * torch.inf, y, lr=0.1)
    learn(x, y, lr=0.1)
    assert learn.diverged
    assert all(torch.equal(a, b) for a, b in zip(before, learn.net.parameters(), strict=True))
    loss, _, steps = learn.pop_sums(0)
    assert steps == 1
    assert 0 < loss < 10
