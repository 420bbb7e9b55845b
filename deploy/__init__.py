"""Everything that puts Comptoir on a machine: the local platform, images and manifests."""
