"""HTTPS probes against a real server on loopback, with certificates of an authority made for the test."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from maintsched.domain.inventory import ProbeConfig
from maintsched.errors import ProbeFailed
from maintsched.probes import open_probe
from maintsched.probes.https import HttpsProbe


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a certificate of 127.0.0.1 signed by it."""

    ca: str
    certificate: str
    key: str


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def made(folder: Path) -> Authority:
    folder.mkdir()
    ca, ca_key, request, certificate, key, names = (
        str(folder / name) for name in ("ca.pem", "ca.key", "request", "server.pem", "server.key", "names")
    )
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca_uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=test CA", *ca_uses)
    openssl("req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    Path(names).write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    signing = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", names)
    openssl("x509", "-req", "-in", request, "-out", certificate, *signing)
    return Authority(ca, certificate, key)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        if os.environ.get("MAINTSCHED_REQUIRE_ALL") == "1":
            pytest.fail("the openssl command is not installed")
        pytest.skip("the openssl command is not installed")
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return made(folder / "ours")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return made(folder / "strange")


class Service(http.server.BaseHTTPRequestHandler):
    """/health is well, /broken is not, /moved points elsewhere, /slow answers when it is let, /trickle never ends."""

    released = Event()

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.released.wait(10)
        status = {"/broken": 500, "/missing": 404, "/moved": 302}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Content-Length", "1000" if self.path == "/trickle" else "2")
        if status == 302:
            self.send_header("Location", "/broken")
        self.end_headers()
        if self.path == "/trickle":
            while not self.released.wait(0.02):
                self.wfile.write(b".")
        else:
            self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Counts connections; a client that leaves early is no news."""

    daemon_threads = True
    connections = 0

    def get_request(self) -> tuple[socket.socket, object]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    Service.released.clear()
    with Server(("127.0.0.1", 0), Service) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        Service.released.set()
        running.shutdown()
        thread.join()


def config(server: Server, path: str, ca: str | None, limit: timedelta | None = None) -> ProbeConfig:
    url = f"https://127.0.0.1:{server.server_address[1]}{path}"
    return ProbeConfig("api", "https", url=url, ca=ca, max=limit, critical=True)


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        Event().wait(0.01)


def test_a_verified_answer_is_ok(server: Server, authority: Authority) -> None:
    sample = HttpsProbe(config(server, "/health", authority.ca)).once()
    assert sample.ok
    assert sample.rtt_ms is not None
    assert 0 < sample.rtt_ms < 2000


@pytest.mark.parametrize(("path", "status"), [("/broken", 500), ("/missing", 404)])
def test_an_error_status_is_an_answer_that_is_not_ok(
    server: Server, authority: Authority, path: str, status: int
) -> None:
    probe = HttpsProbe(config(server, path, authority.ca))
    sample = probe.once()
    assert sample.rtt_ms is not None
    assert not sample.ok
    assert [why for _, why in probe.problems()] == [f"HTTP status {status}"]


def test_a_redirect_is_an_answer_and_not_followed(server: Server, authority: Authority) -> None:
    assert HttpsProbe(config(server, "/moved", authority.ca)).once().ok
    assert server.connections == 1


def test_a_certificate_of_another_authority_is_not_ok(server: Server, stranger: Authority) -> None:
    probe = HttpsProbe(config(server, "/health", stranger.ca))
    sample = probe.once()
    assert not sample.ok
    assert sample.rtt_ms is not None
    assert probe.problems()[0][1].startswith("certificate: ")


def test_without_a_ca_the_system_does_not_know_our_authority(server: Server) -> None:
    assert not HttpsProbe(config(server, "/health", None)).once().ok


def test_a_certificate_of_another_name_is_not_ok(server: Server, authority: Authority) -> None:
    other = ProbeConfig("api", "https", url=f"https://localhost:{server.server_address[1]}/health", ca=authority.ca)
    probe = HttpsProbe(other)
    assert not probe.once().ok
    assert "certificate: " in probe.problems()[0][1]


def test_a_dead_port_gives_no_answer(authority: Authority) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        url = f"https://127.0.0.1:{taken.getsockname()[1]}/"
        probe = HttpsProbe(ProbeConfig("api", "https", url=url, ca=authority.ca))
        sample = probe.once()
    assert (sample.rtt_ms, sample.ok) == (None, False)
    assert "ConnectError" in probe.problems()[0][1]


@pytest.mark.parametrize("path", ["/slow", "/trickle"])
def test_an_answer_that_takes_too_long_is_none(server: Server, authority: Authority, path: str) -> None:
    probe = HttpsProbe(config(server, path, authority.ca, timedelta(milliseconds=300)))
    sample = probe.once()
    assert (sample.rtt_ms, sample.ok) == (None, False)
    assert probe.problems()[0][1] == "no answer within 300 ms"


def test_a_probe_asks_again_and_again_over_new_connections(server: Server, authority: Authority) -> None:
    with HttpsProbe(config(server, "/health", authority.ca)) as probe:
        until(lambda: len(probe.samples()) >= 3, "3 samples")
        assert probe.lost_in_a_row() == 0
        samples = probe.stop()
    assert server.connections == len(samples)
    assert samples[2].at - samples[0].at > timedelta(milliseconds=900)


def test_a_probe_counts_bad_answers_in_a_row(server: Server, authority: Authority) -> None:
    with HttpsProbe(config(server, "/broken", authority.ca)) as probe:
        until(lambda: probe.lost_in_a_row() >= 2, "2 bad answers")


def test_a_proxy_of_the_environment_is_not_used(server: Server, authority: Authority, tmp_path: Path) -> None:
    program = (
        "import sys; from maintsched.domain.inventory import ProbeConfig\n"
        "from maintsched.probes.https import HttpsProbe\n"
        "print(HttpsProbe(ProbeConfig('api', 'https', url=sys.argv[1], ca=sys.argv[2])).once().ok)"
    )
    url = f"https://127.0.0.1:{server.server_address[1]}/health"
    result = subprocess.run(
        [sys.executable, "-c", program, url, authority.ca],
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.stdout.strip(), result.stderr) == ("True", "")


@pytest.mark.parametrize("url", [None, "", "http://127.0.0.1/", "127.0.0.1:8443", "https://"])
def test_a_url_must_be_https(url: str | None) -> None:
    with pytest.raises(ProbeFailed, match="url"):
        HttpsProbe(ProbeConfig("api", "https", url=url))


def test_authorities_that_cannot_be_read_are_a_failure(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for ca in (str(empty), str(tmp_path / "absent.pem")):
        with pytest.raises(ProbeFailed, match="cannot be read"):
            HttpsProbe(ProbeConfig("api", "https", url="https://127.0.0.1/", ca=ca))


def test_a_probe_that_was_not_started_has_no_reading(server: Server, authority: Authority) -> None:
    with pytest.raises(ProbeFailed, match="not started"):
        open_probe(config(server, "/health", authority.ca)).samples()
