"""Story: what a skip connection is and what it does, in one scroll, drawn from runs that were made here. No torch."""

from pages.parts.backend import store
from pages.parts.frame import header
from pages.story import sections
from resnet_core.runs.depth_comparison import find_depth_comparison

header(
    "The story of the skip connection",
    "A deeper network can do all that a shallower one can, so it should not be worse. Without skips, past some depth, "
    "it is.",
)
sections.addition()
networks = find_depth_comparison(store().runs())
if networks:
    sections.learning(networks)
    sections.inside(networks)
    sections.looking(networks)
else:
    sections.nothing_yet()
