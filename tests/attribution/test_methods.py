import pytest

from resnet_core.attribution.captum_calls import CALLS
from resnet_core.attribution.methods import METHODS, AttributionError, get_method, resolve_params


def test_every_row_has_its_computation():
    assert list(CALLS) == list(METHODS)


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_rows_say_what_a_reader_needs(row):
    assert row.question.endswith("?") and row.limits and row.paper and row.url.startswith("https://")
    assert row.reduction in ("sum", "max_abs", "shared", "cam")
    assert row.unit in ("gradient", "contribution", "drop", "importance")
    assert resolve_params(row, None) == {param.name: param.default for param in row.params}


def test_methods_that_fail_adebayos_test_warn():
    assert [row.name for row in METHODS.values() if row.warning] == ["guided_backprop", "guided_grad_cam"]


def test_given_settings_replace_defaults():
    row = get_method("integrated_gradients")
    assert resolve_params(row, {"n_steps": 8.0}) == {"baseline": "black", "n_steps": 8, "seed": 0}


@pytest.mark.parametrize(
    ("method", "params", "named"),
    [
        ("integrated_gradients", {"n_steps": 0}, "0"),
        ("integrated_gradients", {"n_steps": 8.5}, "8.5"),
        ("integrated_gradients", {"n_steps": True}, "True"),
        ("integrated_gradients", {"n_steps": "8"}, "'8'"),
        ("integrated_gradients", {"baseline": "white"}, "black, mean, blurred, noise"),
        ("smoothgrad", {"noise": float("nan")}, "nan"),
        ("grad_cam", {"block": 3}, "3"),
        ("occlusion", {"step": 1}, "stride"),
        ("saliency", {"n_steps": 8}, "n_steps"),
    ],
)
def test_impossible_settings_are_named(method, params, named):
    with pytest.raises(AttributionError, match=named):
        resolve_params(get_method(method), params)
