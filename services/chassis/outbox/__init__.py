"""Mail that leaves the platform: written down with the change that causes it, sent at least once, by nobody else."""
