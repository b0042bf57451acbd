"""The table: the runs a person has chosen, in the address and on every page."""

import pytest

PAGES = ("story", "design", "train", "compare", "explain", "runs")


@pytest.mark.parametrize("page", PAGES)
def test_a_link_with_runs_that_are_not_here_names_them_on_every_page(lab, open_page, page):
    here = lab.add()
    at = open_page(page, runs=f"nosuchrun,{here.id}")
    assert at.says("warning", "nosuchrun")
    assert at.session_state["table"] == [here.id]


def test_the_warning_goes_when_it_has_been_read(lab, open_page):
    at = open_page("train", runs="nosuchrun")
    at.button(key="forget_missing").click().run()
    assert not at.warning
    at.run()
    assert not at.warning


def test_what_a_link_says_is_not_taken_for_markup(lab, open_page):
    at = open_page("train", runs="`](javascript:alert(1))" + "x" * 500)
    assert all(len(element.value) < 400 for element in at.warning)


@pytest.mark.parametrize("page", PAGES)
def test_the_address_carries_the_table_on_every_page(lab, open_page, page):
    runs = [lab.add().id, lab.add().id]
    at = open_page(page, runs=",".join(runs))
    assert at.query_params["runs"] == ",".join(runs)
    at.multiselect(key="table").unselect(runs[0]).run()
    assert at.query_params["runs"] == runs[1]
    at.multiselect(key="table").unselect(runs[1]).run()
    assert "runs" not in at.query_params


def test_the_choice_outlives_a_change_of_page(lab, open_page):
    run = lab.add()
    at = open_page("train")
    at.multiselect(key="table").select(run.id).run()
    at.switch_page("compare").run()
    assert at.session_state["table"] == [run.id]
    assert "curves" in at.charts()


def test_a_run_that_somebody_deletes_leaves_the_table_quietly(lab, open_page):
    gone, kept = lab.add(), lab.add()
    at = open_page("compare", runs=f"{gone.id},{kept.id}")
    lab.store.delete(gone.id)
    at.run()
    assert at.session_state["table"] == [kept.id]
    assert "curves" in at.charts()


def test_no_more_runs_than_colours(lab, open_page):
    runs = [lab.add().id for _ in range(10)]
    at = open_page("compare", runs=",".join(runs))
    assert at.session_state["table"] == runs[:8]


def test_runs_of_one_name_can_be_told_apart(lab, open_page):
    first, second = lab.add(name="ResNet-20"), lab.add(name="ResNet-20")
    at = open_page("compare", runs=second.id)
    assert len(set(at.multiselect(key="table").options)) == 2
    at.segmented_control(key="y").set_value("loss").run()  # the browser sends labels back
    assert at.session_state["table"] == [second.id]
    assert at.dataframe[0].value["id"].tolist() == [second.id]
    at.multiselect(key="table").select(first.id).run()
    assert at.session_state["table"] == [second.id, first.id]


def test_a_run_that_is_renamed_stays_on_the_table(lab, open_page):
    run = lab.add(name="before")
    at = open_page("compare", runs=run.id)
    lab.store.rename(run.id, "after")
    at.run()
    chips = at.multiselect(key="table").proto
    assert (chips.set_value, list(chips.raw_values)) == (True, ["after"])  # or the browser would send "before"


def test_a_run_named_twice_lies_there_once(lab, open_page):
    run = lab.add().id
    assert open_page("compare", runs=f"{run},{run}").session_state["table"] == [run]


def test_the_machine_says_what_runs_and_waits(lab, open_page):
    lab.add(until="running")
    lab.add(until="queued")
    assert open_page("story").says("caption", "1 running, 1 waiting")
