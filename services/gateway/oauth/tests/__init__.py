"""Tests of the OAuth half of the gateway."""
