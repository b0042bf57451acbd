"""Runs: what was trained, with what, and what came of it."""
