"""Namespaces without names: each node is a process that holds them, found again by a marker in its command line.

A router's holder is PID 1 of its own pid namespace, so killing it ends everything in the node (pid_namespaces(7)).
The operations host has a network namespace only and shares the caller's files and processes; what runs in it carries
the lab's name in its environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maintsched.errors import InvalidInput, LabFailed
from maintsched.lab.layout import OPS
from maintsched.lab.record import Held

ENVIRONMENT = "MAINTSCHED_LAB"
_PREFIX = "maintsched-lab"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# SIGCHLD is ignored so that orphans of the node leave no zombies; `ready` tells the builder that the namespaces stand
_HOLD = """\
set -e
for key in ipv4/ip_forward=1 ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 ipv4/conf/all/send_redirects=0 \
  ipv4/conf/default/send_redirects=0 ipv4/conf/all/accept_redirects=0 ipv4/conf/default/accept_redirects=0 \
  ipv6/conf/all/accept_dad=0 ipv6/conf/default/accept_dad=0; do
  if [ -e "/proc/sys/net/${key%=*}" ]; then echo "${key#*=}" > "/proc/sys/net/${key%=*}"; fi
done
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range     # as on a booted system: any login may ping
echo ready
trap '' CHLD
exec -a "$0" sleep infinity >/dev/null
"""
_PRIVATE = ("--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process of a lab: `outer` keeps the node's first one alive, `settled` has left our namespaces for sure."""

    lab: str
    node: str
    directory: str
    pid: int
    outer: bool
    settled: bool


def check_name(name: str) -> None:
    """A lab's name goes into command lines and environments; InvalidInput when it does not fit."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name for a lab", "at most 32 letters, digits, dashes and underscores")


def start_time(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot, which tells it from a later one; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (OSError, UnicodeError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(held: Held) -> bool:
    return start_time(held.pid) == held.start


def spawn(name: str, node: str, directory: Path) -> tuple[Held, int]:
    """Start a node's holder; returns it and the descriptor on which it says `ready`."""
    heard, told = os.pipe()
    marker = f"{_PREFIX}:{name}:{node}:{directory}"
    private = () if node == OPS else _PRIVATE
    argv = ["unshare", "--net", *private, "bash", "-c", _HOLD, marker]
    (directory / "nodes" / node).mkdir(parents=True, exist_ok=True)
    log = os.open(directory / "nodes" / node / "holder.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, told, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        pid = os.posix_spawnp(
            "unshare", argv, {**os.environ, ENVIRONMENT: f"{name}:{directory}"}, file_actions=actions, setsid=True
        )
    except OSError:
        os.close(heard)
        raise
    finally:
        for descriptor in (null, told, log):
            os.close(descriptor)
    return Held(node, pid, start_time(pid) or 0), heard


def await_ready(node: str, heard: int, deadline: float) -> None:
    """Wait for the holder's `ready`; LabFailed when it ends or keeps silent."""
    try:
        readable, _, _ = select.select([heard], [], [], max(0.0, deadline - time.monotonic()))
        if not readable or os.read(heard, 16) != b"ready\n":
            raise LabFailed(
                f"node {node}: its namespaces could not be made", "see holder.log of the node in the lab's directory"
            )
    finally:
        os.close(heard)


def holders() -> list[Holder]:
    """Every holder on this machine, of every lab."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                holder = _holder(int(entry.name), (entry / "cmdline").read_bytes())
                if holder:
                    found.append(holder)
    return found


def _holder(pid: int, cmdline: bytes) -> Holder | None:
    words = cmdline.rstrip(b"\0").split(b"\0")
    inner = words[0].startswith(_PREFIX.encode() + b":")
    starting = Path(os.fsdecode(words[0])).name in ("unshare", "bash") and len(words) > 3
    parts = os.fsdecode(words[0] if inner else words[-1]).split(":", 3)
    if not (inner or starting) or parts[0] != _PREFIX or len(parts) != 4:
        return None
    return Holder(parts[1], parts[2], parts[3], pid, outer=words[0].endswith(b"unshare"), settled=inner)


def mine(name: str, directory: Path) -> list[Holder]:
    """The holders of one lab."""
    return [holder for holder in holders() if (holder.lab, holder.directory) == (name, str(directory))]


def network(pid: int) -> str | None:
    """The network namespace of a process, as `net:[inode]`; None when it has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def spaces(name: str, directory: Path) -> set[str]:
    """The network namespaces of a lab; not of a holder that is still starting, which may not have left ours."""
    found = {network(holder.pid) for holder in mine(name, directory) if holder.settled}
    return {each for each in found if each is not None}


def guests(name: str, directory: Path) -> list[int]:
    """Processes in the lab's namespaces, or with its mark in their environment; never this one or its like."""
    wanted = f"{ENVIRONMENT}={name}:{directory}".encode()
    theirs = spaces(name, directory) - {network(os.getpid())}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                marked = wanted in (entry / "environ").read_bytes().split(b"\0")
                if marked or str((entry / "ns" / "net").readlink()) in theirs:
                    found.append(int(entry.name))
    return found


def kill(pid: int, sign: signal.Signals, still: int | None) -> None:
    """Signal a process if it is still the one that started at `still`; the descriptor pins it against pid reuse."""
    with contextlib.suppress(ProcessLookupError):
        pinned = os.pidfd_open(pid)
        try:
            if still is not None and start_time(pid) == still:
                signal.pidfd_send_signal(pinned, sign)
        finally:
            os.close(pinned)


def entering(held: Held, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a node."""
    kinds = ("--net",) if held.node == OPS else ("--net", "--mount", "--uts", "--pid")
    return ["nsenter", "--target", str(held.pid), *kinds, "--", *argv]


def run(held: Held, mark: str, argv: Sequence[str], *, text: str = "", wait: float = 30.0) -> str:
    """Run a command in a node; its output, or LabFailed with what it said."""
    if not alive(held):
        raise LabFailed(f"node {held.node} is not running", "`maintsched lab down`, then `lab up`")
    try:
        done = subprocess.run(
            entering(held, argv),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=wait,
            check=False,
            env={**os.environ, ENVIRONMENT: mark},
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise LabFailed(f"node {held.node}: {argv[0]} did not run: {wrong}") from wrong
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()[-1]
        raise LabFailed(f"node {held.node}: `{' '.join(argv)}` failed: {said}")
    return done.stdout
