"""Names of the metadata that goes with calls, known on both ends."""

CLIENT_ADDRESS = "x-client-address"
"""Where a person's call came from, as the gateway saw it."""
REVISION = "x-revision"
"""Behind the answer of a write: how far the log came by it."""
MIN_REVISION = "x-min-revision"
"""With a read: a revision than which its answer must not be older."""
