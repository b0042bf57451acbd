import itertools

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks import limits
from resnet_core.networks.costs import count_costs
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize("name", PRESETS)
def test_every_network_of_the_papers_lies_well_within_the_limits(name):
    costs = count_costs(PRESETS[name].spec)
    assert costs.parameters < 0.75 * limits.MAX_PARAMETERS
    assert costs.activation_bytes_per_image < 0.25 * limits.MAX_ACTIVATION_BYTES


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"depth": 2000, "width": 1024}, (" million parameters", "200 million")),
        ({"depth": 20, "width": 1024}, ("1,095 million", "200 million")),
        ({"family": "preact", "depth": 1991, "block": "bottleneck", "shortcut": "B", "width": 64}, ("million",)),
        ({"family": "highway", "depth": 2000, "width": 64, "norm": "none"}, ("million",)),
        (
            {"family": "vgg", "depth": 19, "layout": "imagenet", "width": 64, "norm": "none", "num_classes": 100_000},
            ("million",),
        ),
    ],
)
def test_a_network_too_large_is_refused_with_its_number_and_the_limit(fields, named):
    with pytest.raises(SpecError) as error:
        NetSpec(**fields)
    assert all(word in str(error.value) for word in named)


def test_too_much_memory_for_a_picture_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ACTIVATION_BYTES", 1_000_000)
    limits.check_size.cache_clear()
    with pytest.raises(SpecError, match=r"GB for each picture.*fit here"):
        NetSpec(depth=20, width=32)
    limits.check_size.cache_clear()


def test_what_is_not_counted_is_small_indeed():
    """The largest of those that are let through without counting."""
    merges = ("exclusive_gate", "scaled", "identity")
    largest = [NetSpec(family="highway", depth=2000, norm=norm, num_classes=1000) for norm in ("none", "batch")]
    largest += [
        NetSpec(depth=2000, shortcut="C", merge=merge, skip_strength=0.5, norm=norm, num_classes=1000)
        for merge, norm in itertools.product(merges, ("none", "batch"))
    ]
    for spec in largest:
        assert limits._is_surely_small(spec)
        costs = count_costs(spec)
        assert costs.parameters <= limits.MAX_PARAMETERS
        assert costs.activation_bytes_per_image <= limits.MAX_ACTIVATION_BYTES


def test_a_link_a_dict_and_the_command_line_are_refused_alike(capsys):
    from resnet_core import cli

    with pytest.raises(SpecError, match="million"):
        NetSpec.from_query("residual-110~w1024")
    with pytest.raises(SpecError, match="million"):
        NetSpec.from_dict({"depth": 110, "width": 1024})
    assert cli.main(["describe", "residual-110~w1024"]) == 2
    assert "million" in capsys.readouterr().err
