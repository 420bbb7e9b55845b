"""The client of internal services beside the real platform."""
