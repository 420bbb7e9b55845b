"""What is measured is a client that found every shop again."""

from __future__ import annotations

from pathlib import Path

from bench.replica import save
from comptoir_client import Credentials, Feeds, Replica


def test_what_is_saved_for_the_measurement_is_what_a_client_takes_over(
    certificates: Path, tmp_path: Path
) -> None:
    credentials = Credentials(certificates / "payment-engine")
    save(tmp_path, credentials.platform, 9)
    with Replica(Feeds("127.0.0.1:1", "127.0.0.1:1"), credentials, tmp_path) as replica:
        assert (len(replica.shops), len(replica.companies)) == (9, 3)
        shop = replica.shop("00000008")
        assert shop is not None
        assert replica.company(shop.company) is not None
