"""Freeze calendars: when nothing may be booked. What cannot be read in one is an error, never a free slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from maintsched.domain.interval import Interval
from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import Calendar, Component, read_calendars
from maintsched.readers.origin import Origin
from maintsched.readers.recurrence import expand, recurs
from maintsched.readers.times import Times, times_of


@dataclass(frozen=True, slots=True)
class FreezeList:
    """The freezes of a calendar that touch the horizon, with their titles, in order of time.

    Nothing is known of the time after `known_until`: the end of the last entry, which may lie behind the horizon; the
    horizon's start where the calendar is empty. None where an entry recurs beyond the horizon: known until its end.
    """

    freezes: tuple[tuple[Interval, str], ...]
    known_until: datetime | None


@dataclass
class _Found:
    freezes: list[tuple[Interval, str]] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    goes_on: bool = False


def read_freezes(data: bytes, horizon: Interval) -> FreezeList:
    """Every freeze of a calendar file. Raises NoticeUnreadable for one that cannot be read for certain."""
    origin = Origin(source="freezes", horizon=horizon)
    found = _Found()
    for calendar in read_calendars(data):
        for events in _by_uid(calendar):
            _take(events, calendar, origin, found)
    until = None if found.goes_on else max(found.ends, default=horizon.start)
    return FreezeList(tuple(sorted(found.freezes)), until)


def _by_uid(calendar: Calendar) -> tuple[list[Component], ...]:
    groups: dict[str, list[Component]] = {}
    for event in calendar.events:
        groups.setdefault(event.text("UID") or f"\n{event.line}", []).append(event)
    return tuple(groups.values())


def _take(events: list[Component], calendar: Calendar, origin: Origin, found: _Found) -> None:
    happenings: list[tuple[Component, Times]]
    if any(recurs(event) for event in events):
        try:
            expansion = expand(events, calendar, origin)
        except (ValueError, OverflowError, IndexError) as error:
            raise _unreadable(events[0], str(error)) from None
        happenings = [(one.event, one.times) for one in expansion.occurrences]
        found.goes_on |= expansion.goes_on and not all(_is_cancelled(event) for event in events)
    else:
        happenings = [(event, times_of(event, calendar, origin)) for event in events]
    for event, times in happenings:
        if _is_cancelled(event):
            continue
        interval = _sound(event, times)
        found.ends.append(interval.end)
        if interval.overlaps(origin.horizon):
            found.freezes.append((interval, event.text("SUMMARY") or "freeze"))


def _is_cancelled(event: Component) -> bool:
    return event.text("STATUS").upper() in ("CANCELLED", "CANCELED")


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
