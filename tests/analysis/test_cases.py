import pytest

from resnet_core.analysis.cases import cases
from resnet_core.analysis.step0_result import Profile
from resnet_core.networks.build import build_net


def test_the_cases_are_four_questions_on_designs_that_can_be_built() -> None:
    found = cases()
    assert len(found) == 4 and len({case.key for case in found}) == 4
    for case in found:
        assert 2 <= len(case.specs) <= 4 and len(set(case.specs)) == len(case.specs)
        assert case.question.endswith("?")
        assert set(case.look_at) <= set(Profile.__dataclass_fields__)
        for spec in case.specs:
            assert spec.depth == 56
            build_net(spec, device="meta")


@pytest.mark.parametrize("depth", [20, 110])
def test_they_come_at_other_depths(depth: int) -> None:
    assert {spec.depth for case in cases(depth) for spec in case.specs} == {depth}
