"""The record of each company: what it is registered as, where it is, whom to talk to."""
