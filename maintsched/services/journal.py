"""The run's journal: a local append-only file, preallocated and fsynced; a dead run is restored from it alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maintsched.domain.drill import TimelineEntry
from maintsched.domain.interval import from_iso, iso
from maintsched.errors import Unavailable
from maintsched.state import redact

RESERVED = 1024 * 1024  # bytes laid aside before anything is touched: a disk that fills up later is no matter


class Journal:
    """Write-ahead: `write` returns once the line is on the disk. Lines that undo something may fail without harm."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._offset = 0
        self.entries: list[TimelineEntry] = []

    @classmethod
    def open(cls, path: Path, head: dict[str, Any]) -> Journal:
        """Make the file, lay its space aside, write `head` as its first line. Raises Unavailable."""
        descriptor = -1
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held as long as the runner lives
            os.posix_fallocate(descriptor, 0, RESERVED)
            journal = cls(path, descriptor)
            journal._line({"head": head})
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
                path.unlink(missing_ok=True)  # what it took of the disk is given back
            raise Unavailable(
                f"the journal {path} cannot be written: {error.strerror}", "free some disk space"
            ) from error
        return journal

    def write(self, step: str, state: str, detail: str = "", *, must: bool = True) -> TimelineEntry:
        """Append what happens now. With `must` False (restoring) a failing disk is no reason to stop."""
        entry = TimelineEntry(datetime.now(UTC), step, state, redact(detail))
        try:
            self._line(
                {"n": len(self.entries), "at": iso(entry.at), "step": step, "state": state, "detail": entry.detail}
            )
        except OSError as error:
            if must:
                raise Unavailable(f"the journal {self.path} cannot be written: {error.strerror}") from error
        self.entries.append(entry)
        return entry

    def _line(self, document: dict[str, Any]) -> None:
        data = json.dumps(document, sort_keys=True, ensure_ascii=False).encode() + b"\n"
        done = 0
        while done < len(data):  # a disk that fills up takes a part first, and says so only to the rest
            done += os.pwrite(self._descriptor, data[done:], self._offset + done)
        os.fdatasync(self._descriptor)
        self._offset += len(data)

    def close(self) -> None:
        """Give back the space that was not needed."""
        if self._descriptor >= 0:
            try:
                os.ftruncate(self._descriptor, self._offset)
            finally:
                os.close(self._descriptor)
                self._descriptor = -1


@dataclass(frozen=True, slots=True)
class Written:
    """A journal as it lies on the disk; the last line may have been cut off by a crash and is then left out."""

    path: Path
    head: dict[str, Any]
    entries: tuple[TimelineEntry, ...]

    def has(self, step: str, state: str) -> bool:
        return any(entry.step == step and entry.state == state for entry in self.entries)

    @property
    def ended(self) -> bool:
        return self.has("run", "ended")


def read_journal(path: Path) -> Written | None:
    """The journal at `path`, or None where not even its first line was written."""
    head: dict[str, Any] | None = None
    entries = []
    for line in path.read_bytes().rstrip(b"\0").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            break
        if head is None:
            head = document["head"]
        else:
            entries.append(
                TimelineEntry(from_iso(document["at"]), document["step"], document["state"], document["detail"])
            )
    return None if head is None else Written(path, head, tuple(entries))


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether the journal's run is dead and nobody else is recovering it: then it is ours while the block lasts."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def process_start(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks, None where it is gone: a pid may be another's by now."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a process may call itself anything
    except OSError:
        return None
    state, fields = stat.rpartition(")")[2].split()[0], stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[19]
