"""The one log (design idea 4): every write appends a change in its own transaction, chained within its scope."""
