"""Journeys across the real processes, named after what a person or a service sets out to do."""
