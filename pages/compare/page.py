"""Compare: the curves of the runs on the table, their layers' gradients on one scale, and their table. No torch."""

from pages.compare.curves import show_curves
from pages.compare.layers import show_layers
from pages.compare.run_table import show_empty_table, show_run_table
from pages.compare.same_weights import show_same_weights
from pages.parts.datasets import show_imbalance
from pages.parts.frame import show_header
from pages.parts.table import chosen_runs

show_header("Compare", "The runs on the table beside each other: how they learn, and what happens in every layer.")
runs = chosen_runs()
if runs:
    show_curves(runs)
    show_imbalance(runs)
    show_layers(runs)
    show_run_table(runs)
    show_same_weights(runs)
else:
    show_empty_table()
