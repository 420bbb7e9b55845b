"""A write sent again under its idempotency key: one effect, one answer, on whichever service."""
