"""Ratios of server CPU against bare peers, so that they mean the same on every machine: `python -m bench`."""
