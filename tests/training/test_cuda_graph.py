"""The step as a CUDA graph. Most of this needs a GPU; what a machine without one can hold is first."""

import threading

import pytest
import torch

from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training import checkpoint
from resnet_core.training.cuda_graph import WARMUP_STEPS, GraphedStep
from resnet_core.training.events import CheckpointSaved, EpochEnded, Finished, LayerStats
from resnet_core.training.probe import LayerProbe
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep
from resnet_core.training.trainer import train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
RECIPE = Recipe(epochs=6, batch_size=8, lr=0.05, schedule="one_cycle", log_every=7)


def learner(spec, device, precision="fp32"):
    net = build_net(spec).to(device, memory_format=torch.channels_last)
    return TrainStep(net, Recipe(epochs=1), torch.device(device), precision)


def batch(step, device):
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(4, 3, 32, 32, generator=generator).contiguous(memory_format=torch.channels_last)
    return x.to(device), torch.tensor([0, 1, 2, step % 3], device=device)


def assert_same_net(one, other):
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.skipif(torch.cuda.is_available(), reason="here a graph can be captured")
def test_without_a_graph_every_step_is_made_all_the_same(toy_spec):
    plain, graphed = learner(toy_spec, "cpu"), GraphedStep(learner(toy_spec, "cpu"), uses_rng=False)
    for step in range(WARMUP_STEPS + 4):
        plain(*batch(step, "cpu"), lr=0.1 / (step + 1))
        graphed(*batch(step, "cpu"), lr=0.1 / (step + 1))
    assert_same_net(plain.net, graphed.step.net)
    assert plain.pop_sums(0) == graphed.step.pop_sums(0)


class Replays:
    """In place of a CUDA graph: makes the step anew, at its own learning rate."""

    def __init__(self, step: GraphedStep, lr_factor: float):
        self.step, self.lr_factor, self.replayed = step, lr_factor, 0

    def replay(self) -> None:
        group = self.step.step.optimizer.param_groups[0]
        lr = group["lr"]
        group["lr"] = lr * self.lr_factor
        self.step.step.update(self.step.x, self.step.y)
        group["lr"] = lr
        self.replayed += 1


@pytest.mark.parametrize(("lr_factor", "used"), [(1.0, True), (1.5, False)])
def test_a_graph_is_used_only_if_it_makes_the_same_step(toy_spec, monkeypatch, lr_factor, used):
    plain, graphed = learner(toy_spec, "cpu"), GraphedStep(learner(toy_spec, "cpu"), uses_rng=False)
    graph = Replays(graphed, lr_factor)
    monkeypatch.setattr(graphed, "_capture", lambda: graph)
    for step in range(WARMUP_STEPS + 5):
        plain(*batch(step, "cpu"), lr=0.1 / (step + 1))
        graphed(*batch(step, "cpu"), lr=0.1 / (step + 1))
    assert graph.replayed == (5 if used else 1)
    assert_same_net(plain.net, graphed.step.net)
    assert plain.pop_sums(0) == graphed.step.pop_sums(0)


@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_steps_are_the_eager_steps(toy_spec, precision):
    plain = learner(toy_spec, "cuda", precision)
    graphed = GraphedStep(learner(toy_spec, "cuda", precision), uses_rng=False)
    probe = LayerProbe(graphed.step.net)
    for step in range(20):
        lr = 0.1 / (step + 1)
        plain(*batch(step, "cuda"), lr)
        measured = step in (0, 9)  # before the capture and between replays
        before = graphed(*batch(step, "cuda"), lr, probe if measured else None)
        assert (before is not None) == measured
        if measured:
            weights, blocks = probe.compute(before)
            assert (weights[:, 0] > 0).all() and (blocks[:, 0] > 0).all()
    assert graphed.graph is not None
    assert_same_net(plain.net, graphed.step.net)
    assert plain.pop_sums(0) == graphed.step.pop_sums(0)


@needs_gpu
def test_a_loss_that_is_not_finite_stops_replayed_updates_too(toy_spec):
    graphed = GraphedStep(learner(toy_spec, "cuda"), uses_rng=False)
    for step in range(8):
        graphed(*batch(step, "cuda"), lr=0.1)
    weights = {name: tensor.clone() for name, tensor in graphed.step.net.named_parameters()}
    x, y = batch(8, "cuda")
    graphed(x * float("nan"), y, lr=0.1)
    graphed(x, y, lr=0.1)
    assert graphed.step.diverged
    for name, parameter in graphed.step.net.named_parameters():
        assert torch.equal(parameter, weights[name]), name


@needs_gpu
def test_a_network_that_draws_is_not_captured(toy_spec):
    graphed = GraphedStep(learner(toy_spec, "cuda"), uses_rng=True)
    for step in range(8):
        graphed(*batch(step, "cuda"), lr=0.1)
    assert graphed.graph is None


def train_on_gpu(spec, dataset, recipe=RECIPE, **options):
    """What a training on the GPU reports, without its timings; and its checkpoints."""
    events = list(train(spec, recipe, dataset, device="cuda", checkpoint_every_s=1e9, **options))
    ends = [(e.step, e.train_loss, e.test_loss) for e in events if isinstance(e, EpochEnded)]
    layers = [(e.step, e.weight_stats.tobytes(), e.block_stats.tobytes()) for e in events if isinstance(e, LayerStats)]
    weights = next(e.weights for e in events if isinstance(e, Finished))
    saved = [e for e in events if isinstance(e, CheckpointSaved)]
    return (ends, layers, {k: v.tobytes() for k, v in to_numpy(weights).items()}), saved


def to_numpy(weights):
    return {name: tensor.numpy() for name, tensor in checkpoint.load_checkpoint(weights)[0].items()}


@needs_gpu
def test_a_training_says_the_same_twice_and_after_a_resume(toy_spec, make_dataset):
    whole, saved = train_on_gpu(toy_spec, make_dataset())
    assert train_on_gpu(toy_spec, make_dataset())[0] == whole
    middle = saved[len(saved) // 2]
    rest, _ = train_on_gpu(toy_spec, make_dataset(), resume=middle.data)
    assert rest[2] == whole[2]
    assert rest[0] == [end for end in whole[0] if end[0] > middle.step]


@needs_gpu
def test_trainings_in_two_threads_do_not_disturb_each_other(make_dataset):
    """Each on a stream of its own."""
    specs = [NetSpec(depth=8, width=4, num_classes=3), NetSpec(family="plain", depth=14, width=4, num_classes=3)]
    alone = [train_on_gpu(spec, make_dataset())[0] for spec in specs]
    together = [None, None]

    def work(index):
        together[index] = train_on_gpu(specs[index], make_dataset())[0]

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert together == alone
