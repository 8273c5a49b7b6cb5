"""Taking a lab down: everything that carries its mark, whether its file is there or not."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from maintsched.errors import LabFailed, Refused
from maintsched.lab import holders, record

_PAUSE = 0.02


def down(directory: Path, say: Callable[[str], None]) -> None:
    """Take the lab of this directory down, also what a crash or a lost file left; keys and logs stay."""
    directory = directory.resolve()
    names = {holder.lab for holder in holders.holders() if holder.directory == str(directory)}
    try:
        known = record.find(directory)
    except LabFailed as unreadable:
        say(f"{unreadable.message}; going by the processes")
        known = None
    if known:
        names.add(known.name)
    marks = {f"{name}:{directory}" for name in names}
    within = any(holders.network(os.getpid()) in holders.spaces(name, directory) for name in names)
    if within or os.environ.get(holders.ENVIRONMENT) in marks:
        raise Refused(
            "this command runs inside the lab that it would end", "run `maintsched lab down` outside `lab exec`"
        )
    for name in sorted(names):
        take_down(name, directory)
        say(f"lab {name} is down")
    if not names:
        record.forget(directory)
        say(f"there is no lab in {directory}")


def take_down(name: str, directory: Path) -> None:
    """End what runs on the operations host, then the holders, and with them every node; forget the lab."""
    _ask_guests_to_leave(name, directory)
    ours: set[int] = set()
    deadline = time.monotonic() + 10.0
    while True:
        nodes = {holder.pid for holder in holders.mine(name, directory)}
        left = nodes | set(holders.guests(name, directory))
        if not left:
            break
        ours |= nodes
        for pid in left:
            holders.kill(pid, signal.SIGKILL, holders.start_time(pid))
        if time.monotonic() > deadline:
            raise LabFailed(f"processes of lab {name} cannot be ended: {sorted(left)}", "`ps` says what they wait for")
        time.sleep(_PAUSE)
    while ours := {pid for pid in ours if _is_unreaped_child(pid)}:
        if time.monotonic() > deadline:
            raise LabFailed(f"processes of lab {name} do not end: {sorted(ours)}", "`ps` says what they wait for")
        time.sleep(_PAUSE)
    record.forget(directory)


def _ask_guests_to_leave(name: str, directory: Path) -> None:
    """SIGTERM, once, to what `lab exec` started on the operations host; a drill gets a second to restore."""
    here = Path("/proc/self/ns/pid").readlink()
    asked: dict[int, int] = {}
    nodes = {holder.pid for holder in holders.mine(name, directory)}
    for pid in holders.guests(name, directory):
        with contextlib.suppress(OSError):
            start = holders.start_time(pid)
            if pid not in nodes and start is not None and Path(f"/proc/{pid}/ns/pid").readlink() == here:
                asked[pid] = start
    for pid, start in asked.items():
        holders.kill(pid, signal.SIGTERM, start)
    deadline = time.monotonic() + 1.0
    while any(holders.start_time(pid) == start for pid, start in asked.items()) and time.monotonic() < deadline:
        time.sleep(_PAUSE)


def _is_unreaped_child(pid: int) -> bool:
    """Collect a holder that this very process started; True while it has not ended."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False
