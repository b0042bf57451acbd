"""The Design page: the drawing and the numbers follow the controls, a link holds the design, and the gradient."""

import pytest

from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec
from tests.pages.conftest import add_noise


def design(at) -> NetSpec:
    return at.session_state["design"]


def test_it_opens_with_a_network_drawn_costed_and_measured(lab, open_page):
    at = open_page("design")
    assert at.charts() == ["drawing_residual-20", "paths", "step0_grad_rms_1_seed"]
    assert at.table[0].value.iloc[0]["parameters"] == "269,722"
    assert [question for question, _ in lab.service.asked] == ["step0"]
    assert at.says("markdown", "ResNet-20", "vanishes")  # derived from the invented gradient


def test_while_the_lab_gets_ready_the_rest_of_the_page_is_there(lab, open_page):
    lab.service.refusal = "The lab is still getting ready: try again in a few seconds."
    at = open_page("design")
    assert at.says("error", "still getting ready")
    assert "drawing_residual-20" in at.charts() and len(at.table) == 1


def test_a_link_opens_the_design_it_names(lab, open_page):
    spec = NetSpec(depth=20).with_skips("110110110")
    assert design(open_page("design", net=spec.to_query())) == spec


@pytest.mark.parametrize("link", ["residual-21", "nonsense", "plain-20~kzz", "residual-20~q7", "residual--4"])
def test_a_link_to_no_network_gets_a_sentence_and_a_network(lab, open_page, link):
    at = open_page("design", net=link)
    assert at.says("warning", "link's network cannot be built")
    assert design(at) == NetSpec()


def test_the_address_follows_the_design(lab, open_page):
    at = open_page("design")
    at.number_input(key="design_depth").set_value(56).run()
    assert design(at).depth == 56
    assert at.query_params["net"] == "residual-56"


def test_back_undoes_the_last_choice(lab, open_page):
    at = open_page("design", net="residual-8")
    at.number_input(key="design_depth").set_value(56).run()
    at.button(key="add_twin").click().run()
    at.go_back(net="residual-56")
    assert design(at) == NetSpec(depth=56) and at.session_state["beside"] == []
    at.go_back(net="residual-8")
    assert design(at) == NetSpec(depth=8) and at.number_input(key="design_depth").value == 8
    assert at.query_params == {"net": "residual-8"}


def test_a_depth_that_cannot_be_built_is_refused_and_nothing_is_lost(lab, open_page):
    at = open_page("design")
    at.number_input(key="design_depth").set_value(21).run()
    assert at.says("warning", "21")
    assert design(at) == NetSpec()
    assert at.number_input(key="design_depth").value == 20


@pytest.mark.parametrize(
    ("pattern", "skips"), [("None", "none"), ("Every 2nd", "101010101"), ("Stage 2", "000111000"), ("All", "all")]
)
def test_patterns_of_skips(lab, open_page, pattern, skips):
    at = open_page("design", net=NetSpec(depth=20).with_skips("110110110").to_query())
    at.pills(key="skip_pattern").set_value(pattern).run()
    assert design(at).skips == skips


def test_a_plain_network_can_be_given_skips(lab, open_page):
    at = open_page("design", net="plain-20")
    at.button(key="give_skips").click().run()
    assert design(at) == NetSpec(depth=20)


def test_a_preset_replaces_the_design(lab, open_page):
    at = open_page("design")
    at.selectbox(key="preset").set_value("vgg-19-at-32").run()
    assert design(at) == PRESETS["vgg-19-at-32"].spec
    assert at.selectbox(key="preset").value is None


@pytest.mark.parametrize("family", ["plain", "preact", "highway", "alexnet", "vgg", "residual"])
@pytest.mark.parametrize("start", ["residual-56~k5", "highway-19", "alexnet-at-32"])
def test_every_family_can_be_reached_from_every_other(lab, open_page, family, start):
    start = PRESETS[start].spec.to_query() if start in PRESETS else start
    at = open_page("design", net=start)
    at.selectbox(key="design_family").set_value(family).run()
    assert design(at).family == family
    assert not at.warning


def test_its_twin_stands_beside_it_and_the_difference_is_told_in_words(lab, open_page):
    at = open_page("design")
    at.button(key="add_twin").click().run()
    assert at.query_params["beside"] == "plain-20"
    assert at.table[0].value.index.tolist() == ["ResNet-20", "Plain-20"]
    assert at.says("markdown", "Plain-20", "without skips")


def test_a_link_with_designs_beside_it_leaves_out_what_cannot_be_built(lab, open_page):
    at = open_page("design", net="residual-8", beside="plain-8,nonsense,residual-14,plain-14,residual-20")
    assert at.session_state["beside"] == ["plain-8", "residual-14", "plain-14"]


def test_a_question_fills_the_comparison(lab, open_page):
    at = open_page("design")
    at.pills(key="case").set_value(at.pills(key="case").options[0]).run()
    assert [spec.init for spec in [design(at), *map(NetSpec.from_query, at.session_state["beside"])]] == [
        "default",
        "xavier",
        "gaussian",
        "he",
    ]


def test_more_seeds_are_measured_once_each(lab, open_page):
    at = open_page("design", net="residual-8")
    at.segmented_control(key="seeds").set_value(3).run()
    at.selectbox(key="quantity").set_value("weight_grad_rms").run()
    assert [args[-1] for question, args in lab.service.asked if question == "step0"] == [0, 1, 2]
    assert at.charts()[-1] == "step0_weight_grad_rms_3_seeds"
    assert at.says("caption", "3 seeds")


def test_data_that_were_replaced_are_measured_anew(lab, open_page):
    assert len(open_page("design", pictures="dots").charts()) == len(open_page("design", pictures="dots").charts())
    assert len(lab.service.asked) == 1
    lab.service.delete_dataset("dots")
    add_noise(lab.home, "dots", ("round", "square"))
    open_page("design", pictures="dots")
    assert [args[1] for _, args in lab.service.asked] == ["dots", "dots"]


def test_data_that_are_replaced_while_they_are_measured_are_not_taken_for_the_others(lab, open_page, monkeypatch):
    real = lab.service.ask

    def ask(*args, **more):
        lab.service.delete_dataset("dots")
        add_noise(lab.home, "dots", ("round", "square"))
        monkeypatch.setattr(lab.service, "ask", real)
        return real(*args, **more)

    monkeypatch.setattr(lab.service, "ask", ask)
    at = open_page("design", pictures="dots")
    assert at.says("error", "dots was replaced just now")
    assert not at.run().error and len(lab.service.asked) == 2


@pytest.mark.parametrize(("button", "twins"), [("train_design", False), ("train_design_twins", True)])
def test_it_is_taken_to_the_train_page(lab, open_page, button, twins):
    at = open_page("design", net="preact-20")
    at.button(key=button).click().run()
    assert at.title[0].value == "Train"
    at.button(key="train").click().run()
    families = [run.spec["family"] for run in lab.store.runs()]
    assert families == ["preact"] * (1 + twins)
