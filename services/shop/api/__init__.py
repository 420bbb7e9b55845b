"""The shop service on the wire: decodes, calls, encodes."""
