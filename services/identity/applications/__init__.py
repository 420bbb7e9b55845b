"""OAuth clients that companies register for their own systems: what they are, who may change them, their secrets."""
