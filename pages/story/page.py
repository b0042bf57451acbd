"""Story: what a skip connection is and what it does, in one scroll, drawn from runs that were made here."""

from pages.parts import story, story_runs
from pages.parts.frame import header

header(
    "The story of the skip connection",
    "A deeper network can do all that a shallower one can, so it should not be worse. Without skips, past some depth, "
    "it is.",
)
story.addition()
networks = story_runs.told()
if networks:
    story.learning(networks)
    story.inside(networks)
    story.looking(networks)
else:
    story.nothing_yet()
