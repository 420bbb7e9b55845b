"""Mutual TLS between services: each presents its certificate and asks for the other's."""

from __future__ import annotations

from pathlib import Path

import grpc


def server_credentials(directory: Path) -> grpc.ServerCredentials:
    """What a server presents, and whom it trusts."""
    key, certificate, authority = _read(directory)
    return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)


def channel_credentials(directory: Path) -> grpc.ChannelCredentials:
    """What a client presents, and whom it trusts."""
    key, certificate, authority = _read(directory)
    return grpc.ssl_channel_credentials(authority, key, certificate)


def _read(directory: Path) -> tuple[bytes, bytes, bytes]:
    return (
        (directory / "tls.key").read_bytes(),
        (directory / "tls.crt").read_bytes(),
        (directory / "ca.crt").read_bytes(),
    )
