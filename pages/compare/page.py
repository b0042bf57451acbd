"""Compare: the curves of the runs on the table, their layers' gradients on one scale, and their table."""

from pages.parts import compare, same_weights
from pages.parts.frame import header
from pages.parts.table import chosen

header("Compare", "The runs on the table beside each other: how they learn, and what happens in every layer.")
runs = chosen()
if runs:
    compare.curves(runs)
    compare.gradients(runs)
    compare.run_table(runs)
    same_weights.ask(runs)
else:
    compare.empty()
