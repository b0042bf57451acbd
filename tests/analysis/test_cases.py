from resnet_core.analysis.cases import CASES
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.networks.build import build_net


def test_the_cases_are_four_questions_on_designs_that_can_be_built() -> None:
    assert len(CASES) == 4 and len({case.title for case in CASES}) == 4
    for case in CASES:
        assert 2 <= len(case.specs) <= 4 and len(set(case.specs)) == len(case.specs)
        assert case.question.endswith("?")
        assert case.quantity in Step0Result.__dataclass_fields__
        for spec in case.specs:
            assert spec.depth == 56
            build_net(spec, device="meta")
