"""A platform of two services and one front that only answer: `python -m deploy.local.tests.sample_platform`.

It runs by the same command line as the real one.
"""

import sys

from deploy.local.__main__ import main
from deploy.local.topology import Topology

SAMPLE = Topology(
    services={"identity": "deploy.local.tests.sample_service", "shop": "deploy.local.tests.sample_service"},
    fronts={"gateway": "deploy.local.tests.sample_front"},
    feeds=(),
    demonstrate=lambda platform: {"logins": [{"login": "zoe", "password": "made-up", "about": "guest"}]},
)

if __name__ == "__main__":
    sys.exit(main(topology=SAMPLE))
