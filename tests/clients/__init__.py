"""Real clients of other makers against the running platform."""
