from resnet_core.networks.layer_types import Add, Conv
from resnet_core.networks.shape_trace import ShapeTrace


def test_a_value_needed_twice_is_kept_once():
    trace = ShapeTrace()
    x = trace.value((3, 8, 8))
    trace.layer(Conv("a", 3, 4, 3, padding=1), x)
    trace.layer(Conv("b", 3, 4, 3, padding=1), x)
    assert sum(trace.saved.values()) == 3 * 8 * 8 * 4


def test_two_small_windows_see_as_much_as_one_large():
    trace = ShapeTrace()
    x = trace.value((1, 32, 32))
    twice = trace.layer(Conv("b", 1, 1, 3, padding=1), trace.layer(Conv("a", 1, 1, 3, padding=1), x))
    once = trace.layer(Conv("c", 1, 1, 5, padding=2), x)
    assert twice.field == once.field == 5


def test_a_stride_widens_what_comes_after():
    trace = ShapeTrace()
    x = trace.value((1, 32, 32))
    out = trace.layer(Conv("b", 1, 1, 3, padding=1), trace.layer(Conv("a", 1, 1, 3, stride=2, padding=1), x))
    assert (out.field, out.jump, out.shape) == (7, 2, (1, 16, 16))


def test_a_merge_sees_what_the_longer_way_sees():
    trace = ShapeTrace()
    x = trace.value((1, 32, 32))
    branch = trace.layer(Conv("a", 1, 1, 3, padding=1), x)
    assert trace.merge(Add(1.0), branch, x).field == 3
