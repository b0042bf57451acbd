"""Networks as specs, and what builds and counts them."""
