"""People, places and sessions on the wire: decodes, calls, encodes. `oauth.api` serves the rest of identity."""
