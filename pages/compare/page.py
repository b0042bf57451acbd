"""Compare: the curves of the runs on the table, their layers' gradients on one scale, and their table. No torch."""

from pages.compare import figures, same_weights
from pages.parts.frame import header
from pages.parts.table import chosen

header("Compare", "The runs on the table beside each other: how they learn, and what happens in every layer.")
runs = chosen()
if runs:
    figures.curves(runs)
    figures.gradients(runs)
    figures.run_table(runs)
    same_weights.ask(runs)
else:
    figures.empty()
