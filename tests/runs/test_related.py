from resnet_core.networks.spec import NetSpec
from resnet_core.runs.related import find_seeds, group_runs, newest_group
from tests.runs.conftest import finished_run as run


def ids(runs):
    return [each.id for each in runs]


def test_twins_are_grouped_where_the_first_of_them_stands():
    runs = [run("a", group="t"), run("b"), run("c", group="t"), run("d", group="u")]
    assert [ids(group) for group in group_runs(runs)] == [["a", "c"], ["b"], ["d"]]


def test_the_newest_group_is_that_of_the_last_run():
    assert ids(newest_group([run("a", group="t"), run("b"), run("c", group="t")])) == ["a", "c"]
    assert ids(newest_group([run("a"), run("b")])) == ["b"], "no group is no bond"


def test_one_run_for_each_other_seed_of_the_same_training():
    first, other_seed = run("first", seed=0), run("other seed", seed=1)
    different = [
        run("same seed", seed=0),
        run("seen seed", seed=1),
        run("deeper", NetSpec(depth=14), seed=2),
        run("other data", seed=3, dataset="dots"),
        run("other pictures", seed=4, facts={"fingerprint": "f"}),
        run("other recipe", recipe=first.recipe | {"seed": 5, "lr": 0.5}),
    ]
    assert ids(find_seeds(first, [first, different[0], other_seed, *different[1:]])) == ["first", "other seed"]


def test_only_trainings_that_came_to_their_end_vouch_for_each_other():
    done, stopped = run("done", seed=0), run("stopped", seed=1, state="stopped")
    assert ids(find_seeds(done, [done, stopped])) == ["done"]
    assert ids(find_seeds(stopped, [done, stopped])) == ["stopped"]
