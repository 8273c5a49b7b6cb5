"""Debian's own sshd on a free port of the loopback, with keys of its own; it ends with the test run."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from maintsched.domain.inventory import Router

PROGRAM = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")


def new_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running sshd; `router` logs in to it with the right key and the right pin."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    router: Router

    def pins(self, name: str, key: Path) -> str:
        """A known_hosts file that pins `key` for this server."""
        path = self.folder / f"known_hosts-{name}"
        kind, public, *_ = key.with_suffix(".pub").read_text().split()
        path.write_text(f"[127.0.0.1]:{self.port} {kind} {public}\n")
        return str(path)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


def start(folder: Path) -> Server:
    """Paths are absolute: sshd runs itself anew for each connection. As root it wants /run/sshd, so it gets its own."""
    port = free_port()
    host, login = new_key(folder / "host"), new_key(folder / "login")
    (folder / "authorized").write_text(login.with_suffix(".pub").read_text())
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host}\nAuthorizedKeysFile {folder / 'authorized'}\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\nAllowTcpForwarding yes\nMaxSessions 100\nMaxStartups 100\nPrintMotd no\n"
        f"SetEnv HOME={folder}\n"  # bash reads ~/.bashrc for sshd: whatever stands there is not under test
    )
    command = f"exec {PROGRAM} -D -e -f {folder / 'sshd_config'}"
    if os.geteuid() == 0:
        command = f"mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && {command}"
    argv = [*(["unshare", "--mount"] if os.geteuid() == 0 else []), "sh", "-c", command]
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    router = Router("edge1", "LD4", "frr", "127.0.0.1", getpass.getuser(), port=port, key=str(login))
    server = Server(folder, port, process, router)
    server.router = replace(router, known_hosts=server.pins("right", host))
    deadline = time.monotonic() + 10
    while not _listens(port):
        said = (folder / "sshd.log").read_text()
        assert process.poll() is None, f"sshd did not start: {said}"
        assert time.monotonic() < deadline, f"sshd does not listen: {said}"
        time.sleep(0.02)
    return server


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
