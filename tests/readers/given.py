"""Calendars, mails and origins to read from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from maintsched.domain.interval import Interval, from_iso, iso
from maintsched.domain.notice import Notice
from maintsched.readers import Origin, read

HORIZON = Interval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC))
STANDARD = {
    "SUMMARY": "Work on a line card",
    "UID": "42",
    "SEQUENCE": "1",
    "DTSTAMP": "20261120T100000Z",
    "DTSTART": "20261209T010000Z",
    "DTEND": "20261209T050000Z",
    "ORGANIZER": "mailto:noc@carrier.example",
    "X-MAINTNOTE-PROVIDER": "carrier.example",
    "X-MAINTNOTE-ACCOUNT": "A-1",
    "X-MAINTNOTE-MAINTENANCE-ID": "WO-7",
    "X-MAINTNOTE-OBJECT-ID": "IC-1",
    "X-MAINTNOTE-IMPACT": "OUTAGE",
    "X-MAINTNOTE-STATUS": "CONFIRMED",
}


def origin(**changes: object) -> Origin:
    values: dict[str, object] = {"source": "box", "horizon": HORIZON, **changes}
    return Origin(**values)  # type: ignore[arg-type]


def calendar(*events: str, header: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{header}{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def maintnote(changes: Mapping[str, str | None] | None = None, extra: str = "") -> str:
    """The lines of a sound MAINTNOTE, with some replaced, or left out where None."""
    lines = {**STANDARD, **(changes or {})}
    return "\n".join(f"{name}:{value}" for name, value in lines.items() if value is not None) + "\n" + extra


def one(data: bytes, **changes: object) -> Notice:
    (notice,) = read(data, origin(**changes))
    return notice


def span(text: str) -> Interval | None:
    """`2026-12-09T01:00Z/2026-12-09T05:00Z` as an Interval; empty is None."""
    return Interval(*(from_iso(part.replace("Z", "+00:00")) for part in text.split("/"))) if text else None


def shown(interval: Interval | None) -> str:
    return f"{iso(interval.start)[:16]}Z/{iso(interval.end)[:16]}Z" if interval else ""


def plain_event(start: str, end: str, more: str = "") -> str:
    return f"UID:u1\nDTSTAMP:20261101T000000Z\nSUMMARY:Upgrade\nDTSTART{start}\nDTEND{end}\n{more}"
