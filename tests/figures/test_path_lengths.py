import math

import pytest

from resnet_core.figures.path_lengths import path_length_bars


def test_bars_are_shares_of_all_paths(twins):
    lengths = {"a": {3: 1}, "b": {k: math.comb(3, k) for k in range(4)}}
    plain, residual = path_length_bars(lengths, twins, False).data
    assert list(plain.x) == [3] and list(plain.y) == [100]
    assert list(residual.y) == pytest.approx([12.5, 37.5, 37.5, 12.5])
    assert "1 path" in plain.name and "8 paths" in residual.name and "1.5 blocks" in residual.name


def test_more_paths_than_any_machine_integer(twins):
    lengths = {"b": {k: math.comb(999, k) for k in range(1_000)}}
    bars = path_length_bars(lengths, twins, False).data[0]
    assert sum(bars.y) == pytest.approx(100, abs=0.1)
    assert "× 10³⁰⁰" in bars.name


def test_a_network_without_blocks_is_a_calm_sentence(twins):
    assert path_length_bars({"a": {}}, twins, False).layout.annotations
