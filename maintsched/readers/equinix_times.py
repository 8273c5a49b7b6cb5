"""The times of an Equinix mail: no year, no zone name, said up to three times; each is held against the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

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
_CLOCKS = re.compile(r"\d{1,2}:\d{2}")
_FULL_DATE = re.compile(r"(\d{1,2})[\s-]+([^\W\d_]{3,9})[\s-]+(\d{4})")


Dates = tuple[date, date]
Wall = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Statements:
    """The values of the labels that speak of time, as written; `zones` of the sites, None where one is not known.

    `others` are lines without such a label: a window there must be one of those that the labels give.
    """

    span: Sequence[str] = ()
    local: Sequence[str] = ()
    utc: Sequence[str] = ()
    others: Sequence[str] = ()
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


def windows_of_mail(said: Statements) -> tuple[Times, ...]:
    """The windows in UTC, ordered by start; where statements contradict each other, one without time but a reason."""
    try:
        return tuple(Times(window) for window in _windows(said))
    except (ValueError, OverflowError) as error:
        return (Times(None, (str(error),)),)


def has_window(line: str) -> bool:
    """Whether a line of a mail holds a day with a start and an end."""
    return _WINDOW.search(line) is not None


def _spans(values: Sequence[str]) -> tuple[Dates, ...]:
    """The dates of all lines with SPAN or DATE, each once: one for each block, or one for the whole mail."""
    found = sorted({dates for value in values if (dates := _dates(value))})
    for first, last in found:
        if last < first:
            raise _Contradiction(f"SPAN ends ({last}) before it starts ({first})")
    return tuple(found)


def _dates(text: str) -> Dates | None:
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


def _windows(said: Statements) -> list[Interval]:
    spans = _spans(said.span)
    heading = _dates(said.subject)
    if spans and heading and not any(_within(heading[0], span, 1) for span in spans):
        raise _Contradiction(f"the subject says {heading[0]}, SPAN says {_described(spans)}")
    anchors = spans or ((heading,) if heading else ())
    utc = _listed("UTC", said.utc, anchors, said.sent)
    local = _listed("LOCAL", said.local, anchors, said.sent)
    if not utc and not local:
        raise ValueError("the mail gives no UTC and no LOCAL time that can be read")
    for label, windows in (("UTC", utc), ("LOCAL", local)):
        _one_list(label, windows, bool(utc and local) or len(spans) > 1)
    _hold_against_spans(_joined(local), _joined(utc), spans)
    _hold_others(said, anchors, {*_joined(utc), *_joined(local)})
    if not utc:
        return [_from_local(window, said.zones) for window in _joined(local)]
    return _paired(_joined(local), _joined(utc), said.zones)


def _joined(lists: Sequence[tuple[Wall, ...]]) -> list[Wall]:
    return sorted({window for windows in lists for window in windows})


def _one_list(label: str, lists: Sequence[tuple[Wall, ...]], several: bool) -> None:
    """Lines with one label repeat each other (halves in two languages), or are of blocks that the mail tells apart."""
    windows = _joined(lists)
    clash = any(later[0] < earlier[1] for earlier, later in pairwise(windows))
    if clash or (len(set(lists)) > 1 and not several):
        raise _Contradiction(f"{label} is given as {' and as '.join(map(_shown, windows))}")


def _hold_against_spans(local: Sequence[Wall], utc: Sequence[Wall], spans: Sequence[Dates]) -> None:
    """LOCAL lies inside of a SPAN, and no SPAN is without its window."""
    for window in local if spans else ():
        if not any(span[0] <= window[0].date() and _last_day(window[1]) <= span[1] for span in spans):
            raise _Contradiction(f"LOCAL is {_shown(window)}, outside of SPAN {_described(spans)}")
    if len(spans) < 2:
        return
    windows, slack = (local, 0) if local else (utc, 1)
    empty = [span for span in spans if not any(_within(window[0].date(), span, slack) for window in windows)]
    if empty or len(windows) < len(spans):
        raise _Contradiction(f"SPAN is given as {_described(spans)}, but not each has its window")


def _hold_others(said: Statements, anchors: Sequence[Dates], known: set[Wall]) -> None:
    for line in said.others:
        if any(window not in known for window in _read(line, "a line", anchors, said.sent)):
            raise _Contradiction(f"a window stands outside of UTC and LOCAL: {line.strip()[:80]!r}")


def _paired(local: Sequence[Wall], utc: Sequence[Wall], zones: Mapping[str, str | None]) -> list[Interval]:
    """Each UTC window, held against the LOCAL one that is as many from the first."""
    found = [_interval(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)) for start, end in utc]
    if local and len(local) != len(utc):
        given = "; ".join(map(_shown, local)), "; ".join(map(_shown, utc))
        raise _Contradiction(f"LOCAL ({given[0]}) and UTC ({given[1]}) do not give as many windows")
    for said, interval in zip(local, found, strict=False):
        _hold_against(said, interval, zones)
    return found


def _within(day: date, span: Dates, slack: int) -> bool:
    return span[0] - timedelta(days=slack) <= day <= span[1] + timedelta(days=slack)


def _last_day(end: datetime) -> date:
    """The day on which a window that ends then was last open: midnight belongs to the day before."""
    return (end - timedelta(seconds=1)).date()


def _shown(window: Wall) -> str:
    return f"{window[0]:%Y-%m-%d %H:%M} .. {window[1]:%Y-%m-%d %H:%M}"


def _interval(start: datetime, end: datetime) -> Interval:
    if end <= start:
        raise _Contradiction(f"it ends ({iso(end)}) before or when it starts ({iso(start)})")
    return Interval(start, end)


def _listed(
    label: str, values: Sequence[str], anchors: Sequence[Dates], sent: datetime | None
) -> list[tuple[Wall, ...]]:
    """The windows of each line with that label; a half in another language may be unreadable, the English one not."""
    lists = []
    for value in values:
        windows = _read(value, label, anchors, sent)
        if windows:
            lists.append(tuple(sorted(set(windows))))
        elif _CLOCKS.search(value) and not _foreign(value):
            raise ValueError(f"{label} holds times that cannot be read: {value[:120]!r}")
    return lists


def _foreign(value: str) -> bool:
    words = re.findall(r"[^\W\d_]{3,}", value)
    return bool(words) and all(_weekday(word) is None for word in words)


def _read(value: str, label: str, anchors: Sequence[Dates], sent: datetime | None) -> list[Wall]:
    """Every window of a text; none where it holds none that can be read. Raises ValueError where only a part can be."""
    found = list(_WINDOW.finditer(value))
    windows = []
    for match in found:
        start = _moment(match, "1", None)
        end = _moment(match, "2", start) if start is not None else None
        if start is not None and end is not None:
            begins = _placed(start, label, anchors, sent)
            windows.append((begins, _placed(end, label, anchors or ((begins.date(), begins.date()),), sent)))
    rest = _WINDOW.sub(" ", value)
    if windows and (len(windows) < len(found) or _CLOCKS.search(rest)):
        raise ValueError(f"{label} holds a time that belongs to no window: {value[:120]!r}")
    return windows


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


def _placed(moment: _Moment, label: str, anchors: Sequence[Dates], sent: datetime | None) -> datetime:
    """The year that fits: within a day of a SPAN, on the weekday that is written."""
    if moment.year is not None:
        days = [_date(moment.year, moment.month, moment.day)]
    else:
        days = [day for day in _candidates(moment, anchors, sent) if _near(day, anchors, sent)]
    written = f"{moment.day:02d}.{moment.month:02d}. {moment.clock:%H:%M}"
    if not days:
        where = f"the dates of the mail ({_described(anchors)})" if anchors else "the day on which the mail was sent"
        raise _Contradiction(f"{label} {written} is not near {where}")
    fitting = [day for day in days if moment.weekday is None or day.weekday() == moment.weekday]
    if not fitting:
        raise _Contradiction(
            f"{label} {written}: {days[0]} is a {days[0]:%A}, the mail says {_FULL_DAYS[moment.weekday or 0]}"
        )
    if len(fitting) > 1 or (not anchors and moment.year is None and moment.weekday is None):
        raise ValueError(f"{label} {written}: the year is not certain")
    return datetime.combine(fitting[0], moment.clock) + timedelta(days=int(moment.next_day))


def _candidates(moment: _Moment, anchors: Sequence[Dates], sent: datetime | None) -> list[date]:
    middles = [anchor[0].year for anchor in anchors] or ([sent.year] if sent else [])
    if not middles:
        raise ValueError("the mail gives no year: no SPAN, no date in the subject, no Date")
    days = []
    for year in range(min(middles) - 1, max(middles) + 2):
        try:
            days.append(date(year, moment.month, moment.day))
        except ValueError:
            continue
    return days


def _near(day: date, anchors: Sequence[Dates], sent: datetime | None) -> bool:
    if anchors:
        return any(_within(day, anchor, 1) for anchor in anchors)
    return sent is not None and sent.date() - timedelta(days=30) <= day <= sent.date() + timedelta(days=300)


def _described(spans: Sequence[Dates]) -> str:
    return " and ".join(f"{first} .. {last}" for first, last in spans)


def _zones(zones: Mapping[str, str | None]) -> dict[str, Zone]:
    names = {name for name in zones.values() if name}
    return {name: zone for name in sorted(names) if (zone := zone_named(name)) is not None}


def _from_local(local: Wall, zones: Mapping[str, str | None]) -> Interval:
    known = _zones(zones)
    if len(known) != 1 or None in zones.values():
        raise ValueError("only LOCAL is given, and the zone of its sites is not certain")
    zone = next(iter(known.values()))
    doubts = (*zone.doubts(local[0]), *zone.doubts(local[1]))
    if doubts:
        raise ValueError("; ".join(doubts))
    return _interval(zone.instants(local[0])[0], zone.instants(local[1])[0])


def _hold_against(local: Wall, interval: Interval, zones: Mapping[str, str | None]) -> None:
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
