"""What a lab remembers: one JSON file in its directory, replaced atomically, written before anything depends on it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from maintsched.errors import LabFailed, NotFound, Refused
from maintsched.lab.layout import Access, Edge, Layout

_FILE, _LOCK = "lab.json", "lab.lock"


@dataclass(frozen=True, slots=True)
class Held:
    """A process that holds a node's namespaces; `start` is its start time in clock ticks since boot (proc(5))."""

    node: str
    pid: int
    start: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in force. `undo` holds what was there before; `circuit` is None where the fault has no target."""

    fault: str
    circuit: str | None
    undo: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """The lab as its file has it. `stage` is building or up; `outer` are the processes that keep namespaces alive."""

    name: str
    directory: str
    stage: str
    layout: Layout
    outer: tuple[Held, ...] = ()
    held: tuple[Held, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def mark(self) -> str:
        """What the lab's processes carry: no other lab has the same."""
        return f"{self.name}:{self.directory}"

    def node(self, name: str) -> Held:
        """The process to enter a node by; LabFailed when the lab was never built that far."""
        for each in self.held:
            if each.node == name:
                return each
        raise LabFailed(f"node {name} of lab {self.name} is not running", "`maintsched lab down`, then `lab up`")

    def with_fault(self, fault: Fault) -> Record:
        return replace(self, faults=(*self.faults, fault))

    def without(self, fault: Fault) -> Record:
        return replace(self, faults=tuple(each for each in self.faults if each != fault))


def write(directory: Path, record: Record) -> None:
    """Put the record in place of the old one."""
    draft = directory / f".{_FILE}.new"
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    draft.replace(directory / _FILE)


def find(directory: Path) -> Record | None:
    """The lab of this directory; None when there is none. LabFailed when the file cannot be read."""
    path = directory / _FILE
    try:
        return _record(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise LabFailed(f"{path} cannot be read: {wrong}", "`maintsched lab down`, then `lab up`") from wrong


def read(directory: Path) -> Record:
    """The lab of this directory; NotFound when there is none."""
    record = find(directory)
    if record is None:
        raise NotFound(f"there is no lab in {directory}", "`maintsched lab up` builds one")
    return record


def forget(directory: Path) -> None:
    """Drop the file."""
    for name in (_FILE, f".{_FILE}.new"):
        (directory / name).unlink(missing_ok=True)


@contextmanager
def changing(directory: Path) -> Iterator[None]:
    """Hold the lab for one command that changes it; Refused while another does."""
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as busy:
            raise Refused(f"another command is changing the lab in {directory}", "wait for it to end") from busy
        yield


def _record(found: dict[str, Any]) -> Record:
    shape = found["layout"]
    layout = Layout(
        **{
            **shape,
            "edges": tuple(Edge(**each) for each in shape["edges"]),
            "accesses": tuple(Access(**each) for each in shape["accesses"]),
            "announced": tuple(shape["announced"]),
            "services": tuple(shape["services"]),
        }
    )
    return Record(
        name=found["name"],
        directory=found["directory"],
        stage=found["stage"],
        layout=layout,
        outer=tuple(Held(**each) for each in found["outer"]),
        held=tuple(Held(**each) for each in found["held"]),
        faults=tuple(Fault(**each) for each in found["faults"]),
    )
