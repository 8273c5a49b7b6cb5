"""When a calendar entry happens: DTSTART, DTEND, DURATION and their zones, cross-checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from maintsched.domain.interval import Interval, iso
from maintsched.readers.contentlines import Calendar, Component, Property
from maintsched.readers.origin import Origin
from maintsched.readers.zones import UTC_ZONE, Zone, parse_duration, parse_time, zone_named, zone_of_file

SUSPICIOUS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Times:
    """What a VEVENT says of its time. `interval` is None where a problem leaves none that could be trusted."""

    interval: Interval | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WallTime:
    """A time as written, on the clock of `zone`; `all_day` where only a date was given.

    `other` is a second zone that a whole day may be meant in, where the two do not agree when it begins.
    """

    at: datetime
    zone: Zone
    all_day: bool = False
    other: Zone | None = None


def wall_time(prop: Property, calendar: Calendar, origin: Origin) -> WallTime:
    """A time property with the zone that it is meant in. Raises ValueError where that is not certain."""
    value = parse_time(prop)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return WallTime(_in_utc(prop, value, calendar), UTC_ZONE)
    if isinstance(value, datetime):
        return WallTime(value, _zone(prop, calendar, origin, value))
    return _whole_day(prop, midnight(value), calendar, origin)


def _in_utc(prop: Property, value: datetime, calendar: Calendar) -> datetime:
    """A time that ends in Z. The standard has no zone beside it; one that shows another time contradicts it."""
    wall = value.replace(tzinfo=None)
    tzid = prop.params.get("TZID")
    zone = zone_of_file(tzid, calendar) if tzid else UTC_ZONE
    if zone is None or value not in zone.instants(wall):
        raise ValueError(f"{prop.name} {prop.raw.strip()[:40]!r} is in UTC by its Z, but in {tzid!r} by its TZID"[:200])
    return wall


def _whole_day(prop: Property, at: datetime, calendar: Calendar, origin: Origin) -> WallTime:
    """A whole day is a day where the sites are; what the source or the file says of zones only may contradict that."""
    place = zone_named(origin.place_zone) if origin.place_zone else None
    if origin.place_zone and place is None:
        raise ValueError(f"the zone {origin.place_zone!r} of the sites of {origin.source} is not known")
    if place is None:
        return WallTime(at, _zone(prop, calendar, origin, at), all_day=True)
    named = calendar.header.text("X-WR-TIMEZONE")
    if not (prop.params.get("TZID") or origin.timezone or (named and zone_of_file(named, calendar))):
        return WallTime(at, place, all_day=True)
    said = _zone(prop, calendar, origin, at)
    return WallTime(at, place, True, None if said.instants(at) == place.instants(at) else said)


def midnight(day: date) -> datetime:
    """The wall time at which a day begins, without zone."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 (its zone is the source's)


def _zone(prop: Property, calendar: Calendar, origin: Origin, at: datetime) -> Zone:
    if tzid := prop.params.get("TZID"):
        zone = zone_of_file(tzid, calendar)
        if zone is None:
            raise ValueError(f"{prop.name}: the time zone {tzid[:60]!r} is not known and the file does not define it")
        return zone
    declared = zone_named(origin.timezone) if origin.timezone else None
    if origin.timezone and declared is None:
        raise ValueError(f"the zone {origin.timezone!r} declared for {origin.source} is not known")
    named = calendar.header.text("X-WR-TIMEZONE")
    of_file = zone_of_file(named, calendar) if named else None
    if declared is None and of_file is None:
        raise ValueError(f"{prop.name} {prop.raw[:40]!r} has no zone, and none is declared for {origin.source}")
    if declared is not None and of_file is not None and declared.instants(at) != of_file.instants(at):
        raise ValueError(f"{prop.name}: {origin.source} is declared as {declared.label}, its file says {of_file.label}")
    zone = declared or of_file
    assert zone is not None
    return zone


def times_of(event: Component, calendar: Calendar, origin: Origin) -> Times:
    """The interval of a VEVENT that does not recur, or of its first occurrence."""
    try:
        start, end = edges(event, calendar, origin)
    except (ValueError, OverflowError) as error:
        return Times(None, (str(error),))
    return resolved(start, end)


def edges(event: Component, calendar: Calendar, origin: Origin) -> tuple[WallTime, WallTime]:
    """Start and end as written. Raises ValueError where one is missing, twice there, or unreadable."""
    for name in ("DTSTART", "DTEND", "DURATION"):
        if len({(prop.raw.strip(), prop.params.get("TZID")) for prop in event.all(name)}) > 1:
            raise ValueError(f"{name} is there more than once")
    first, last, length = event.first("DTSTART"), event.first("DTEND"), event.first("DURATION")
    if first is None:
        raise ValueError("DTSTART is missing")
    start = wall_time(first, calendar, origin)
    if last is not None:
        end = wall_time(last, calendar, origin)
        if end.all_day != start.all_day:
            raise ValueError("DTSTART and DTEND are not both days or both times")
        _agree(start, end, length)
        return start, end
    if length is not None:
        return start, _later(start, parse_duration(length), nominal="T" not in length.raw.upper())
    if start.all_day:
        return start, _later(start, timedelta(days=1), nominal=True)
    raise ValueError("DTEND is missing")


def _agree(start: WallTime, end: WallTime, length: Property | None) -> None:
    """The standard has DTEND or DURATION. Where both are there, they must say the same."""
    if length is None:
        return
    other = _later(start, parse_duration(length), nominal="T" not in length.raw.upper())
    if other.zone.earliest_and_latest(other.at) != end.zone.earliest_and_latest(end.at):
        raise ValueError("DTEND and DURATION contradict each other")


def _later(start: WallTime, by: timedelta, nominal: bool) -> WallTime:
    """`by` after a start: days and weeks on the wall clock, hours in real time (RFC 5545 section 3.3.6)."""
    if start.all_day or nominal:
        return WallTime(start.at + by, start.zone, start.all_day, start.other)
    moment = start.zone.earliest_and_latest(start.at)[0] + by
    return WallTime(moment.replace(tzinfo=None), UTC_ZONE)


def resolved(start: WallTime, end: WallTime) -> Times:
    """Two wall times as one interval. Contradicting zones leave none; an hour that exists twice the widest one."""
    try:
        doubts = tuple(dict.fromkeys((*start.zone.doubts(start.at), *end.zone.doubts(end.at))))
        begins, ends = start.zone.earliest_and_latest(start.at)[0], end.zone.earliest_and_latest(end.at)[1]
        if start.other is not None or end.other is not None:
            begins = min(begins, (start.other or start.zone).earliest_and_latest(start.at)[0])
            ends = max(ends, (end.other or end.zone).earliest_and_latest(end.at)[1])
            doubts = (*doubts, _two_days(start, end))
    except (ValueError, OverflowError) as error:
        return Times(None, (f"a time is outside of what can be reckoned with: {error}",))
    if ends <= begins:
        return Times(None, (*doubts, f"it ends ({iso(ends)}) before or when it starts ({iso(begins)})"))
    if any("contradicts" in doubt for doubt in doubts):
        return Times(None, doubts)
    return Times(Interval(begins, ends), doubts)


def _two_days(start: WallTime, end: WallTime) -> str:
    site, said = start.zone.label, (start.other or end.other or end.zone).label
    return f"a whole day at the site ({site}) is not the same as one in {said}, which its source says: both are covered"


def too_long(interval: Interval | None, all_day: bool = False) -> tuple[str, ...]:
    """A maintenance longer than 24 h is suspicious. One whole day is not: it may have 25, and more in two zones."""
    limit = SUSPICIOUS + (timedelta(hours=15) if all_day else timedelta())
    if interval is None or interval.duration <= limit:
        return ()
    hours = interval.duration.total_seconds() / 3600
    return (f"it lasts {hours:g} h, longer than 24 h is suspicious",)


def stamp_of(event: Component) -> tuple[datetime | None, tuple[str, ...]]:
    """DTSTAMP, else LAST-MODIFIED or CREATED, as UTC; floating ones are taken for UTC, which RFC 5545 demands."""
    for name in ("DTSTAMP", "LAST-MODIFIED", "CREATED"):
        prop = event.first(name)
        if prop is None:
            continue
        try:
            value = parse_time(prop)
        except ValueError as error:
            return None, (str(error),)
        return as_utc(value), ()
    return None, ()


def as_utc(value: date | datetime) -> datetime:
    """A date as its midnight, a naive time as UTC."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def sequence_of(event: Component) -> tuple[int | None, tuple[str, ...]]:
    """SEQUENCE, None where there is none."""
    prop = event.first("SEQUENCE")
    if prop is None:
        return None, ()
    text = prop.raw.strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return int(text), ()
    return None, (f"SEQUENCE {text[:40]!r} is not a number",)
