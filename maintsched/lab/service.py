"""What answers on the service host, run as `python -m maintsched.lab.service`: HTTPS with GET /health, and UDP echo."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Health(BaseHTTPRequestHandler):
    """Keeps connections open (HTTP/1.1), so a long-lived one can be watched across a failover."""

    protocol_version = "HTTP/1.1"
    server_version = "lab"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        known = self.path.split("?", 1)[0] == "/health"
        body = json.dumps({"status": "ok"} if known else {"error": "not found"}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: probes ask many times a second."""


class _Server(ThreadingHTTPServer):
    """Shakes hands in the connection's own thread, so one silent client does not hold up the others."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, _Health)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is not worth a traceback."""


def serve_https(address: str, port: int, certificate: str, key: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    _Server((address, port), context).serve_forever()


def serve_udp(address: str, port: int) -> None:
    """Send every datagram back to its sender, until killed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        while True:
            datagram, sender = sock.recvfrom(65535)
            sock.sendto(datagram, sender)


def await_health(address: str, port: int, authority: str, seconds: float) -> str:
    """Ask /health until it answers 200 or the time is over; the last failure, empty when it answered."""
    context = ssl.create_default_context(cafile=authority)
    deadline, failure = time.monotonic() + seconds, "not asked"
    while time.monotonic() < deadline:
        connection = http.client.HTTPSConnection(address, port, timeout=1.0, context=context)
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
            if status == 200:
                return ""
            failure = f"HTTP {status}"
        except (OSError, http.client.HTTPException) as wrong:
            failure = str(wrong) or type(wrong).__name__
        finally:
            connection.close()
        time.sleep(0.05)
    return failure


def main(argv: Sequence[str]) -> int:
    """`https ADDRESS PORT CERTIFICATE KEY`, `udp ADDRESS PORT` or `ask ADDRESS PORT CA SECONDS`."""
    parser = argparse.ArgumentParser(prog="maintsched.lab.service")
    parser.add_argument("role", choices=("https", "udp", "ask"))
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("files", nargs="*")
    asked = parser.parse_args(argv)
    if asked.role == "udp":
        serve_udp(asked.address, asked.port)
    if asked.role == "https":
        serve_https(asked.address, asked.port, *asked.files)
    failure = await_health(asked.address, asked.port, asked.files[0], float(asked.files[1]))
    if failure:
        sys.stderr.write(f"{failure}\n")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
