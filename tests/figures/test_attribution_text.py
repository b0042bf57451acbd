from dataclasses import replace

import numpy as np
import pytest

from resnet_core.attribution.explain_result import Attribution
from resnet_core.figures.attribution_text import describe_settings, grid_text
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.net import DataFacts, TrainedNet

FACTS = DataFacts("dots", tuple(f"class {i}" for i in range(10)), (0.5,) * 3, (0.25,) * 3)
PLAIN = TrainedNet("p1", "Plain-8", NetSpec("plain", depth=8), FACTS, 1)
RESIDUAL = TrainedNet("r1", "ResNet-8", NetSpec(depth=8), FACTS, 1)
VALUES = np.zeros((32, 32), np.float32)
GRAD_CAM = Attribution("grad_cam", 3, VALUES, None, None, VALUES[0], 1.0, None, None, 0.1, {"block": "layer3.0"})


def words(other):
    return grid_text([PLAIN, RESIDUAL], "a dot", {"p1": {"grad_cam": GRAD_CAM}, "r1": {"grad_cam": other}}, 0.75)


def test_it_says_what_the_maps_were_made_of():
    found = words(GRAD_CAM)
    assert found.title == "What speaks for class 3" and not found.targets
    text = "\n".join(found.notes)
    assert "Picture: a dot." in text and "75 %" in text
    assert "Plain-8 (p1, trained on dots), ResNet-8 (r1, trained on dots)" in text
    assert text.count("Grad-CAM: block layer3.0.") == 1


def test_where_the_networks_differ_it_says_which_is_which():
    found = words(replace(GRAD_CAM, target=5, params={"block": "layer3.1"}))
    assert found.title == "What speaks for class 3 or class 5"
    assert found.targets == {"p1": "asked about: class 3", "r1": "asked about: class 5"}
    assert "block layer3.0 (Plain-8); block layer3.1 (ResNet-8)" in "\n".join(found.notes)


@pytest.mark.parametrize(("native", "text"), [(None, ""), (np.zeros((8, 4)), "computed at 8 × 4, enlarged")])
def test_a_coarse_map_is_called_coarse(native, text):
    assert describe_settings(replace(GRAD_CAM, params={}, native=native)) == text
