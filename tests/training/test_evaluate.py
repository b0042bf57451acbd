import torch
from torch import nn

from resnet_core.data.batches import EvalBatches
from resnet_core.networks.build import build_net
from resnet_core.training.evaluate import balanced_error, evaluate

CPU = torch.device("cpu")


class Constant(nn.Module):
    """Always the same logits."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, x):
        return self.logits.expand(len(x), -1)


def test_loss_and_error_over_all_batches(make_dataset):
    batches = EvalBatches(make_dataset(n_test=1003), CPU)  # classes in turn: 335, 334, 334
    loss, error, balanced = evaluate(Constant([5.0, 0.0, 0.0]), batches, "fp32")
    assert error == 668 / 1003
    assert balanced == 2 / 3
    log_sum = torch.tensor([5.0, 0.0, 0.0]).logsumexp(0).item()
    assert abs(loss - (log_sum - 5 * 335 / 1003)) < 1e-5


def test_it_changes_nothing_in_the_network(make_dataset, toy_spec):
    net = build_net(toy_spec).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    evaluate(net, EvalBatches(make_dataset(), CPU), "bf16")
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_balanced_error_counts_every_class_the_same():
    """Of 500, 20 and 8 pictures of three classes, a network that always answers the first has 5 % error in all."""
    assert balanced_error([0.0, 1.0, 1.0]) == 2 / 3
