"""How the machine is shared out; starting Ray is tested with the service."""

import pytest

from resnet_core.compute.cluster import Resources


@pytest.mark.parametrize("cores", [1, 2, 4, 6, 8, 16, 64])
def test_beside_a_training_that_is_alone_a_second_can_begin(cores):
    machine = Resources(cpus=cores, gpus=0, node_cpus=cores)
    alone = machine.threads(wanting=1)
    assert alone == min(cores, 8), "one alone has the machine"
    second = machine.threads(wanting=2)
    if cores > 1:
        assert machine.share(alone) + machine.share(second) <= machine.slots
    assert machine.options(alone) == {"num_cpus": machine.share(alone)}


def test_twins_share_the_cores_evenly():
    machine = Resources(cpus=8, gpus=0, node_cpus=8)
    assert machine.threads(wanting=2) == 4 and machine.share(4) * 2 <= machine.slots


def test_four_trainings_share_a_gpu():
    machine = Resources(cpus=16, gpus=1, node_cpus=16)
    assert machine.threads(wanting=1) == 1 and 4 * machine.share(1) == machine.slots
