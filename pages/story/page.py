"""Story: what a skip connection is and what it does, in one scroll, drawn from runs that were made here. No torch."""

from pages.parts.frame import show_header
from pages.parts.reads import sound_runs
from pages.story.sections import show_addition, show_first_twins, show_gradients, show_learning, show_way_to_maps
from resnet_core.runs.depth_comparison import find_depth_comparison

show_header(
    "The story of the skip connection",
    "A deeper network can do all that a shallower one can, so it should not be worse. "
    "Without skips, past some depth, it is.",
)
show_addition()
networks = find_depth_comparison(sound_runs())
if networks:
    show_learning(networks)
    show_gradients(networks)
    show_way_to_maps(networks)
else:
    show_first_twins()
