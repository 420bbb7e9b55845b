"""Guarantees of the local platform."""
