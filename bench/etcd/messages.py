"""The messages of etcd's API, made from `rpc.proto` when they are first asked for: nothing generated is kept."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PUT, WATCH = "/etcdserverpb.KV/Put", "/etcdserverpb.Watch/Watch"
_SOURCE = Path(__file__).with_name("rpc.proto")


@cache
def messages() -> dict[str, Any]:
    """Classes by the name of the message."""
    with tempfile.TemporaryDirectory() as directory:
        compiled = Path(directory) / "rpc.binpb"
        command = (
            "grpc_tools.protoc",
            f"-I{_SOURCE.parent}",
            f"--descriptor_set_out={compiled}",
            _SOURCE.name,
        )
        subprocess.run((sys.executable, "-m", *command), check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file
    # A pool of its own, so that the names cannot clash with anybody's.
    found: dict[str, Any] = message_factory.GetMessages(files, pool=descriptor_pool.DescriptorPool())
    return {name.rpartition(".")[2]: kind for name, kind in found.items()}
