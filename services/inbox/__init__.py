"""Messages of the platform to its merchants, and who has read them."""
