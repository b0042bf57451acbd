from urllib.parse import quote

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec

ODD = [
    NetSpec(skips="001010101"),
    NetSpec(skips="000000001"),
    NetSpec(skips="none"),
    NetSpec(skip_strength=0.1 + 0.2),
    NetSpec("highway", depth=50, gate_bias=-3.5, norm="none"),
    NetSpec(depth=1202).every_kth(7),
    NetSpec("plain", num_classes=2, init="gaussian"),
]


@pytest.mark.parametrize("spec", [*ODD, *(preset.spec for preset in PRESETS.values())])
def test_a_link_brings_the_same_design_back_and_needs_no_quoting(spec):
    text = spec.to_query()
    assert NetSpec.from_query(text) == spec
    assert quote(text, safe="") == text


def test_usual_networks_have_short_links():
    assert NetSpec().to_query() == "residual-20"
    assert NetSpec("plain", depth=56).to_query() == "plain-56"
    assert len(NetSpec(depth=1202).every_kth(2).to_query()) < 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "residual",
        "residual-x",
        "residual-21",
        "nothing-20",
        "residual-20~",
        "residual-20~?5",
        "residual-20~w",
        "residual-20~wide",
        "residual-20~w8~w8",
        "residual-20~kxyz",
        "residual-20~kffff",
        "residual-20~k-1",
        "residual-20~snan",
        "residual-" + "9" * 5000,
    ],
)
def test_a_spoilt_link_is_a_sentence(text):
    with pytest.raises(SpecError) as caught:
        NetSpec.from_query(text)
    assert len(str(caught.value)) < 400
