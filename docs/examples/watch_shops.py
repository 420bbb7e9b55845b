"""An internal service that follows the settings of shops: a snapshot first, then every change, for ever."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import grpc

from comptoir.changes.v1 import change_pb2, feed_pb2, feed_pb2_grpc


def main(most: int) -> None:
    platform: dict[str, Any] = json.loads(Path("var/platform.json").read_text())
    identity = Path(platform["internal"]["payment-engine"])
    credentials = grpc.ssl_channel_credentials(
        (identity / "ca.crt").read_bytes(),
        (identity / "tls.key").read_bytes(),
        (identity / "tls.crt").read_bytes(),
    )
    with grpc.secure_channel(platform["feeds"]["shop"], credentials) as channel:
        # Keep the newest cursor with what was done about it, and begin there the next time.
        request = feed_pb2.WatchChangesRequest(cursor="", types=["comptoir.shop/Shop"])
        for told in feed_pb2_grpc.FeedServiceStub(channel).WatchChanges(request):
            match told.WhichOneof("event"):
                case "resource":
                    print(f"{told.resource.name}: {told.resource.state['display_name']}")
                case "snapshot_end":
                    print("Up to date; now change a shop.", flush=True)
                case "resync":
                    print("Too much was missed: a new snapshot follows.")
                case "change":
                    action = change_pb2.Action.Name(told.change.action)
                    print(f"{action} {told.change.resource}: {', '.join(told.change.fields)}", flush=True)
            most -= told.WhichOneof("event") == "change"
            if not most:
                return


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else -1)
