"""The core of the Skip Connection Explorer: networks, data, training, analysis. Knows nothing of the pages."""
