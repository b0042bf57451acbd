"""Story: what a skip connection is and what it does, in one scroll, drawn from runs that were made here."""

from pages.parts import story
from pages.parts.frame import header

header("The story of the skip connection", "Deeper networks should be better. Without skips they are not. See why, by measurement.")
story.addition()
pair = story.twins()
if pair:
    story.learning(pair)
    story.inside(pair)
    story.looking(pair)
else:
    story.nothing_yet()
