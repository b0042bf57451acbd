"""Which parts of a picture a prediction depends on, by Captum, and how far to trust that."""
