"""A production platform from one command."""
