"""A service that does nothing but send mail."""
