"""Plain calendars: entries without MAINTNOTE, kept by a person or exported by any program (RFC 5545)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from maintsched.domain.notice import Notice, Status
from maintsched.readers.contentlines import Calendar, Component
from maintsched.readers.origin import Origin
from maintsched.readers.recurrence import expand, recurs
from maintsched.readers.times import Times, sequence_of, stamp_of, times_of, too_long, wall_time

_SAYS_CANCELLED = re.compile(r"\s*\[?(cancell?ed|abgesagt|annul[eé]e?)\b", re.IGNORECASE)
_STATUS = {
    "TENTATIVE": Status.TENTATIVE,
    "CONFIRMED": Status.CONFIRMED,
    "CANCELLED": Status.CANCELLED,
    "CANCELED": Status.CANCELLED,
}


def read_plain(events: Sequence[Component], calendar: Calendar, origin: Origin) -> tuple[Notice, ...]:
    """The notices of all VEVENTs with one UID: one each, or one for each occurrence inside the horizon."""
    if not any(recurs(event) for event in events):
        return tuple(_single(event, calendar, origin) for event in events)
    said: dict[int, Notice] = {}  # of each event once: it may have thousands of properties, and of occurrences
    try:
        occurrences = expand(events, calendar, origin).occurrences
    except (ValueError, OverflowError, IndexError) as error:
        unusable = Times(None, (str(error) or "its times are unusable",))
        return (_at(_said(events[0], calendar, origin), "", unusable, False),)
    for found in occurrences:
        if id(found.event) not in said:
            said[id(found.event)] = _said(found.event, calendar, origin)
    return tuple(_at(said[id(found.event)], found.id, found.times, found.all_day) for found in occurrences)


def _single(event: Component, calendar: Calendar, origin: Origin) -> Notice:
    times = times_of(event, calendar, origin)
    try:
        first = event.first("DTSTART")
        all_day = first is not None and wall_time(first, calendar, origin).all_day
    except (ValueError, OverflowError):
        all_day = False
    return _at(_said(event, calendar, origin), "", times, all_day)


def _said(event: Component, calendar: Calendar, origin: Origin) -> Notice:
    """All that an event says but its time."""
    uid, missing = _uid(event)
    stamp, bad_stamp = stamp_of(event)
    sequence, bad_sequence = sequence_of(event)
    status, bad_status = _status(event, calendar)
    return Notice(
        provider=origin.provider or origin.source,
        account="",
        maintenance_id=f"{origin.source}:{uid}",
        uid=uid,
        title=event.text("SUMMARY") or uid,
        stamp=stamp,
        interval=None,
        status=status,
        impact=origin.impact_of(event.text("SUMMARY")),
        sequence=sequence,
        problems=(*event.damage, *missing, *bad_stamp, *bad_sequence, *bad_status),
    )


def _at(said: Notice, occurrence: str, times: Times, all_day: bool) -> Notice:
    """The event at its time, or one occurrence of it."""
    of = f"@{occurrence}" if occurrence else ""
    return replace(
        said,
        maintenance_id=said.maintenance_id + of,
        uid=said.uid + of,
        interval=times.interval,
        problems=(*said.problems, *times.problems, *too_long(times.interval, all_day)),
    )


def _uid(event: Component) -> tuple[str, tuple[str, ...]]:
    if uid := event.text("UID"):
        return uid, ()
    digest = hashlib.sha256("\n".join(event.source).encode("utf-8", "replace")).hexdigest()[:16]
    return f"no-uid-{digest}", ("UID is missing: a later version of this entry could not be told from a new one",)


def _status(event: Component, calendar: Calendar) -> tuple[Status | None, tuple[str, ...]]:
    text = event.text("STATUS").upper()
    title = event.text("SUMMARY")
    status = _STATUS.get(text)
    if text and status is None:
        return None, (f"STATUS {text[:40]!r} is not known",)
    if status is None and calendar.header.text("METHOD").upper() == "CANCEL":
        return Status.CANCELLED, ()
    if status is not Status.CANCELLED and _SAYS_CANCELLED.match(title):
        return status, (f"the title says cancelled, STATUS says {text or 'nothing'}",)
    return status, ()
