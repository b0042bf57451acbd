"""Questions put to a network outside its training."""
