"""Tests of the image conversion."""
