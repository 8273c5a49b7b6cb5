"""Reading what nobody vouches for, in a process of its own that may use little memory and little time."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import maintsched
from maintsched.domain.interval import Interval, from_iso, iso
from maintsched.domain.notice import Notice
from maintsched.domain.noticetext import notice_from_text
from maintsched.errors import NoticeUnreadable, Unavailable
from maintsched.readers import Origin
from maintsched.readers.freezes import FreezeList
from maintsched.readers.worker import LENGTH, MAX_REQUEST, MEMORY, origin_fields

CPU_SECONDS = 2.0  # of computing, for one request
WALL_SECONDS = 10.0  # for one request, on a machine that is busy with other things
START_SECONDS = 30.0
MAX_ANSWER = 128 * 1024 * 1024
_START = "import sys; sys.path[:] = sys.argv[1:]; from maintsched.readers.worker import main; main()"
_SPLIT = "split the file, or take out what recurs endlessly; then import it again"


class _Ended(Exception):
    """The process did not answer: it ended, or was ended for being too late or saying too much."""

    def __init__(self, why: str, hint: str = _SPLIT) -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


class Confined:
    """A context manager with one reading process: started at the first request, used for all, ended with it.

    `cpu` and `wall` are seconds for one request. A request that uses up a limit ends the process; the next one starts a
    new one. Not for several threads at once.
    """

    def __init__(self, cpu: float = CPU_SECONDS, wall: float = WALL_SECONDS) -> None:
        self._cpu, self._wall = cpu, wall
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Confined:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the reading process, None where there is none at the moment."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def read(self, data: bytes, origin: Origin) -> tuple[Notice, ...]:
        """As `readers.read`. Raises NoticeUnreadable, also for what takes too much memory or time.

        Raises Unavailable where the process cannot be started: then nothing is wrong with the data.
        """
        frames = list(self._asked({"read": "notices", "origin": origin_fields(origin)}, data, origin.source))
        try:
            found = tuple(notice_from_text(frame.decode()) for frame in frames[:-1])
            complete = json.loads(frames[-1])["count"] == len(found)
        except (ValueError, KeyError, TypeError) as error:
            self.close()
            raise NoticeUnreadable(f"{origin.source}: the reading process answered nonsense: {error!r}"[:200]) from None
        if not complete:
            self.close()
            raise NoticeUnreadable(f"{origin.source}: the reading process left notices out")
        return found

    def read_freezes(self, data: bytes, horizon: Interval) -> FreezeList:
        """As `readers.freezes.read_freezes`. Raises NoticeUnreadable and Unavailable as `read` does."""
        asked = {"read": "freezes", "horizon": [iso(horizon.start), iso(horizon.end)]}
        *_, last = self._asked(asked, data, "the freeze calendar")
        try:
            answer = json.loads(last)
            freezes = [
                (Interval(from_iso(start), from_iso(end)), str(title)) for start, end, title in answer["freezes"]
            ]
            until = from_iso(answer["known_until"]) if answer["known_until"] else None
        except (ValueError, KeyError, TypeError) as error:
            self.close()
            raise NoticeUnreadable(f"the reading process answered nonsense: {error!r}"[:200]) from None
        return FreezeList(tuple(freezes), until)

    def close(self) -> None:
        """End the reading process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _asked(self, request: dict[str, Any], data: bytes, name: str) -> Iterator[bytes]:
        """The frames of the answer, the last of them with `end`, which is checked."""
        if len(data) > MAX_REQUEST:
            raise NoticeUnreadable(f"{name}: {len(data)} bytes, more than {MAX_REQUEST} are not read", "split it")
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start()
        asked = json.dumps({**request, "seconds": self._cpu}).encode()
        complete = False
        try:
            for frame in _exchanged(process, _framed(asked) + _framed(data), self._wall):
                if complete := frame.startswith(b'{"end"'):
                    self._check(json.loads(frame), name)
                yield frame
        except _Ended as ended:
            raise NoticeUnreadable(f"{name}: {self._why(process, ended.why)}", ended.hint) from None
        finally:
            if not complete:  # also where the user broke it off: the rest of this answer is none to the next request
                self.close()

    def _check(self, answer: dict[str, Any], name: str) -> None:
        kind = answer["end"]
        if kind == "memory":
            self._refuse(f"{name}: reading it takes more than {MEMORY // 2**20} MiB of memory, and was given up")
        if kind == "bug":
            self._refuse(f"{name}: it could not be read, by a bug: {answer['message']}", "report it, with the file")
        if kind == "unreadable":
            raise NoticeUnreadable(answer["message"], answer["hint"])

    def _refuse(self, message: str, hint: str = _SPLIT) -> NoReturn:
        self.close()
        raise NoticeUnreadable(message, hint)

    def _why(self, process: subprocess.Popen[bytes], why: str) -> str:
        if why:
            return why
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self._wall)
        if process.returncode == -signal.SIGPROF:
            return f"reading it takes more than {self._cpu:g} s of computing, and was stopped"
        return f"the process that read it ended without an answer (code {process.returncode})"

    def _start(self) -> subprocess.Popen[bytes]:
        self.close()
        # The same modules as here, wherever they lie; nothing else of the environment, and no terminal.
        paths = [path for path in sys.path if path and (Path(path).is_absolute() or path.startswith("__editable__"))]
        root = str(Path(maintsched.__file__).parents[1])
        try:
            self._process = process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _START, *paths, *([] if root in paths else [root])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"the process that reads calendars does not start: {error}") from error
        try:
            for _ in _exchanged(process, b"", START_SECONDS):
                pass
        except _Ended as ended:
            why = ended.why or f"it ended (code {process.wait()})"
            self.close()
            raise Unavailable(
                f"the process that reads calendars does not start: {why}", "is the installation complete?"
            ) from None
        return process


def _framed(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def _exchanged(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> Iterator[bytes]:
    """Write a request, yield the frames of its answer up to the one with `end`. Raises _Ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(into, False)
    os.set_blocking(out, False)
    deadline = time.monotonic() + seconds
    rest, received, total = memoryview(request), bytearray(), 0
    with selectors.DefaultSelector() as ready:
        ready.register(out, selectors.EVENT_READ)
        if rest:
            ready.register(into, selectors.EVENT_WRITE)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                late = f"reading it took longer than {seconds:g} s, and was stopped"
                raise _Ended(late, "import it again when the machine is less busy, or split the file")
            for key, _ in ready.select(left):
                if key.fd == into:
                    rest = _written(into, rest)
                    if not rest:
                        ready.unregister(into)
                    continue
                try:
                    piece = os.read(out, 1 << 16)
                except BlockingIOError:
                    continue
                if not piece:
                    raise _Ended("")
                total += len(piece)
                if total > MAX_ANSWER:
                    raise _Ended(f"what was read of it has more than {MAX_ANSWER // 2**20} MiB")
                received += piece
            for frame in _whole(received):
                yield frame
                if frame.startswith(b'{"end"'):
                    return


def _written(into: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(into, rest[: 1 << 16]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        raise _Ended("") from None


def _whole(received: bytearray) -> Iterator[bytes]:
    """Take every complete frame off the front."""
    position = 0
    while len(received) - position >= LENGTH.size:
        (length,) = LENGTH.unpack_from(received, position)
        start = position + LENGTH.size
        if len(received) - start < length:
            break
        yield bytes(received[start : start + length])
        position = start + length
    del received[:position]
