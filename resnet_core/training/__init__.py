"""Training as a stream of events, and what is measured on the way."""
