"""The networks: their specs, presets, modules and costs."""
