"""The one error of the local platform."""


class CannotStart(Exception):
    """Something on this machine prevents the start; the message is one line that says what to do."""
