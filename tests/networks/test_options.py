import pytest

from resnet_core.networks import options


@pytest.mark.parametrize("field", sorted(options.CHOICES))
def test_every_choice_has_words_for_a_page(field):
    titles = [option.title for option in options.CHOICES[field].values()]
    assert len(set(titles)) == len(titles)
    for option in options.CHOICES[field].values():
        assert option.help.strip()
        assert option.paper is None or option.paper.url.startswith("https://")


def test_inits_are_of_one_kind_or_the_other():
    assert {*options.WEIGHT_INITS, *options.BRANCH_INITS} == set(options.INITS)


def test_orders_of_the_families_are_all_explained():
    assert {order for orders in options.ORDERS_OF_FAMILY.values() for order in orders} == set(options.ORDERS)
