"""What a link says is what its reader sees; what it says wrongly is said on the page."""

import pytest
from streamlit.runtime.state.query_params import QueryParams

from pages.parts.backend import store
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec
from tests.pages.conftest import as_read


@pytest.mark.parametrize("kind", ["residual", "RESIDUAL", "With skips"])
def test_a_link_opens_with_its_choices_also_one_with_labels(open_page, kind):
    at = open_page("train", kind=kind, depth="56")
    assert (at.segmented_control(key="kind").value, at.select_slider(key="depth").value) == ("residual", 56)
    assert (at.query_params["kind"], at.query_params["depth"]) == ("residual", "56")
    assert not at.warning and at.button(key="train").label == "Train ResNet-56"


def test_a_choice_goes_into_the_address_and_the_usual_one_leaves_it(open_page):
    at = open_page("train")
    assert not {"kind", "depth"} & set(at.query_params)
    at.segmented_control(key="kind").set_value("plain").run()
    assert at.query_params["kind"] == "plain"
    at.segmented_control(key="kind").set_value("twins").run()
    assert "kind" not in at.query_params


@pytest.mark.parametrize("asked", [{"kind": "residuals"}, {"depth": "21"}, {"depth": ""}, {"kind": "`<b>" + "x" * 999}])
def test_what_a_link_asks_for_and_is_not_there_is_said_until_something_else_is_chosen(open_page, asked):
    [(key, value)] = asked.items()
    at = open_page("train", **asked)
    [sentence] = [as_read(warning.value) for warning in at.warning]
    assert key in sentence and value[1:10] in sentence and "none of the choices" in sentence and len(sentence) < 200
    assert at.button(key="train").label == "Train ResNet-20 and its twin"
    assert at.run().warning, "also after the next rerun"
    if key == "kind":
        at.segmented_control(key="kind").set_value("plain").run()
    else:
        at.select_slider(key="depth").set_value(8).run()
    assert not at.warning


def test_choices_of_other_pages_are_carried_too(lab, open_page):
    at = open_page("compare", runs=lab.add().id, y="loss", x="step", log="true", statistic="block_mean")
    assert [at.segmented_control(key=key).value for key in "yx"] == ["loss", "step"]
    assert at.toggle(key="log").value and at.selectbox(key="statistic").value == "block_mean"
    at.toggle(key="log").set_value(False).run()
    assert "log" not in at.query_params and at.query_params["statistic"] == "block_mean"
    at = open_page("compare", runs=lab.add().id, log="yes")
    assert at.says("warning", "false, true") and not at.toggle(key="log").value


def test_choices_outlive_a_visit_of_another_page(lab, open_page):
    at = open_page("compare", runs=lab.add().id, y="loss")
    at.switch_page("train").run()
    at.switch_page("compare").run()
    assert at.segmented_control(key="y").value == "loss" and at.query_params["y"] == "loss"


ORDER = {
    "kind": "residual",
    "depth": "14",
    "width": "8",
    "norm": "false",
    "skips": "110011",
    "recipe": "short-1",
    "epochs": "2",
    "seed": "7",
    "lr": "0.05",
    "batch": "64",
    "augment": "false",
}


def order(at) -> tuple[dict, dict]:
    """Network and recipe of what the page queues."""
    at.button(key="train").click().run()
    run = store().runs()[-1]
    return run.spec, {key: run.recipe[key] for key in ("epochs", "seed", "lr", "batch_size", "augment")}


def test_a_link_to_an_order_carries_all_of_it(lab, open_page):
    spec, recipe = order(open_page("train", dataset="dots", **ORDER))
    assert (spec["depth"], spec["width"], spec["norm"], spec["skips"]) == (14, 8, "none", "110011")
    assert recipe == {"epochs": 2, "seed": 7, "lr": 0.05, "batch_size": 64, "augment": False}
    assert store().runs()[-1].dataset == "dots"


def test_what_is_set_is_in_the_link_and_a_new_browser_orders_the_same(lab, open_page):
    at = open_page("train")
    at.segmented_control(key="kind").set_value("residual").run()
    at.select_slider(key="depth").set_value(14).run()
    at.number_input(key="width").set_value(8)
    at.toggle(key="norm").set_value(False)
    at.pills(key="skips_6").set_value([1, 2, 5, 6])
    at.selectbox(key="dataset").set_value("dots")
    at.selectbox(key="recipe").set_value("short-1").run()
    at.number_input(key="epochs_short-1").set_value(2)
    at.number_input(key="seed").set_value(7)
    at.number_input(key="lr_short-1").set_value(0.05)
    at.number_input(key="batch_short-1").set_value(64)
    at.toggle(key="augment_short-1").set_value(False).run()
    assert at.query_params == {"dataset": "dots", **ORDER}
    assert order(open_page("train", **at.query_params)) == order(at)


def test_another_depth_or_recipe_begins_with_its_own_skips_and_numbers(lab, open_page):
    at = open_page("train", dataset="dots", **ORDER)
    at.select_slider(key="depth").set_value(8).run()
    at.selectbox(key="recipe").set_value("short-4").run()
    assert not {"skips", "recipe", "epochs", "lr", "batch", "augment"} & set(at.query_params)
    spec, recipe = order(at)
    assert spec["skips"] == "all" and recipe["epochs"] == 4 and recipe["augment"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"width": "1000"}, "no number from 4 to 128"),
        ({"seed": "x"}, "no number from 0"),
        ({"lr": "nan"}, "no number from 1e-05 to 10"),
        ({"epochs": "9" * 5000}, "no number from 1 to 400"),
        ({"skips": "1011"}, "no pattern of 9 blocks"),
        ({"dataset": "mine"}, "none of the choices"),
        ({"norm": "batch"}, "none of the choices"),
    ],
)
def test_a_value_that_no_order_can_have_gets_a_sentence_and_stays_in_the_link(lab, open_page, asked, words):
    at = open_page("train", **asked)
    assert at.says("warning", *asked, words) and asked.items() <= at.query_params.items()
    assert at.button(key="train").label == "Train ResNet-20 and its twin"


@pytest.mark.parametrize(
    "net", ["preact-20~k155", "plain-26~w8", "preact-110", PRESETS["vgg-19-at-32"].spec.to_query()]
)
@pytest.mark.parametrize("twin", [False, True])
def test_a_design_is_in_the_link_of_its_order(lab, open_page, net, twin):
    at = open_page("train", kind="design", net=net, **({"twin": "true"} if twin else {}))
    assert at.query_params["net"] == net
    at.button(key="train").click().run()
    queued = [NetSpec.from_dict(run.spec) for run in store().runs()]
    assert NetSpec.from_query(net) in queued
    assert len(queued) == (2 if twin and queued[0].family != "vgg" else 1)


def test_a_design_taken_to_the_train_page_is_in_its_link(lab, open_page):
    at = open_page("design", net="preact-20~k155")
    at.button(key="train_design_twins").click().run()
    assert at.query_params["kind"] == "design" and at.query_params["twin"] == "true"
    assert at.query_params["net"] == "preact-20~k155"


@pytest.mark.parametrize("net", ["residual-21", "residual-1100~w1024", "nonsense"])
def test_an_order_of_a_design_that_cannot_be_built_gets_a_sentence(lab, open_page, net):
    at = open_page("train", kind="design", net=net)
    assert at.says("warning", "link's network cannot be built")
    assert at.query_params["net"] == net, "for whoever copies the link or loads it again"
    assert at.run().says("warning", "cannot be built")
    at.selectbox(key="which_network").set_value("resnet-20").run()
    assert not at.warning and at.query_params["net"] == "residual-20"


@pytest.mark.parametrize("name", ["resnet-20", "resnet-110-half-skip", "VGG-19-at-32"])
def test_a_link_may_name_a_network_of_the_papers(lab, open_page, name):
    at = open_page("train", kind="design", net=name)
    assert at.selectbox(key="which_network").value == name.lower() and not at.warning


def test_back_undoes_a_choice(lab, open_page):
    at = open_page("train", **ORDER)
    at.segmented_control(key="kind").set_value("plain").run()
    at.go_back(**ORDER)
    assert at.segmented_control(key="kind").value == "residual" and at.pills(key="skips_6").value == [1, 2, 5, 6]
    at.go_back()
    assert at.segmented_control(key="kind").value == "twins" and not at.query_params


def test_back_undoes_a_choice_of_runs(lab, open_page):
    one, other = lab.add(), lab.add()
    at = open_page("compare", runs=one.id)
    at.multiselect(key="table").select(other.id).run()
    assert at.query_params["runs"] == f"{one.id},{other.id}"
    at.go_back(runs=one.id)
    assert at.session_state["table"] == [one.id]


def test_an_address_that_earlier_choices_completed_at_once_loses_none_of_them_by_back(lab, open_page):
    at = open_page("train", **ORDER)
    at.visit_by_menu("design")
    at.visit_by_menu("train")
    assert at.query_params == ORDER
    at.go_back()
    assert at.query_params == ORDER, "nobody has ever seen the page without its choices"


def test_one_choice_changes_the_address_once(lab, open_page, monkeypatch):
    sent = []
    send = QueryParams._send_query_param_msg
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: (sent.append(self), send(self)))
    at = open_page("design")
    assert not sent
    at.pills(key="case").set_value(at.pills(key="case").options[0]).run()  # the design, those beside it, the quantity
    assert len(sent) == 1 and {"net", "beside"} == set(at.query_params)
