"""Watch (design idea 4): other services are told of changes, in order, by a process that may only read."""
