"""The Compare page: curves, layers and table of the runs on the table."""

from pages.parts import reads
from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.formatting import percent
from resnet_core.training.events import EpochEnded
from tests.pages.conftest import CLASSES, add_noise


def test_without_any_run_it_shows_the_way_to_train(lab, open_page):
    at = open_page("compare")
    assert not at.charts()
    assert at.page_links() == ["train"]


def test_an_empty_table_is_filled_with_the_newest_twins_by_one_click(lab, open_page):
    lab.add(name="older")
    twins = lab.add_twins()
    at = open_page("compare")
    at.button(key="newest").click().run()
    assert at.session_state["table"] == [run.id for run in twins]
    assert at.charts() == ["curves", "layers_at_step", "layers_over_time"]


def test_the_table_names_every_run_with_its_errors(lab, open_page):
    twins = lab.add_twins()
    at = open_page("compare", runs=",".join(run.id for run in twins))
    rows = at.dataframe[0].value
    assert rows["id"].tolist() == [run.id for run in twins]
    assert rows["skips on"].tolist() == ["0 of 3", "3 of 3"]
    assert rows["last test error"].tolist() == ["16.67 %", "16.67 %"]


def test_the_balanced_error_stands_beside_the_error_where_it_was_recorded(lab, open_page):
    old, new = lab.add(), lab.add()
    lab.store.record(new.id, [EpochEnded(4, 40, 0.1, 0.1, 0.1, 0.057, 1.5, test_balanced_error=2 / 3)])
    rows = open_page("compare", runs=f"{old.id},{new.id}").dataframe[0].value
    assert rows["last test error"].iloc[1] == "5.70 %"
    assert rows["balanced test error"].tolist() == [percent(None), "66.67 %"]


def test_every_recorded_quantity_can_be_looked_at(lab, open_page):
    at = open_page("compare", runs=lab.add().id)
    for quantity in at.selectbox(key="statistic").options:
        at.selectbox(key="statistic").select(quantity).run()
        assert at.says("caption", quantity)


def test_a_step_chosen_on_the_slider_is_the_one_shown(lab, open_page):
    at = open_page("compare", runs=lab.add().id)
    at.select_slider(key="step").set_value(20).run()
    assert at.says("caption", "at step 20")


def test_the_step_is_in_the_link(lab, open_page):
    at = open_page("compare", runs=lab.add().id)
    at.select_slider(key="step").set_value(20).run()
    assert at.query_params["step"] == "20"
    other = open_page("compare", **at.query_params)
    assert other.select_slider(key="step").value == 20 and other.says("caption", "at step 20")


def test_a_step_that_other_runs_recorded_becomes_the_nearest_one(lab, open_page):
    assert open_page("compare", runs=lab.add().id, step="17").select_slider(key="step").value == 15
    at = open_page("compare", runs=lab.add().id, step="999")
    assert at.says("warning", "no number from 0 to 30") and at.select_slider(key="step").value == 0


def test_a_run_that_waits_has_curves_to_come(lab, open_page):
    at = open_page("compare", runs=lab.add(until="queued").id)
    assert at.charts() == ["curves"]
    assert at.info


def test_a_training_in_work_can_be_held_still(lab, open_page):
    at = open_page("compare", runs=lab.add(until="running").id)
    at.toggle(key="pause").set_value(True).run()
    assert at.charts()[0] == "curves"


def test_different_recipes_are_pointed_out(lab, open_page):
    one, other = lab.add(seed=1), lab.add(seed=2)
    assert open_page("compare", runs=f"{one.id},{other.id}").says("caption", "2 seeds")


def test_the_same_weights_are_evaluated_anew_on_other_data(lab, open_page, monkeypatch):
    run, asked = lab.add(), []

    def compare(net, dataset):
        asked.append((net.key, dataset))
        return [SameWeights("as trained", None, error=0.25)]

    monkeypatch.setattr(lab.service, "compare_same_weights", compare)
    for replaced in (False, False, True):
        if replaced:
            lab.service.delete_dataset("dots")
            add_noise(lab.home, "dots", CLASSES, n_test=30)
        at = open_page("compare", runs=run.id)
        at.button(key="ask_same_weights").click().run()
        assert at.table[0].value["test error"].tolist() == ["25.0 %"]
    assert asked == [((run.id, run.weights_step), "dots")] * 2
    lab.service.delete_dataset("dots")
    assert at.run().says("error", "not here any more")


def test_what_is_recorded_later_of_the_same_step_is_read_too(lab):
    run = lab.add(until="running")
    before = len(reads.epochs([run]))
    lab.store.record(run.id, [EpochEnded(before + 1, run.step, 0.1, 0.2, 0.3, 0.4, 1.5)])
    assert lab.store.get(run.id).step == run.step and len(reads.epochs([lab.store.get(run.id)])) == before + 1
