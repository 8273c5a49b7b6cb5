"""A lab under test: commands in its nodes, and which circuit carries traffic by the edges' interface counters."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maintsched import lab
from maintsched.domain.inventory import Inventory

SERVICE = "10.200.0.10"
_PINGS = 30


def quiet(line: str) -> None:
    """Where a test does not care what is said."""


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Poll a condition until it holds."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


@dataclass(frozen=True)
class Bench:
    directory: Path
    inventory: Inventory
    began: lab.LabState

    def run(self, node: str, *argv: str, check: bool = True) -> str:
        done = self._finished(node, *argv)
        assert not check or done.returncode == 0, f"{node}: {argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def login(self, router: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a router as its user, over SSH from the operations host, with the pinned host key."""
        found = self.inventory.routers[router]
        return self._finished("ops", *self.ssh(str(found.key)), f"{found.user}@{found.host}", command)

    def ssh(self, key: str) -> list[str]:
        """An ssh that asks nothing, reads no configuration, and knows the lab's host keys only."""
        pins = f"UserKnownHostsFile={self.directory / 'known_hosts'}"
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", pins)
        return ["ssh", "-F", "/dev/null", "-i", key, *(word for option in options for word in ("-o", option))]

    def _finished(self, node: str, *argv: str) -> subprocess.CompletedProcess[str]:
        command = lab.exec_argv(self.directory, node, argv)
        stdin = subprocess.DEVNULL
        return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=stdin, check=False)

    def answered(self, count: int = _PINGS) -> int:
        """How many of so many echo requests from the operations host to the service were answered."""
        said = self.run("ops", "ping", "-n", "-q", "-i", "0.005", "-W", "1", "-c", str(count), SERVICE, check=False)
        received = re.search(r"(\d+) received", said)
        return int(received[1]) if received else 0

    def carrying(self) -> tuple[str, str]:
        """The circuits that carry pings out and back, `none` where no circuit does."""
        before = self._counters()
        self.answered()
        after = self._counters()
        ways = []
        for direction in (0, 1):
            loads = {name: after[name][direction] - before[name][direction] for name in after}
            busiest = max(loads, key=lambda name: loads[name])
            ways.append(busiest if loads[busiest] >= _PINGS * 3 // 4 else "none")
        return ways[0], ways[1]

    def session(self, circuit: str) -> str:
        """The state of a circuit's session as our edge sees it."""
        return next(each.state for each in lab.status(self.directory).sessions if each.circuit == circuit)

    def _counters(self) -> dict[str, tuple[int, int]]:
        """Packets sent and received by our edges on each circuit (proc_net_dev: columns 10 and 2)."""
        found = {}
        for name, circuit in self.inventory.circuits.items():
            if circuit.router and circuit.interface:
                for line in self.run(circuit.router, "cat", "/proc/net/dev").splitlines():
                    port, _, columns = line.partition(":")
                    if port.strip() == circuit.interface:
                        numbers = [int(column) for column in columns.split()]
                        found[name] = (numbers[9], numbers[1])
        return found


def processes_of(name: str) -> list[str]:
    """Command lines of whatever carries the lab's mark, in its command line or its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                cmdline, environ = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            marked = any(word.startswith(f"MAINTSCHED_LAB={name}:".encode()) for word in environ.split(b"\0"))
            if cmdline.startswith(b"maintsched-lab:" + name.encode() + b":") or marked:
                found.append(cmdline.replace(b"\0", b" ").decode(errors="replace"))
    return found


def network_namespaces() -> set[str]:
    """Every network namespace that a process is in."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add(str((entry / "ns" / "net").readlink()))
            except OSError:
                continue
    return found
