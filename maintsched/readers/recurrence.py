"""Recurring entries (RFC 5545 section 3.8.5) expanded inside a horizon, on the wall clock that they are written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar as Parsed

from maintsched.domain.interval import Interval
from maintsched.readers.contentlines import Calendar, Component, Property, parse_property
from maintsched.readers.origin import Origin
from maintsched.readers.times import Times, WallTime, edges, midnight, resolved, wall_time
from maintsched.readers.zones import Zone, parse_time, zone_of_file

MAX_OCCURRENCES = 5000
MAX_LENGTH = timedelta(days=31)
MAX_HOURLY_AGE = timedelta(days=3660)
_MARGIN = timedelta(days=3)
_INDEX = "X-MAINTSCHED-INDEX"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One happening of a recurring event; `event` is the VEVENT (master or override) it comes from, `id` stays the same
    when an override moves it."""

    event: Component
    id: str
    times: Times
    all_day: bool


def recurs(event: Component) -> bool:
    return any(event.first(name) is not None for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def expand(events: Sequence[Component], calendar: Calendar, origin: Origin) -> tuple[Occurrence, ...]:
    """Every occurrence of one UID that touches the horizon. Raises ValueError where it should not be expanded."""
    masters = [event for event in events if event.first("RECURRENCE-ID") is None]
    zone = edges((masters or list(events))[0], calendar, origin)[0].zone
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//maintsched//expansion//EN"]
    for index, event in enumerate(events):
        lines += _rewritten(event, index, zone, calendar, origin)
    text = "\r\n".join([*lines, "END:VCALENDAR", ""])
    start, end = origin.horizon.start - _MARGIN, origin.horizon.end + _MARGIN
    try:
        found = recurring_ical_events.of(Parsed.from_ical(text.encode())).between(start, end)
    except Exception as error:  # noqa: BLE001 (three libraries deep; their errors are not enumerable)
        raise ValueError(f"its recurrence cannot be expanded: {type(error).__name__} {error}"[:200]) from None
    if len(found) > MAX_OCCURRENCES:
        raise ValueError(f"it recurs {len(found)} times, more than {MAX_OCCURRENCES} are not expanded")
    occurrences = [_occurrence(item, events, zone, calendar) for item in found]
    return tuple(
        occurrence
        for occurrence in sorted(occurrences, key=lambda one: one.id)
        if occurrence.times.interval is None or occurrence.times.interval.overlaps(origin.horizon)
    )


def _occurrence(item: Any, events: Sequence[Component], zone: Zone, calendar: Calendar) -> Occurrence:
    event = events[int(str(item[_INDEX]))]
    first, last = item["DTSTART"].dt, item["DTEND"].dt
    original = item["RECURRENCE-ID"].dt
    all_day = not isinstance(first, datetime)
    times = resolved(WallTime(_naive(first), zone, all_day), WallTime(_naive(last), zone, all_day))
    return Occurrence(event, _identity(original, zone), _hour_shift(times, event, _naive(first), calendar), all_day)


def _naive(value: date | datetime) -> datetime:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else midnight(value)


def _identity(original: date | datetime, zone: Zone) -> str:
    if not isinstance(original, datetime):
        return f"{original:%Y%m%d}"
    moment = zone.earliest_and_latest(original.replace(tzinfo=None))[0]
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _hour_shift(times: Times, event: Component, wall: datetime, calendar: Calendar) -> Times:
    """A rule in UTC in a calendar that names a zone: an hour off in half of the year, and nobody knows which."""
    named, first = calendar.header.text("X-WR-TIMEZONE"), event.first("DTSTART")
    zone = zone_of_file(named, calendar) if named else None
    if zone is None or first is None or not first.raw.strip().upper().endswith("Z"):
        return times
    begun = parse_time(first)
    assert isinstance(begun, datetime)
    now = wall.replace(tzinfo=UTC)
    if zone.wall(begun) - begun.replace(tzinfo=None) == zone.wall(now) - wall:
        return times
    doubt = f"the rule is written in UTC but the calendar in {named}: this occurrence may be meant an hour off"
    return Times(times.interval, (*times.problems, doubt))


def _rewritten(event: Component, index: int, zone: Zone, calendar: Calendar, origin: Origin) -> list[str]:
    """The event on the wall clock of `zone`, floating, with nothing left that a library would have to guess."""
    start, end = edges(event, calendar, origin)
    if not timedelta() < end.zone.instants(end.at)[0] - start.zone.instants(start.at)[0] <= MAX_LENGTH:
        raise ValueError(f"a recurring entry must end after it starts and last at most {MAX_LENGTH.days} days")
    lines = ["BEGIN:VEVENT", "UID:one", f"{_INDEX}:{index}", "DTSTAMP:20000101T000000Z"]
    lines += [f"DTSTART{_value(start, zone)}", f"DTEND{_value(end, zone)}"]
    for prop in event.properties:
        if prop.name == "RRULE":
            lines.append(f"RRULE:{_rule(prop, start, zone, origin)}")
        elif prop.name in ("RDATE", "EXDATE"):
            lines += [f"{prop.name}{value}" for value in _dates(prop, zone, calendar, origin)]
        elif prop.name == "RECURRENCE-ID":
            scope = ";RANGE=THISANDFUTURE" if prop.params.get("RANGE", "").upper() == "THISANDFUTURE" else ""
            lines.append(f"RECURRENCE-ID{scope}{_value(wall_time(prop, calendar, origin), zone)}")
        elif prop.name == "SEQUENCE" and prop.raw.strip().isdigit():
            lines.append(f"SEQUENCE:{int(prop.raw)}")
        elif prop.name == "EXRULE":
            raise ValueError("EXRULE is not expanded (RFC 5545 dropped it)")
    return [*lines, "END:VEVENT"]


def _value(time: WallTime, zone: Zone) -> str:
    if time.all_day:
        return f";VALUE=DATE:{time.at:%Y%m%d}"
    at = time.at if time.zone == zone else zone.wall(time.zone.earliest_and_latest(time.at)[0])
    return f":{at:%Y%m%dT%H%M%S}"


def _dates(prop: Property, zone: Zone, calendar: Calendar, origin: Origin) -> list[str]:
    if prop.params.get("VALUE", "").upper() == "PERIOD":
        raise ValueError(f"{prop.name} with periods is not expanded")
    values = [Property(prop.name, raw, prop.params, prop.line) for raw in prop.raw.split(",") if raw.strip()]
    if len(values) > MAX_OCCURRENCES:
        raise ValueError(f"{prop.name} lists more than {MAX_OCCURRENCES} dates")
    return [_value(wall_time(value, calendar, origin), zone) for value in values]


def _rule(prop: Property, start: WallTime, zone: Zone, origin: Origin) -> str:
    """The RRULE with UNTIL on the wall clock, near the horizon. Raises ValueError for what could run away."""
    parts = dict(part.partition("=")[::2] for part in prop.raw.strip().upper().split(";") if part)
    _refuse_runaway(parts, start, origin.horizon)
    if "COUNT" in parts:
        if "UNTIL" in parts:
            raise ValueError("RRULE has both COUNT and UNTIL")
        return ";".join(f"{key}={value}" for key, value in parts.items())
    last = zone.wall(origin.horizon.end + _MARGIN)
    if "UNTIL" in parts:
        until = parse_property(f"UNTIL:{parts['UNTIL']}", prop.line)
        value = parse_time(until) if until else None
        if isinstance(value, datetime):
            last = min(last, zone.wall(value) if value.tzinfo else value)
        elif value is not None:
            last = min(last, midnight(value) + timedelta(days=1, seconds=-1))
    parts["UNTIL"] = f"{last:%Y%m%d}" if start.all_day else f"{last:%Y%m%dT%H%M%S}"
    return ";".join(f"{key}={value}" for key, value in parts.items())


def _refuse_runaway(parts: dict[str, str], start: WallTime, horizon: Interval) -> None:
    every = parts.get("FREQ", "")
    if every not in ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise ValueError(f"RRULE FREQ={every[:20] or '(none)'}: rules finer than hourly are refused")
    if any("," in parts.get(part, "") for part in ("BYMINUTE", "BYSECOND")):
        raise ValueError("RRULE with several minutes or seconds: rules finer than hourly are refused")
    for part in ("COUNT", "INTERVAL"):
        value = parts.get(part, "1")
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:12]) <= 10**9):
            raise ValueError(f"RRULE {part}={value[:20]} is not a number that makes sense")
    fine = every == "HOURLY" or "," in parts.get("BYHOUR", "")
    began = start.zone.earliest_and_latest(start.at)[0]
    if fine and horizon.end - began > MAX_HOURLY_AGE:
        raise ValueError("RRULE recurs several times a day since more than ten years")
    # A rule whose filters never agree (30 February) is searched until the year 9999 by the library: seconds for days,
    # minutes for hours. What is asked for as months or years is found at once.
    filters = {key for key in parts if key.startswith("BY")} - {"BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY"}
    endless = len(filters) > 1 if every == "DAILY" else bool(filters) or parts.get("INTERVAL", "1") != "1"
    if every in ("DAILY", "HOURLY") and endless:
        raise ValueError(
            f"RRULE FREQ={every} with {', '.join(sorted(filters)) or 'INTERVAL'} may never occur, and is refused"
        )
