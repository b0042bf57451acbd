import pytest

from resnet_core.errors import SpecError
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"family": "resnext"}, ["resnext", "family", "'plain'"]),
        ({"family": ["plain"]}, ["family"]),
        ({"depth": 21}, ["21", "20 and 26"]),
        ({"depth": 1}, ["1", "8"]),
        ({"depth": 3000}, ["3000", "2000"]),
        ({"depth": "20"}, ["depth", "'20'"]),
        ({"depth": 20.0}, ["depth"]),
        ({"depth": 165, "block": "bottleneck"}, ["165", "164 and 173"]),
        ({"depth": 20, "layout": "imagenet"}, ["20", "18 or 34"]),
        ({"depth": 34, "layout": "imagenet", "block": "bottleneck"}, ["34", "50, 101 or 152"]),
        ({"family": "highway", "depth": 6, "norm": "none"}, ["6", "7"]),
        ({"family": "vgg", "depth": 16, "width": 64, "layout": "imagenet", "norm": "none"}, ["16", "19"]),
        ({"width": 0}, ["width", "0"]),
        ({"width": True}, ["width"]),
        ({"num_classes": 1}, ["num_classes", "1", "2"]),
        ({"image_size": 64}, ["image_size", "64", "32"]),
        ({"image_size": 224}, ["image_size", "cifar"]),
        ({"skips": "1101"}, ["1101", "9"]),
        ({"skips": "11011011x"}, ["11011011x"]),
        ({"skips": None}, ["skips"]),
        ({"skip_strength": 1.5}, ["skip_strength", "1.5"]),
        ({"skip_strength": float("nan")}, ["skip_strength"]),
        ({"drop_path": 1.0}, ["drop_path", "1"]),
        ({"family": "plain", "skips": "all"}, ["plain", "skips"]),
        ({"family": "plain", "shortcut": "B"}, ["shortcut", "'B'"]),
        ({"family": "plain", "skip_strength": 0.5}, ["skip_strength"]),
        ({"family": "plain", "drop_path": 0.5}, ["drop_path"]),
        ({"skips": "none", "drop_path": 0.5}, ["drop_path"]),
        ({"family": "highway", "depth": 19, "block": "bottleneck"}, ["block", "bottleneck"]),
        ({"family": "preact", "merge": "dropout"}, ["merge", "dropout"]),
        ({"family": "preact", "order": "bn_after_add"}, ["order", "relu_only_preact"]),
        ({"order": "relu_only_preact"}, ["order", "'bn_after_add'"]),
        ({"order": "bn_after_add", "norm": "none"}, ["norm"]),
        ({"merge": "scaled"}, ["skip_strength", "0.5"]),
        ({"gate_bias": -6.0}, ["gate_bias", "no gates"]),
        ({"init": "skipinit"}, ["norm", "skipinit"]),
        ({"init": "zero_gamma", "norm": "none"}, ["norm", "zero_gamma"]),
        ({"init": "zero_gamma", "family": "preact"}, ["init", "zero_gamma"]),
        ({"init": "fixup", "norm": "none", "family": "preact"}, ["init", "fixup"]),
        ({"init": "fixup", "norm": "none", "family": "highway", "depth": 19}, ["init", "fixup"]),
        ({"family": "alexnet", "depth": 8, "width": 64, "layout": "imagenet"}, ["norm", "AlexNet"]),
        ({"family": "alexnet", "depth": 8, "width": 64, "norm": "none"}, ["layout"]),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence_that_names_it(fields, named):
    with pytest.raises(SpecError) as caught:
        NetSpec(**fields)
    sentence = str(caught.value)
    assert all(word in sentence for word in named), sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "fields",
    [
        {"merge": "scaled", "skip_strength": 0.5},
        {"merge": "exclusive_gate", "gate_bias": -6},
        {"order": "relu_before_add", "norm": "none"},
        {"family": "preact", "order": "relu_only_preact", "init": "zero_gamma"},
        {"family": "preact", "norm": "none", "init": "skipinit"},
        {"family": "plain", "norm": "none", "init": "fixup"},
        {"family": "vgg", "depth": 19, "width": 64, "layout": "imagenet", "norm": "batch"},
        {"family": "highway", "depth": 1000},
        {"depth": 20, "drop_path": 0.5, "skips": "110110110"},
    ],
)
def test_what_makes_sense_is_allowed(fields):
    assert NetSpec(**fields)
