"""Whatever is sent, by whoever: no mistake of ours comes back."""
