"""The process that reads what nobody vouches for: little memory, little time, no files, nothing but two pipes.

A request is two frames, a JSON object and the bytes to read; an answer is one frame for each notice and a last one with
`end`. A frame is its length (4 bytes, big-endian) and that many bytes. Only text goes back: nothing that could run.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from maintsched import readers
from maintsched.domain.interval import Interval, from_iso, iso
from maintsched.domain.notice import Impact
from maintsched.domain.noticetext import notice_text
from maintsched.errors import NoticeUnreadable
from maintsched.readers.freezes import read_freezes
from maintsched.readers.origin import Origin
from maintsched.readers.recurrence import BOUND

LENGTH = struct.Struct(">I")
MEMORY = 150 * 1024 * 1024  # bytes of data; with the program's own code the process stays under 200 MiB
MAX_REQUEST = 64 * 1024 * 1024
OPEN_FILES = 16  # zones are read from files
CPU_OF_ENTRY = 0.5  # seconds; of all recurring entries of a file together: this share of the request's time
SHARE_OF_RECURRING = 0.6


class TookTooLong(Exception):
    """The recurring entry at hand has used up its time."""


def origin_fields(origin: Origin) -> dict[str, Any]:
    """The origin as JSON has it."""
    fields = asdict(origin)
    fields["horizon"] = [iso(origin.horizon.start), iso(origin.horizon.end)]
    return fields


def origin_of(fields: dict[str, Any]) -> Origin:
    """The inverse of `origin_fields`."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    values["horizon"] = Interval(*map(from_iso, fields["horizon"]))
    values["impact"] = Impact(fields["impact"])
    values["impacts"] = tuple((pattern, Impact(impact)) for pattern, impact in fields["impacts"])
    return Origin(**values)


def main() -> None:
    """Answer requests until the pipe closes, which it does when the parent ends, however it ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # whatever a library prints must not end up between the frames
        os.dup2(nothing, descriptor)
    os.close(nothing)
    ZoneInfo("Europe/London")
    _confine()
    _send(answers, {"end": "ready"})
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            request = json.loads(_frame(requests))
            if not _answer(request, _frame(requests), answers):
                break
    os._exit(0)  # nothing is left to flush, and a heap at its limit may have no room for an orderly end


def _confine() -> None:
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_DATA, MEMORY),
    ):
        resource.setrlimit(limit, (value, value))
    with contextlib.suppress(OSError):  # beside the data: what is mapped otherwise
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, also inside of C code


def _answer(request: dict[str, Any], data: bytes, answers: BinaryIO) -> bool:
    """Write what one request asks for; whether the process is still good for another."""
    try:
        _read(request, data, answers)
    except NoticeUnreadable as error:
        _send(answers, {"end": "unreadable", "message": error.message, "hint": error.hint})
    except MemoryError:
        _send(answers, {"end": "memory"})
        return False
    except (OSError, EOFError):
        raise
    except Exception as error:  # noqa: BLE001 (what trips a reader must not end the process without a word)
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        _send(answers, {"end": "bug", "message": said.encode("ascii", "replace").decode()})
    return True


def _read(request: dict[str, Any], data: bytes, answers: BinaryIO) -> None:
    seconds = float(request["seconds"])
    budget = _Budget(seconds * SHARE_OF_RECURRING)
    token = BOUND.set(budget.entry)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        if request["read"] == "freezes":
            found = read_freezes(data, Interval(*map(from_iso, request["horizon"])))
            signal.setitimer(signal.ITIMER_PROF, 0)
            until = iso(found.known_until) if found.known_until else None
            listed = [[iso(when.start), iso(when.end), title] for when, title in found.freezes]
            _send(answers, {"end": "freezes", "freezes": listed, "known_until": until})
            return
        notices = readers.read(data, origin_of(request["origin"]))
        # How many there are and how long is bounded: writing them is not what could run away.
        signal.setitimer(signal.ITIMER_PROF, 0)
        for notice in notices:
            _put(answers, notice_text(notice).encode("utf-8", "replace"))
        _send(answers, {"end": "notices", "count": len(notices)})
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        BOUND.reset(token)


class _Budget:
    """CPU time for the recurring entries of one request. One that takes too long is given up, not its file."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.armed = False
        signal.signal(signal.SIGVTALRM, self._ring)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        if self.armed:
            raise TookTooLong

    @contextlib.contextmanager
    def entry(self) -> Iterator[None]:
        if self.left <= 0:
            raise ValueError("not expanded: what recurs before it in its file took all the time; split the file")
        began = time.process_time()
        self.armed = True
        # It rings again and again, in case a library takes the first one for an error of its own.
        signal.setitimer(signal.ITIMER_VIRTUAL, min(CPU_OF_ENTRY, self.left), 0.02)
        try:
            yield
        except TookTooLong:
            raise ValueError(f"its recurrence takes more than {CPU_OF_ENTRY} s to expand") from None
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self.left -= time.process_time() - began


def _frame(stream: BinaryIO) -> bytes:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    if length > MAX_REQUEST:
        raise EOFError
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _put(stream: BinaryIO, data: bytes) -> None:
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)


def _send(stream: BinaryIO, answer: dict[str, Any]) -> None:
    _put(stream, json.dumps(answer).encode())
    stream.flush()


if __name__ == "__main__":
    sys.exit("this is started by maintsched itself, with pipes")
