"""What a link says is what its reader sees; what it says wrongly is said on the page."""

import pytest


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
    [sentence] = [warning.value for warning in at.warning]
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
