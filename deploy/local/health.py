"""Whether a process answers as healthy: by gRPC's health protocol, or by `GET /healthz` over https.

Any failure to answer is "no": while a process starts, refusing connections is its normal state.
"""

import http.client
import ssl
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT = 2.0
# A proxy meant for the outside must not be asked to reach loopback.
_OPTIONS = (("grpc.enable_http_proxy", 0),)


def grpc_serving(address: str) -> bool:
    """Whether the health service at `address` (plaintext, "host:port") says the whole server is serving."""
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_TIMEOUT
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def https_ok(port: int, authority: Path) -> bool:
    """Whether `GET https://localhost:port/healthz` answers 200 under a certificate of `authority`."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection("localhost", port, timeout=_TIMEOUT, context=context)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
