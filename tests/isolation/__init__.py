"""No call reaches another company: every method, every field that names something, every kind of caller."""
