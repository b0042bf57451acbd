from resnet_core.networks.architecture import Conv
from resnet_core.networks.shape_trace import Tape


def test_a_value_needed_twice_is_kept_once():
    tape = Tape()
    x = tape.value((3, 8, 8))
    tape.conv("a", Conv(3, 4, 3), False, x)
    tape.conv("b", Conv(3, 4, 3), False, x)
    assert sum(tape.saved.values()) == 3 * 8 * 8 * 4


def test_two_small_windows_see_as_much_as_one_large():
    tape = Tape()
    x = tape.value((1, 32, 32))
    twice = tape.conv("b", Conv(1, 1, 3), False, tape.conv("a", Conv(1, 1, 3), False, x))
    once = tape.conv("c", Conv(1, 1, 5), False, x)
    assert twice.field == once.field == 5


def test_a_stride_widens_what_comes_after():
    tape = Tape()
    x = tape.value((1, 32, 32))
    out = tape.conv("b", Conv(1, 1, 3), False, tape.conv("a", Conv(1, 1, 3, stride=2), False, x))
    assert (out.field, out.jump, out.shape) == (7, 2, (1, 16, 16))


def test_a_merge_sees_what_the_longer_way_sees():
    tape = Tape()
    x = tape.value((1, 32, 32))
    branch = tape.conv("a", Conv(1, 1, 3), False, x)
    assert tape.merge("m", branch, x).field == 3
