"""Calendars in `make bench`: 10,000 MAINTNOTE events, and entries that are made to recur without end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maintsched.domain.actor import Actor
from maintsched.errors import NoticeUnreadable
from maintsched.readers import Origin
from maintsched.services import batches
from maintsched.services.confining import Confined
from maintsched.services.intake import import_sources
from maintsched.services.project import apply_inventory, create, opened
from tests.readers.bombs import bombs
from tests.readers.given import HORIZON

EVENTS = 10_000
ALIASES = 500
_BARE = """
import sys, time
from icalendar import Calendar
data = open(sys.argv[1], "rb").read()
began = time.perf_counter()
Calendar.from_ical(data)
print(time.perf_counter() - began)
"""


def event(number: int, *, sequence: int = 0, later: int = 0) -> str:
    """The lines of one MAINTNOTE; `later` minutes after where it would be."""
    start = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=47 * number + later)
    lines = {
        "SUMMARY": f"Maintenance of line card {number} in the metro network\\, planned",
        "DTSTART": f"{start:%Y%m%dT%H%M%SZ}",
        "DTEND": f"{start + timedelta(hours=4):%Y%m%dT%H%M%SZ}",
        "DTSTAMP": "20261101T100000Z",
        "UID": f"wo-{number}@carrier.example",
        "SEQUENCE": str(sequence),
        'ORGANIZER;CN="NOC"': "mailto:noc@carrier.example",
        "X-MAINTNOTE-PROVIDER": "carrier.example",
        "X-MAINTNOTE-ACCOUNT": "A-1",
        "X-MAINTNOTE-MAINTENANCE-ID": f"WO-{number}",
        "X-MAINTNOTE-OBJECT-ID": f"IC-{number % ALIASES}",
        "X-MAINTNOTE-IMPACT": "OUTAGE",
        "X-MAINTNOTE-STATUS": "CONFIRMED",
    }
    return "BEGIN:VEVENT\r\n" + "".join(f"{name}:{value}\r\n" for name, value in lines.items()) + "END:VEVENT\r\n"


def calendar(one: Callable[[int], str]) -> bytes:
    body = "".join(one(number) for number in range(EVENTS))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n{body}END:VCALENDAR\r\n".encode()


def imports() -> None:
    """First, unchanged, 1 % changed; beside icalendar's bare parse of the same file, and what the lock was held for."""
    held: list[float] = []

    class Watched(batches.Batches):
        def _write(self, batch: object) -> float:
            held.append(super()._write(batch))  # type: ignore[arg-type]  # it is handed on as it is
            return held[-1]

    actor = Actor("bench", "bench")
    with tempfile.TemporaryDirectory(prefix="maintsched-bench-") as folder:
        _, path = create(Path(folder) / "project", "pair", actor)
        aliases = ", ".join(f"IC-{number}" for number in range(ALIASES))
        path.write_text(path.read_text().replace("aliases: [20931177-A", f"aliases: [{aliases}, 20931177-A"))
        feed = path.parent / "calendars" / "provider-maintnote.ics"

        def run(data: bytes) -> float:
            feed.write_bytes(data)
            os.utime(feed, (time.time() - 60,) * 2)  # one that was just written is watched for a moment
            with opened(path, actor, lambda _: None) as project:
                began = time.perf_counter()
                results, _ = import_sources(project, only="carrier", batches=Watched)
                assert results[0].state == "ok", results[0].error
                return time.perf_counter() - began

        with opened(path, actor, lambda _: None) as project:
            apply_inventory(project, "bench")
        data = calendar(event)
        feed.write_bytes(data)
        bare = float(subprocess.run([sys.executable, "-c", _BARE, str(feed)], check=True, capture_output=True).stdout)
        first, memory = run(data), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        again = run(data)
        changed = run(calendar(lambda n: event(n, sequence=1, later=30) if n % 100 == 0 else event(n)))
    print(f"{EVENTS} MAINTNOTE events: {first / bare:.2f}x of icalendar's bare parse ({first:.2f} s, {memory:.0f} MiB)")
    print(f"  unchanged again: 1/{first / again:.0f} of that ({again * 1000:.0f} ms)")
    print(f"  1 % changed: 1/{first / changed:.0f} of that ({changed * 1000:.0f} ms)")
    print(f"  the write lock: held for {max(held) * 1000:.0f} ms at the longest")


def recurrences() -> None:
    """Every entry that is made to recur without end, read in the child with its limits."""
    with Confined() as confined:
        for name, data in bombs().items():
            began = time.perf_counter()
            try:
                found = f"{len(confined.read(data, Origin('bench', HORIZON)))} notices"
            except NoticeUnreadable as error:
                found = f"refused: {error.message[:60]}"
            print(f"  {name}: {time.perf_counter() - began:.2f} s, {found}")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  the largest child so far took {children:.0f} MiB")
