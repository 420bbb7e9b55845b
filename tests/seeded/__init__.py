"""Bugs put in on purpose, to see that the suites turn red."""
