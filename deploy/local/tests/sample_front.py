"""The smallest thing the platform can run behind https: it says that it is there."""

import http.server
import os
import ssl
from pathlib import Path


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()


def _serve() -> None:
    host, _, port = os.environ["COMPTOIR_LISTEN"].rpartition(":")
    certificates = Path(os.environ["COMPTOIR_WEB_TLS_DIRECTORY"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
    with http.server.HTTPServer((host, int(port)), _Pages) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()


if __name__ == "__main__":
    _serve()
