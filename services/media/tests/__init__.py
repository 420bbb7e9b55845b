"""The media service over the wire, and its store."""
