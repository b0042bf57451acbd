"""Trained networks, wherever they come from: one type for all that can be asked, and the published weights."""
