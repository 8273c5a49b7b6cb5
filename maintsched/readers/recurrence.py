"""Recurring entries (RFC 5545 section 3.8.5) expanded inside a horizon, on the wall clock that they are written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar as Parsed

from maintsched.domain.interval import Interval
from maintsched.readers.contentlines import Calendar, Component, Property, clean, parse_property
from maintsched.readers.origin import Origin
from maintsched.readers.rules import parts_of, refuse_runaway
from maintsched.readers.times import Times, WallTime, edges, midnight, resolved, wall_time
from maintsched.readers.zones import Zone, parse_time, zone_of_file

MAX_OCCURRENCES = 5000  # of one entry
MAX_OF_FILE = 20_000
MAX_LENGTH = timedelta(days=31)
MAX_LENGTH_YEARLY = timedelta(days=93)  # nothing is changed in December, as every year
# What bounds the time of one entry, where the process can bound it: entered around each, it raises to end one.
BOUND: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("BOUND", default=nullcontext)
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


@dataclass(frozen=True, slots=True)
class Expansion:
    """The occurrences that touch the horizon; `goes_on` where there may be more behind it."""

    occurrences: tuple[Occurrence, ...]
    goes_on: bool


def expand(events: Sequence[Component], calendar: Calendar, origin: Origin) -> Expansion:
    """Every occurrence of one UID that touches the horizon. Raises ValueError where it should not be expanded."""
    try:
        with BOUND.get()():
            found = _expanded(events, calendar, origin)
    except ValueError:
        raise
    except MemoryError:
        raise ValueError("its recurrence takes too much memory to expand") from None
    except Exception as error:  # noqa: BLE001 (three libraries deep; their errors are not enumerable)
        said = clean(f"{type(error).__name__} {error}")
        raise ValueError(f"its recurrence cannot be expanded: {said}"[:200]) from None
    calendar.tally.occurrences += len(found.occurrences)
    if calendar.tally.occurrences > MAX_OF_FILE:
        calendar.tally.occurrences -= len(found.occurrences)
        raise ValueError(f"the entries of its file recur more than {MAX_OF_FILE} times in all; split the file")
    return found


def _expanded(events: Sequence[Component], calendar: Calendar, origin: Origin) -> Expansion:
    if len(events) > MAX_OCCURRENCES:
        raise ValueError(f"it has {len(events)} versions and exceptions, more than {MAX_OCCURRENCES} are not expanded")
    masters = [event for event in events if event.first("RECURRENCE-ID") is None]
    first = edges((masters or list(events))[0], calendar, origin)[0]
    whole = _Whole(events, first, calendar, origin)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//maintsched//expansion//EN"]
    for index, event in enumerate(events):
        lines += whole.rewritten(event, index)
    text = "\r\n".join([*lines, "END:VCALENDAR", ""])
    start, end = origin.horizon.start - _MARGIN, origin.horizon.end + _MARGIN
    query = recurring_ical_events.of(Parsed.from_ical(text.encode()))
    found = query.between(start, end)
    if len(found) > MAX_OCCURRENCES:
        raise ValueError(f"it recurs {len(found)} times, more than {MAX_OCCURRENCES} are not expanded")
    occurrences = [whole.occurrence(item) for item in found]
    if len({one.id for one in occurrences}) < len(occurrences):
        raise ValueError("two of its occurrences have the same RECURRENCE-ID and could not be told apart later")
    inside = tuple(
        occurrence
        for occurrence in sorted(occurrences, key=lambda one: one.id)
        if occurrence.times.interval is None or occurrence.times.interval.overlaps(origin.horizon)
    )
    return Expansion(inside, whole.goes_on or (whole.counts and _continues(query, origin.horizon.end + MAX_LENGTH)))


def _continues(query: Any, after: datetime) -> bool:
    """Whether a rule with COUNT has not ended by then, looking no further than a year; cheap for what recurs often."""
    return any(query.between(after, after + timedelta(days=days)) for days in (1, 32, 400))


class _Whole:
    """All VEVENTs of one UID on the wall clock of the first, as a library can expand them without guessing."""

    def __init__(self, events: Sequence[Component], first: WallTime, calendar: Calendar, origin: Origin) -> None:
        self.events, self.first, self.calendar, self.origin = events, first, calendar, origin
        self.zone = first.zone
        self.lengths: dict[int, timedelta] = {}
        self.moved: dict[int, timedelta] = {}  # by how much a THISANDFUTURE moves what follows
        self.goes_on = self.counts = False

    def rewritten(self, event: Component, index: int) -> list[str]:
        """The event on the wall clock of `zone`, floating, with nothing left that a library would have to guess."""
        start, end = edges(event, self.calendar, self.origin)
        if start.all_day != self.first.all_day:
            raise ValueError("whole days and times are mixed in one recurring entry")
        length = end.zone.instants(end.at)[0] - start.zone.instants(start.at)[0]
        yearly = all("FREQ=YEARLY" in rule.raw.upper() for rule in event.all("RRULE"))
        longest = MAX_LENGTH_YEARLY if yearly else MAX_LENGTH
        if not timedelta() < length <= longest:
            raise ValueError(f"a recurring entry must end after it starts and last at most {longest.days} days")
        self.lengths[index] = length
        lines = ["BEGIN:VEVENT", "UID:one", f"{_INDEX}:{index}", "DTSTAMP:20000101T000000Z"]
        lines += [f"DTSTART{_value(start, self.zone)}", f"DTEND{_value(end, self.zone)}"]
        listed = 0
        for prop in event.properties:
            if prop.name == "RRULE":
                lines.append(f"RRULE:{self.rule(prop, start)}")
            elif prop.name in ("RDATE", "EXDATE"):
                dates = self.dates(prop)
                listed += len(dates)
                lines += [f"{prop.name}{value}" for value in dates]
            elif prop.name == "RECURRENCE-ID":
                lines.append(self.replaced(prop, start, index))
            elif prop.name == "SEQUENCE" and prop.raw.isascii() and prop.raw.strip().isdigit():
                lines.append(f"SEQUENCE:{int(prop.raw.strip()[:10])}")
            elif prop.name == "EXRULE":
                raise ValueError("EXRULE is not expanded (RFC 5545 dropped it)")
            if listed > MAX_OCCURRENCES:
                raise ValueError(f"it lists more than {MAX_OCCURRENCES} dates")
        return [*lines, "END:VEVENT"]

    def replaced(self, prop: Property, start: WallTime, index: int) -> str:
        """RECURRENCE-ID: which occurrence the event stands for, or from which on."""
        original, scope = self.wall_time(prop), prop.params.get("RANGE", "").upper()
        if scope not in ("", "THISANDFUTURE"):
            raise ValueError(f"RECURRENCE-ID with RANGE={scope[:20]!r} is not expanded")
        if scope:
            self.moved[index] = _on(start, self.zone) - _on(original, self.zone)
        return f"RECURRENCE-ID{';RANGE=THISANDFUTURE' if scope else ''}{_value(original, self.zone)}"

    def wall_time(self, prop: Property) -> WallTime:
        """A date of the recurrence. One of another kind than the whole would be compared with nothing."""
        found = wall_time(prop, self.calendar, self.origin)
        if found.all_day != self.first.all_day:
            raise ValueError(f"{prop.name} {prop.raw[:40]!r} and DTSTART are not both days or both times")
        return found

    def dates(self, prop: Property) -> list[str]:
        if prop.params.get("VALUE", "").upper() == "PERIOD":
            raise ValueError(f"{prop.name} with periods is not expanded")
        raws = [raw for raw in prop.raw.split(",") if raw.strip()]
        if len(raws) > MAX_OCCURRENCES:
            raise ValueError(f"{prop.name} lists more than {MAX_OCCURRENCES} dates")
        found = [self.wall_time(Property(prop.name, raw, prop.params, prop.line)) for raw in raws]
        if prop.name == "RDATE":
            self.goes_on |= any(time.at > self.zone.wall(self.origin.horizon.end) for time in found)
        return [_value(time, self.zone) for time in found]

    def rule(self, prop: Property, start: WallTime) -> str:
        """The RRULE, ending near the horizon on the wall clock. Raises ValueError for what could run away."""
        parts = parts_of(prop.raw)
        horizon = self.origin.horizon
        refuse_runaway(parts, start.zone.earliest_and_latest(start.at)[0], horizon.end)
        if "COUNT" in parts:
            self.counts = True
            return ";".join(f"{key}={value}" for key, value in parts.items())
        last = self.zone.wall(horizon.end + _MARGIN)
        ends = _until(parts["UNTIL"], prop.line, self.zone) if "UNTIL" in parts else None
        self.goes_on |= ends is None or ends > self.zone.wall(horizon.end)
        last = min(last, ends or last)
        parts["UNTIL"] = _digits(last)[:8] if start.all_day else _digits(last)
        return ";".join(f"{key}={value}" for key, value in parts.items())

    def occurrence(self, item: Any) -> Occurrence:
        index = int(str(item[_INDEX]))
        event = self.events[index]
        first, last = item["DTSTART"].dt, item["DTEND"].dt
        # The library gives all that follow a THISANDFUTURE the id of the first of them.
        original = first - self.moved[index] if index in self.moved else item["RECURRENCE-ID"].dt
        all_day = not isinstance(first, datetime)
        other = self.first.other
        times = resolved(
            WallTime(_naive(first), self.zone, all_day, other), WallTime(_naive(last), self.zone, all_day, other)
        )
        if times.interval is not None and not all_day:
            # Across a change of clocks the standard counts hours, people mean the clock: both are covered.
            exact = times.interval.start + self.lengths[index]
            times = Times(Interval(times.interval.start, max(times.interval.end, exact)), times.problems)
        times = _hour_shift(times, event, _naive(first), self.calendar)
        return Occurrence(event, _identity(original, self.zone), times, all_day)


def _until(text: str, line: int, zone: Zone) -> datetime:
    """UNTIL as wall time; a date includes its day."""
    prop = parse_property(f"UNTIL:{text}", line)
    value = parse_time(prop) if prop else None
    if isinstance(value, datetime):
        return zone.wall(value) if value.tzinfo else value
    if value is None:
        raise ValueError(f"RRULE UNTIL={text[:40]!r} is not a time")
    return midnight(value) + timedelta(days=1, seconds=-1)


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
    doubt = f"the rule is written in UTC but the calendar in {zone.label}: this occurrence may be meant an hour off"
    return Times(times.interval, (*times.problems, doubt))


def _on(time: WallTime, zone: Zone) -> datetime:
    """What the clock of `zone` shows then; a whole day stays that day."""
    if time.all_day or time.zone == zone:
        return time.at
    return zone.wall(time.zone.earliest_and_latest(time.at)[0])


def _value(time: WallTime, zone: Zone) -> str:
    return f";VALUE=DATE:{_digits(time.at)[:8]}" if time.all_day else f":{_digits(_on(time, zone))}"


def _digits(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("-", "").replace(":", "")
