"""Freeze calendars: when nothing may be booked. What cannot be read in one is an error, never a free slot."""

from __future__ import annotations

from maintsched.domain.interval import Interval
from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import Calendar, Component, read_calendars
from maintsched.readers.origin import Origin
from maintsched.readers.recurrence import expand, recurs
from maintsched.readers.times import Times, times_of


def read_freezes(data: bytes, horizon: Interval) -> tuple[tuple[Interval, str], ...]:
    """Every freeze that touches the horizon, with its title, in order of time. Raises NoticeUnreadable."""
    origin = Origin(source="freezes", horizon=horizon)
    found: list[tuple[Interval, str]] = []
    for calendar in read_calendars(data):
        for events in _by_uid(calendar):
            found += _of_one(events, calendar, origin)
    return tuple(sorted(found))


def _by_uid(calendar: Calendar) -> tuple[list[Component], ...]:
    groups: dict[str, list[Component]] = {}
    for event in calendar.events:
        groups.setdefault(event.text("UID") or f"\n{event.line}", []).append(event)
    return tuple(groups.values())


def _of_one(events: list[Component], calendar: Calendar, origin: Origin) -> list[tuple[Interval, str]]:
    if any(recurs(event) for event in events):
        try:
            happenings = [(one.event, one.times) for one in expand(events, calendar, origin)]
        except (ValueError, OverflowError, IndexError) as error:
            raise _unreadable(events[0], str(error)) from None
    else:
        happenings = [(event, times_of(event, calendar, origin)) for event in events]
    return [
        (_sound(event, times), event.text("SUMMARY") or "freeze")
        for event, times in happenings
        if event.text("STATUS").upper() not in ("CANCELLED", "CANCELED")
        and (times.interval is None or times.interval.overlaps(origin.horizon))
    ]


def _sound(event: Component, times: Times) -> Interval:
    problems = (*event.damage, *times.problems)
    if times.interval is None or problems:
        raise _unreadable(event, "; ".join(problems))
    return times.interval


def _unreadable(event: Component, why: str) -> NoticeUnreadable:
    name = event.text("SUMMARY") or event.text("UID") or "without title"
    return NoticeUnreadable(
        f"freeze {name[:60]!r} (line {event.line}): {why}", "correct the calendar; no slot is free until it can be read"
    )
