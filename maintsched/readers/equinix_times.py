"""The times of an Equinix mail: no year, no zone name, said up to three times; each is held against the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from maintsched.domain.interval import Interval, iso
from maintsched.readers.times import Times
from maintsched.readers.zones import Zone, zone_named

# English, then what Dutch, German, French, Spanish and Portuguese halves of bilingual mails write differently.
_MONTH_NAMES = (
    "JAN ENE", "FEB FEV FÉV", "MAR MRT MAA MÄR MRZ", "APR AVR ABR", "MAY MEI MAI", "JUN",
    "JUL", "AUG AGO AOÛ", "SEP SET", "OCT OKT OUT", "NOV", "DEC DEZ DIC DÉC",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_FULL_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DATE = (
    r"(?:(?P<d{0}>[^\W\d_]+)\.?,?\s+)?(?P<n{0}>\d{{1,2}})[\s-]+(?P<m{0}>[^\W\d_]{{3,9}})\.?(?:[\s-]+(?P<y{0}>\d{{4}}))?"
)
_CLOCK = r"(?P<h{0}>\d{{1,2}}):(?P<i{0}>\d{{2}})"
_WINDOW = re.compile(
    rf"{_DATE.format(1)},?\s+{_CLOCK.format(1)}\s*(?:-|–|—|to|until)\s*(?:{_DATE.format(2)},?\s+)?{_CLOCK.format(2)}",
    re.IGNORECASE,
)
_FULL_DATE = re.compile(r"(\d{1,2})[\s-]+([^\W\d_]{3,9})[\s-]+(\d{4})")


@dataclass(frozen=True, slots=True)
class Statements:
    """The values of the labels that speak of time, as written; `zones` of the sites, None where one is not known."""

    span: Sequence[str] = ()
    local: Sequence[str] = ()
    utc: Sequence[str] = ()
    subject: str = ""
    sent: datetime | None = None
    zones: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Moment:
    weekday: int | None
    day: int
    month: int
    year: int | None
    clock: time
    next_day: bool


class _Contradiction(ValueError):
    """Two statements of one mail do not agree."""


def times_of_mail(said: Statements) -> Times:
    """The window in UTC. Without one, or where statements contradict each other, None with the reason."""
    try:
        return Times(_window(said))
    except (ValueError, OverflowError) as error:
        return Times(None, (str(error),))


def span_of(values: Sequence[str]) -> tuple[date, date] | None:
    """The dates of SPAN or DATE. Raises ValueError where two lines differ."""
    found = {dates for value in values if (dates := _dates(value))}
    if len(found) > 1:
        raise _Contradiction(f"SPAN is given as {' and as '.join(sorted(f'{a} .. {b}' for a, b in found))}")
    span = found.pop() if found else None
    if span and span[1] < span[0]:
        raise _Contradiction(f"SPAN ends ({span[1]}) before it starts ({span[0]})")
    return span


def _dates(text: str) -> tuple[date, date] | None:
    found = []
    for day, month, year in _FULL_DATE.findall(text):
        if (number := _month(month)) is not None:
            found.append(_date(int(year), number, int(day)))
    return (found[0], found[-1]) if found else None


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise _Contradiction(f"there is no {day:02d}.{month:02d}.{year}") from None


def _month(text: str) -> int | None:
    name = text.upper()
    return _MONTHS.get(name, _MONTHS.get(name[:3]))


def _window(said: Statements) -> Interval:
    span = span_of(said.span)
    heading = _dates(said.subject)
    if span and heading and not span[0] - timedelta(days=1) <= heading[0] <= span[1] + timedelta(days=1):
        raise _Contradiction(f"the subject says {heading[0]}, SPAN says {span[0]} .. {span[1]}")
    anchor = span or heading
    utc = _one("UTC", [_read(value, "UTC", anchor, said.sent) for value in said.utc])
    local = _one("LOCAL", [_read(value, "LOCAL", anchor, said.sent) for value in said.local])
    if local and span and not (span[0] <= local[0].date() and _last_day(local[1]) <= span[1]):
        raise _Contradiction(f"LOCAL is {_shown(local)}, outside of SPAN {span[0]} .. {span[1]}")
    if utc is None and local is None:
        raise ValueError("the mail gives no UTC and no LOCAL time that can be read")
    if utc is None:
        assert local is not None
        return _from_local(local, said.zones)
    interval = _interval(utc[0].replace(tzinfo=UTC), utc[1].replace(tzinfo=UTC))
    if local is not None:
        _hold_against(local, interval, said.zones)
    return interval


def _last_day(end: datetime) -> date:
    """The day on which a window that ends then was last open: midnight belongs to the day before."""
    return (end - timedelta(seconds=1)).date()


def _shown(window: tuple[datetime, datetime]) -> str:
    return f"{window[0]:%Y-%m-%d %H:%M} .. {window[1]:%Y-%m-%d %H:%M}"


def _interval(start: datetime, end: datetime) -> Interval:
    if end <= start:
        raise _Contradiction(f"it ends ({iso(end)}) before or when it starts ({iso(start)})")
    return Interval(start, end)


def _one(label: str, windows: Sequence[tuple[datetime, datetime] | None]) -> tuple[datetime, datetime] | None:
    """The one window that all lines with that label give; a half in another language may be unreadable."""
    found = sorted({window for window in windows if window is not None})
    if len(found) > 1:
        raise _Contradiction(f"{label} is given as {' and as '.join(_shown(window) for window in found)}")
    return found[0] if found else None


def _read(
    value: str, label: str, anchor: tuple[date, date] | None, sent: datetime | None
) -> tuple[datetime, datetime] | None:
    found = _WINDOW.search(value)
    if found is None:
        return None
    if re.search(r"\d{1,2}:\d{2}", value[: found.start()] + value[found.end() :]):
        raise ValueError(f"{label} holds more than one window: {value[:120]!r}")
    start = _moment(found, "1", None)
    end = _moment(found, "2", start)
    if start is None or end is None:
        return None
    begins = _placed(start, label, anchor, sent)
    return begins, _placed(end, label, anchor or (begins.date(), begins.date()), sent)


def _moment(found: re.Match[str], which: str, before: _Moment | None) -> _Moment | None:
    hour, minute = int(found["h" + which]), int(found["i" + which])
    midnight = (hour, minute) == (24, 0)
    if not midnight and (hour > 23 or minute > 59):
        raise ValueError(f"{hour:02d}:{minute:02d} is not a time")
    clock = time() if midnight else time(hour, minute)
    if found["n" + which] is None:
        assert before is not None
        return _Moment(before.weekday, before.day, before.month, before.year, clock, midnight)
    month = _month(found["m" + which])
    if month is None:
        return None
    year = int(found["y" + which]) if found["y" + which] else None
    return _Moment(_weekday(found["d" + which]), int(found["n" + which]), month, year, clock, midnight)


def _weekday(text: str | None) -> int | None:
    """0 is Monday; None where there is none, or none in English."""
    name = (text or "").upper()
    if len(name) < 3:
        return None
    return next((number for number, full in enumerate(_FULL_DAYS) if full.startswith(name)), None)


def _placed(moment: _Moment, label: str, anchor: tuple[date, date] | None, sent: datetime | None) -> datetime:
    """The year that fits: within a day of SPAN, on the weekday that is written."""
    if moment.year is not None:
        days = [_date(moment.year, moment.month, moment.day)]
    else:
        days = [day for day in _candidates(moment, anchor, sent) if _near(day, anchor, sent)]
    written = f"{moment.day:02d}.{moment.month:02d}. {moment.clock:%H:%M}"
    if not days:
        raise _Contradiction(f"{label} {written} is not near {_described(anchor)}")
    fitting = [day for day in days if moment.weekday is None or day.weekday() == moment.weekday]
    if not fitting:
        raise _Contradiction(
            f"{label} {written}: {days[0]} is a {days[0]:%A}, the mail says {_FULL_DAYS[moment.weekday or 0]}"
        )
    if len(fitting) > 1 or (anchor is None and moment.year is None and moment.weekday is None):
        raise ValueError(f"{label} {written}: the year is not certain")
    return datetime.combine(fitting[0], moment.clock) + timedelta(days=int(moment.next_day))


def _candidates(moment: _Moment, anchor: tuple[date, date] | None, sent: datetime | None) -> list[date]:
    middle = anchor[0].year if anchor else (sent.year if sent else None)
    if middle is None:
        raise ValueError("the mail gives no year: no SPAN, no date in the subject, no Date")
    days = []
    for year in (middle - 1, middle, middle + 1):
        try:
            days.append(date(year, moment.month, moment.day))
        except ValueError:
            continue
    return days


def _near(day: date, anchor: tuple[date, date] | None, sent: datetime | None) -> bool:
    if anchor is not None:
        return anchor[0] - timedelta(days=1) <= day <= anchor[1] + timedelta(days=1)
    return sent is not None and sent.date() - timedelta(days=30) <= day <= sent.date() + timedelta(days=300)


def _described(anchor: tuple[date, date] | None) -> str:
    return f"the dates of the mail ({anchor[0]} .. {anchor[1]})" if anchor else "the day on which the mail was sent"


def _zones(zones: Mapping[str, str | None]) -> dict[str, Zone]:
    names = {name for name in zones.values() if name}
    return {name: zone for name in sorted(names) if (zone := zone_named(name)) is not None}


def _from_local(local: tuple[datetime, datetime], zones: Mapping[str, str | None]) -> Interval:
    known = _zones(zones)
    if len(known) != 1 or None in zones.values():
        raise ValueError("only LOCAL is given, and the zone of its sites is not certain")
    zone = next(iter(known.values()))
    doubts = (*zone.doubts(local[0]), *zone.doubts(local[1]))
    if doubts:
        raise ValueError("; ".join(doubts))
    return _interval(zone.instants(local[0])[0], zone.instants(local[1])[0])


def _hold_against(local: tuple[datetime, datetime], interval: Interval, zones: Mapping[str, str | None]) -> None:
    """LOCAL must be the same window on the clock of a site; where no zone is known, at least a whole offset away."""
    known = _zones(zones)
    for zone in known.values():
        if interval.start in zone.instants(local[0]) and interval.end in zone.instants(local[1]):
            return
    said = f"UTC is {iso(interval.start)} .. {iso(interval.end)}, LOCAL {_shown(local)}"
    if known and None not in zones.values():
        raise _Contradiction(f"{said} is not the same in {', '.join(known)}")
    offsets = {local[0].replace(tzinfo=UTC) - interval.start, local[1].replace(tzinfo=UTC) - interval.end}
    offset = offsets.pop()
    if offsets or offset % timedelta(minutes=15) or not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        raise _Contradiction(f"{said} is no offset away")
