"""Certificate authorities made for the test, with a certificate of the loopback each."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


@dataclass(frozen=True)
class Authority:
    """PEM files: the authority, and a certificate and key that it signed."""

    ca: str
    certificate: str
    key: str


def made(folder: Path, names: str = NAMES) -> Authority:
    folder.mkdir()
    ca, ca_key, request, certificate, key, uses = (
        str(folder / name) for name in ("ca.pem", "ca.key", "request", "server.pem", "server.key", "uses")
    )
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca_uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl("req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=sources CA", *ca_uses)
    _openssl("req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=server")
    Path(uses).write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
    signing = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", uses)
    _openssl("x509", "-req", "-in", request, "-out", certificate, *signing)
    return Authority(ca, certificate, key)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
