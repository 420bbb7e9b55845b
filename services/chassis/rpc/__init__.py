"""How a service answers: from bytes on the wire through the visible list of stages to a handler, and back."""
