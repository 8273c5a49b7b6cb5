"""Ctrl-C and SIGTERM while a drill runs: noted, never thrown, so that nothing cuts restoring short."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SLICE_SECONDS = 0.05


class Aborted(Exception):
    """Somebody asked for the drill to end now."""


class Interruption:
    """Set once, by a signal or by whoever watches. `check` and `wait` raise Aborted unless `shielded`.

    A signal handler may run in the middle of any statement, so nothing here takes a lock.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.shielded = False

    def set(self, reason: str) -> None:
        self.reason = self.reason or reason

    def check(self) -> None:
        if self.reason and not self.shielded:
            raise Aborted(self.reason)

    def wait(self, seconds: float) -> None:
        """Sleep, but wake when somebody aborts."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            rest = deadline - time.monotonic()
            if rest <= 0:
                return
            time.sleep(min(rest, _SLICE_SECONDS))


@contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[Interruption]:
    """Route SIGINT, SIGTERM and SIGHUP into an Interruption; the handlers of before come back afterwards."""
    interruption = Interruption()

    def note(number: int, _: FrameType | None) -> None:
        first = not interruption.reason
        interruption.set(f"{signal.Signals(number).name} received")
        # Told where it can be: after a hang-up the terminal is gone, and a print in the middle of a print is refused.
        with suppress(OSError, ValueError, RuntimeError):
            say("restoring; please wait" if first else "already restoring; please wait")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
