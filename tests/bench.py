"""`make bench`: ratios measured in one run on this machine. It judges nothing; it prints what was seen."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.services import booking
from maintsched.services.intake import import_sources
from maintsched.services.project import create, opened
from tests.bench_calendars import imports, recurrences
from tests.bench_windows import window_lines

ROUNDS = 20


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of `work`, after one round that does not count."""
    work()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def starts() -> None:
    """What the command line costs before it does anything."""

    def process(*words: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)

    bare = seconds(process("-c", "import click"), 7)
    told = seconds(process("-m", "maintsched", "--version"), 7)
    print(f"maintsched --version: {told / bare:.2f}x of `python -c 'import click'` ({told * 1000:.0f} ms)")


def bookings() -> None:
    """Booking, from the lock to the commit, beside a bare transaction with its audit row on the same database."""
    actor = Actor("bench", "bench")
    with tempfile.TemporaryDirectory(prefix="maintsched-bench-") as folder:
        _, path = create(Path(folder) / "project", "pair", actor)
        with opened(path, actor, lambda _: None) as project:
            import_sources(project)
            day = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
            starts = iter(day + timedelta(hours=3 * n) for n in range(10 * ROUNDS))

            def bare() -> None:
                with project.store.write(actor) as tx:
                    tx.audit("bench", "bench", {})

            def request() -> booking.Request:
                start = next(starts)
                return booking.Request(
                    ("uk-ld7",), Interval(start, start + timedelta(hours=1)), Impact.OUTAGE, "bench", rollback="bench"
                )

            base = seconds(bare)
            booked = seconds(lambda: booking.book(project, request()))
            judged = seconds(lambda: booking.check(project, request()))
            print(f"a booking: {booked / base:.1f}x of a bare audited commit ({booked * 1000:.1f} ms)")
            print(f"a check: {judged / base:.1f}x of a bare audited commit ({judged * 1000:.1f} ms)")


def main() -> int:
    starts()
    bookings()
    for line in window_lines():
        print(line, flush=True)
    imports()
    print("entries made to recur without end:")
    recurrences()
    return 0


if __name__ == "__main__":
    sys.exit(main())
