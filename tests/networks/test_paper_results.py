import pytest

from resnet_core.networks.paper_results import reported_error
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec


def test_the_papers_number_belongs_to_the_papers_network_alone() -> None:
    assert reported_error(preset("resnet-56")) == 0.0697


@pytest.mark.parametrize(
    "spec", [preset("plain-56"), NetSpec(depth=56, shortcut="B"), NetSpec(depth=56, width=8), NetSpec(depth=26)]
)
def test_it_states_none_for_others(spec: NetSpec) -> None:
    assert reported_error(spec) is None
