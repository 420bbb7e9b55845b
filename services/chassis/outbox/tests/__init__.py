"""Tests of the outbox, on a real database and a real mail server."""
