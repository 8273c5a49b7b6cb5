"""Calendars to subscribe to (RFC 5545, RFC 7986): the same entries always give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, ObjectImpact, Status

MEDIA_TYPE = "text/calendar; charset=utf-8"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LINE = 75
_BEGINNING = ("VERSION:2.0", "PRODID:-//maintsched//maintsched//EN", "CALSCALE:GREGORIAN")  # VERSION first: some insist


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One slot of a feed. `uid` never changes, `sequence` grows with every visible change, `changed` is when that was.

    With `maintenance_id` (and `provider`, `account`) it is a MAINTNOTE as well, which another maintsched can import.
    """

    uid: str
    sequence: int
    changed: datetime
    interval: Interval
    title: str
    description: str = ""
    status: Status = Status.CONFIRMED
    categories: tuple[str, ...] = ()
    provider: str = ""
    account: str = ""
    maintenance_id: str = ""
    objects: tuple[ObjectImpact, ...] = ()
    impact: Impact | None = None
    organizer: str = ""


def feed(
    entries: Sequence[FeedEntry],
    name: str,
    description: str = "",
    color: str = "",
    refresh: timedelta = timedelta(minutes=15),
) -> bytes:
    """One VCALENDAR in UTC, cancelled entries included, in order of time. Raises ValueError when a UID comes twice."""
    uids = [entry.uid for entry in entries]
    if len(set(uids)) != len(uids):
        raise ValueError(f"a UID comes twice in a feed: {next(uid for uid in uids if uids.count(uid) > 1)}")
    lines = [*_header(name, description, color, refresh)]
    for entry in sorted(entries, key=lambda entry: (entry.interval, entry.uid)):
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def message(entry: FeedEntry) -> bytes:
    """One VCALENDAR with one entry, to be mailed. No METHOD (NANOG BCOP, section 3.1): it is no invitation."""
    lines = ["BEGIN:VCALENDAR", *_BEGINNING, *_event(entry), "END:VCALENDAR"]
    return b"".join(_folded(line) for line in lines)


def _header(name: str, description: str, color: str, refresh: timedelta) -> Iterator[str]:
    # No METHOD: with one, mail clients take the entries for invitations.
    yield "BEGIN:VCALENDAR"
    yield from _BEGINNING
    yield f"NAME:{_text(name)}"
    yield f"X-WR-CALNAME:{_text(name)}"
    if description:
        yield f"DESCRIPTION:{_text(description)}"
        yield f"X-WR-CALDESC:{_text(description)}"
    if color:
        yield f"COLOR:{_text(color)}"
    length = _duration(refresh)
    yield f"REFRESH-INTERVAL;VALUE=DURATION:{length}"
    yield f"X-PUBLISHED-TTL:{length}"


def _event(entry: FeedEntry) -> Iterator[str]:
    # DTSTAMP is the last revision where there is no METHOD (RFC 5545 section 3.8.7.2), so it must not be "now".
    changed = _time(entry.changed)
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(entry.uid)}"
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTART:{_time(entry.interval.start)}"
    yield f"DTEND:{_time(entry.interval.end)}"
    yield f"SUMMARY:{_text(entry.title)}"
    if entry.description:
        yield f"DESCRIPTION:{_text(entry.description)}"
    yield f"STATUS:{_plain_status(entry.status)}"
    yield "TRANSP:TRANSPARENT"
    if entry.categories:
        yield f"CATEGORIES:{','.join(_text(category) for category in entry.categories)}"
    if entry.organizer:
        yield f"ORGANIZER:mailto:{_CONTROL.sub('', entry.organizer).strip()}"
    if entry.maintenance_id:
        yield from _maintnote(entry)
    yield "END:VEVENT"


def _maintnote(entry: FeedEntry) -> Iterator[str]:
    yield f"X-MAINTNOTE-PROVIDER:{_text(entry.provider)}"
    yield f"X-MAINTNOTE-ACCOUNT:{_text(entry.account)}"
    yield f"X-MAINTNOTE-MAINTENANCE-ID:{_text(entry.maintenance_id)}"
    yield f"X-MAINTNOTE-IMPACT:{entry.impact or Impact.OUTAGE}"
    for item in entry.objects:
        own = f";X-MAINTNOTE-OBJECT-IMPACT={item.impact}" if item.impact else ""
        yield f"X-MAINTNOTE-OBJECT-ID{own}:{_text(item.object_id)}"
    yield f"X-MAINTNOTE-STATUS:{entry.status}"


def _plain_status(status: Status) -> str:
    """iCalendar knows three; work under way or done is confirmed."""
    return status.value if status in (Status.TENTATIVE, Status.CANCELLED) else "CONFIRMED"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _duration(length: timedelta) -> str:
    """Whole minutes, at least one: finer ones are not understood everywhere."""
    return f"PT{max(1, int(length.total_seconds() // 60))}M"


def _text(value: str) -> str:
    """TEXT of RFC 5545 section 3.3.11: escaped, without control characters."""
    value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    value = value.encode("utf-8", "replace").decode("utf-8")
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return value.strip()


def _folded(line: str) -> bytes:
    """The line in pieces of at most 75 octets, cut between characters, each followed by CRLF."""
    pieces: list[bytes] = []
    current = b""
    for character in line:
        octets = character.encode()
        if len(current) + len(octets) > _LINE:
            pieces.append(current)
            current = b" "
        current += octets
    return b"\r\n".join([*pieces, current]) + b"\r\n"
