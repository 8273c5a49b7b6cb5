"""Calendars of either kind: each VEVENT is read as what it is, and a bad one does not spoil the rest."""

from __future__ import annotations

from maintsched.domain.notice import Notice
from maintsched.readers.contentlines import Calendar, Component, read_calendars
from maintsched.readers.maintnote import is_maintnote, read_maintnote
from maintsched.readers.origin import Origin
from maintsched.readers.plain_ics import read_plain


def read_ics(data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """The notices of every VEVENT, none for a calendar without events. Raises NoticeUnreadable."""
    return tuple(notice for calendar in read_calendars(data) for notice in _of_calendar(calendar, origin))


def _of_calendar(calendar: Calendar, origin: Origin) -> tuple[Notice, ...]:
    notices: list[Notice] = []
    plain: dict[str, list[Component]] = {}
    for event in calendar.events:
        if is_maintnote(event):
            notices.append(read_maintnote(event, calendar, origin))
        else:
            # What changes one occurrence has the UID of the whole; without a UID each stands for itself.
            plain.setdefault(event.text("UID") or f"\n{event.line}", []).append(event)
    for events in plain.values():
        notices += read_plain(events, calendar, origin)
    return tuple(notices)
