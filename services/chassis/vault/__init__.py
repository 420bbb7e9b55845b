"""Secrets at rest: a KEK wraps each company's data keys, a data key seals fields, each bound to its place."""
