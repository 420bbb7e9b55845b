"""etcd as a peer: its server, and as much of its public API as putting and watching need."""
