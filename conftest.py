"""Fixtures for every test of the project."""

pytest_plugins = ["services.chassis.testing.fixtures"]
