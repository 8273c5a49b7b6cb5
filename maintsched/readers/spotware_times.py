"""The windows in plain announcements: which day, start, end and zone belong together, and what cannot be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from maintsched.domain.interval import Interval, iso
from maintsched.readers.origin import Origin
from maintsched.readers.spotware_tokens import (
    SERVER_TIME,
    Clock,
    Day,
    Named,
    clocks_in,
    days_in,
    weekdays_in,
    zones_in,
)
from maintsched.readers.times import Times, WallTime, midnight, resolved
from maintsched.readers.zones import Zone, zone_named

WORK = re.compile(
    r"mainten|upgrad|downtime|unavailab|outage|restart|reboot|update|patch|migrat|disconnect|inaccessib|offline"
    r"|interrupt|\bwork\b|affected|window|dropp|reconnect|terminat|suspend|unreach|not (?:be )?(?:available|possible)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"trad(?:e|ing) (?:hours|times?|sessions?)|market (?:hours|clos|open)|close[sd]? early|early close|open[s]? late"
    r"|late open",
    re.IGNORECASE,
)
_OFFICE = re.compile(r"(?:office|business|working|support|opening) hours|support (?:team )?is available", re.IGNORECASE)
_SPLIT = re.compile(r"(?<=[.;!?])(?<![ap]\.m\.)\s+(?=[A-Z])")
_JOINT = re.compile(
    r"[-–—~|→]|\b(?:to|until|till|through|and|ends?|ending|finish(?:es|ing)?|concludes?)\b", re.IGNORECASE
)
_JOINT_WORDS = {
    *("to", "until", "till", "through", "and", "end", "ends", "ending", "finish", "finishes", "finishing", "conclude"),
    *(
        "concludes",
        "by",
        "at",
        "on",
        "of",
        "the",
        "is",
        "will",
        "be",
        "expected",
        "estimated",
        "approximately",
        "about",
    ),
    *("around", "same", "next", "following", "day", "date", "time", "completion"),
}
MAX_LINE = 2000
MAX_HEADING = 300
_ODD_TIMES = re.compile(
    r"(?<![\d.])\d{1,2}[.h]\d\d\s*(?:-|–|to|until)\s*\d{1,2}[.h]\d\d(?![\d.])|\b[012]\d[0-5]\d\s*(?:-|–|to)\s*[012]\d[0-5]\d\b"
    r"|\b(?:from|between) \d{1,2} (?:to|until|till|and) \d{1,2}\b(?!\s*(?:st|nd|rd|th|jan|feb|mar|apr|may|jun|jul|aug"
    r"|sep|oct|nov|dec|%|min|sec|times))",
    re.IGNORECASE,
)
_PLANNED = re.compile(r"mainten|upgrad|downtime|outage", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(?:today|tonight|tomorrow|(?:this|next|coming) (?:week|mon|tue|wed|thu|fri|sat|sun)\w*)\b", re.IGNORECASE
)
_PUBLISHED = re.compile(r"publish|posted|issued|\bsent\b|trading update|as of|dear", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Window:
    """One window, or what is left of one: `times.interval` is None in doubt. `before` are the words in front of it."""

    times: Times
    line: int
    text: str
    before: str = ""


@dataclass(slots=True)
class _Context:
    """What lines say for the next ones. `sent` is the day of the mail; `general` are the zones of the whole mail."""

    origin: Origin
    sent: date | None
    general: Sequence[Named]
    heading: Day | None = None
    found: list[Window] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Start and end as they stand in a line, with the tokens around them."""

    first: Clock
    last: Clock
    before: tuple[Day, ...]
    between: tuple[Day, ...]
    after: tuple[Day, ...]
    zones: tuple[Named, ...]


def windows_in(lines: Sequence[str], sent: datetime | None, origin: Origin) -> list[Window]:
    """Every window of these lines, and every time that could be one but cannot be told."""
    told = [sentence for line in lines if len(line) <= MAX_LINE for sentence in sentences(line)]
    general = [zone for sentence in told if not times_of_day(sentence) for zone in zones_in(sentence)]
    context = _Context(origin, sent.date() if sent else None, general)
    for number, line in enumerate(lines):
        for sentence in sentences(line):
            _sentence(sentence, number, context)
    return [*context.found, *_without_clocks(lines, context)] if context.found else []


def _without_clocks(lines: Sequence[str], context: _Context) -> Iterator[Window]:
    """Days to come on which something is planned, of which no window tells the times."""
    known = [one.times.interval for one in context.found if one.times.interval is not None]
    for number, line in enumerate(lines):
        for sentence in sentences(line) if len(line) <= MAX_LINE else ():
            if times_of_day(sentence) or not _PLANNED.search(sentence) or _PUBLISHED.search(sentence):
                continue
            for day in days_in(sentence):
                with suppress(ValueError):
                    on = day.on(context.sent)
                    if context.sent and on >= context.sent and not any(near(on, interval) for interval in known):
                        yield _doubt(number, sentence, f"it speaks of work on {on}, but tells no times")


def near(day: date, interval: Interval) -> bool:
    """Whether a day, of whatever zone, may be one of a window's."""
    slack = timedelta(days=1)
    return interval.start.date() - slack <= day <= interval.end.date() + slack


def sentences(line: str) -> list[str]:
    """A line cut after full stops."""
    return [sentence.strip() for sentence in _SPLIT.split(line)]


def times_of_day(text: str) -> bool:
    """Whether a text holds a time of day that can be read."""
    try:
        return bool(clocks_in(text))
    except ValueError:
        return False


def _sentence(text: str, number: int, context: _Context) -> None:
    if len(text) <= MAX_LINE and _of_others(text):
        return
    if len(text) > MAX_LINE:
        context.found += [_doubt(number, text, "a line is too long to be read")] if re.search(r"\d:\d\d", text) else []
        return
    try:
        clocks = clocks_in(text)
    except ValueError as error:
        context.found.append(_doubt(number, text, str(error)))
        return
    if not clocks:
        if _ODD_TIMES.search(text):
            context.found.append(_doubt(number, text, "times are written in a way that cannot be read"))
        _remember(text, context)
        return
    pairs = _pairs(text, clocks)
    if pairs is None:
        context.found.append(_doubt(number, text, "it gives a time that has no start or no end"))
        return
    context.found += list(_windows(text, number, pairs, context))


def _of_others(text: str) -> bool:
    """Whether its times are hours of trade, or of an office; where the text speaks of work too, they are not."""
    if WORK.search(text):
        return False
    return _OTHER.search(text) is not None or (_OFFICE.search(text) is not None and not days_in(text))


def _doubt(number: int, text: str, why: str, before: str = "") -> Window:
    return Window(Times(None, (f"{why}: {text[:120]!r}",)), number, text, before)


def _remember(text: str, context: _Context) -> None:
    """A day that stands alone above its windows; more words than a heading has end it."""
    if len(text) > MAX_HEADING:
        context.heading = None
        return
    days = days_in(text)
    words = [word for word in re.findall(r"[^\W\d_]{2,}", _blanked(text, days)) if not weekdays_in(word)]
    if len({(day.readings, day.year) for day in days}) == 1 and not _PUBLISHED.search(text):
        heading = len(words) <= 4 or (WORK.search(text) is not None and days[0].weekday is not None)
        context.heading = days[0] if heading else None
    elif days or len(words) > 6 or _PUBLISHED.search(text):
        context.heading = None


def _blanked(text: str, tokens: Sequence[Day | Clock | Named]) -> str:
    for token in tokens:
        text = text[: token.start] + " " * (token.end - token.start) + text[token.end :]
    return text


def _pairs(text: str, clocks: Sequence[Clock]) -> list[_Pair] | None:
    """Clock times two by two, each with the days and zones around it; None where one is left over."""
    days, zones = days_in(text), zones_in(text)
    if len(clocks) % 2:
        return None
    plain = _blanked(text, [*days, *zones])
    pairs: list[_Pair] = []
    for index in range(0, len(clocks), 2):
        first, last = clocks[index], clocks[index + 1]
        gap = plain[first.end : last.start]
        words = {word.lower() for word in re.findall(r"[^\W\d_]+", gap) if not weekdays_in(word)}
        if not _JOINT.search(gap) or not words <= _JOINT_WORDS or re.search(r"\d", gap):
            return None
        floor = clocks[index - 1].end if index else 0
        ceiling = clocks[index + 2].start if index + 2 < len(clocks) else len(text)
        pairs.append(
            _Pair(
                first,
                last,
                tuple(day for day in days if floor <= day.start < first.start),
                tuple(day for day in days if first.start < day.start < last.start),
                tuple(day for day in days if last.start < day.start < ceiling),
                tuple(zone for zone in zones if (first.start if index else 0) <= zone.start < ceiling),
            )
        )
    return pairs


def _windows(text: str, number: int, pairs: Sequence[_Pair], context: _Context) -> Iterator[Window]:
    """The windows of one sentence. Where the day stands behind the times in one of them, it does in all."""
    behind = not (pairs[0].before or pairs[0].between)
    previous: tuple[date, Times] | None = None
    floor = 0
    for pair in pairs:
        before = text[floor : pair.first.start]
        floor = pair.last.end
        try:
            if previous is not None and _restates(pair, before):
                _hold_restated(pair, previous, context)
                continue
            start, end = _days(pair, behind, previous[0] if previous else None, text, context)
            times = _times(pair, start, end, _zones(pair, pairs, context))
        except (ValueError, OverflowError) as error:
            yield _doubt(number, text, str(error), before)
            continue
        previous = (start, times)
        yield Window(times, number, text, before)


def _restates(pair: _Pair, before: str) -> bool:
    """`08:00 - 23:00 server time (05:00 - 20:00 UTC)`: the same window on another clock."""
    return bool(pair.zones) and not (pair.before or pair.between) and re.search(r"[(/=\[]\s*$", before) is not None


def _hold_restated(pair: _Pair, previous: tuple[date, Times], context: _Context) -> None:
    day, times = previous
    again = _times(pair, day, _next_day(pair, day), _agreed(pair.zones))
    if times.interval is None or again.interval is None:
        raise ValueError("a window is written on two clocks, but one of them is in doubt")
    shift = again.interval.start - times.interval.start
    same = shift % timedelta(days=1) == timedelta() and abs(shift) <= timedelta(days=1)
    if not same or again.interval.duration != times.interval.duration:
        raise ValueError(f"a window is written on two clocks that do not agree on {iso(times.interval.start)}")


def _next_day(pair: _Pair, start: date) -> date:
    return start + timedelta(days=1) if pair.last.minutes <= pair.first.minutes else start


def _days(pair: _Pair, behind: bool, previous: date | None, text: str, context: _Context) -> tuple[date, date]:
    """The days of start and end. Raises ValueError where they are not written, or several could be meant."""
    if _half_said(pair):
        raise ValueError("am or pm is written for only one of two times")
    written = [pair.before, pair.between, pair.after if behind else ()]
    found = next((days for days in written if days), ())
    if len({(day.readings, day.year) for day in found}) > 1:
        raise ValueError("several days stand before one window")
    day = found[-1] if found else None
    if day is None:
        start = previous or _inherited(text, context)
    else:
        start = _dated(day, (*pair.before, *pair.between, *pair.after), context.sent)
    if pair.between and pair.before:
        if len(pair.between) > 1:
            raise ValueError("several days stand between a start and an end")
        end = _dated(pair.between[0], (*pair.between, *pair.before), context.sent)
    else:
        end = _next_day(pair, start)
        if end != start and day is not None and day in pair.after:
            raise ValueError("it ends on another day than it starts, but only one is written, behind")
        if end != start and pair.first.minutes - pair.last.minutes < 8 * 60:
            raise ValueError("it ends before it starts, too long before to be meant for the next day")
    return start, end


def _half_said(pair: _Pair) -> bool:
    both = (pair.first, pair.last)
    return any(one.half for one in both) and any(not one.half and one.minutes < 13 * 60 for one in both)


def _dated(day: Day, near: Sequence[Day], sent: date | None) -> date:
    """The date of a day; a year that stands beside its neighbour is its own too."""
    years = {other.year for other in near if other.year is not None}
    if day.year is None and len(years) == 1:
        day = Day(day.start, day.end, day.readings, years.pop(), day.weekday, day.several)
    return day.on(sent)


def _inherited(text: str, context: _Context) -> date:
    if context.heading is None:
        raise ValueError("it names no day" if not _RELATIVE.search(text) else "it names no date, only words for a day")
    day = context.heading.on(context.sent)
    weekdays = weekdays_in(text)
    if weekdays and weekdays != {day.weekday()}:
        raise ValueError(f"the day above is {day}, a {day:%A}")
    if not weekdays and context.heading.weekday is None and day == context.sent:
        raise ValueError(f"the day above, {day}, may be that of the mail")
    return day


def _zones(pair: _Pair, pairs: Sequence[_Pair], context: _Context) -> list[Zone]:
    """The zones that a window is meant in, which must agree: its own, else its line's, the mail's, the source's."""
    if pair.zones:
        return _agreed(pair.zones)
    of_line = [zone for other in pairs for zone in other.zones]
    if len({zone.label for zone in of_line}) == 1:
        return _agreed(of_line[:1])
    if of_line:
        raise ValueError("its line names several zones, and none for this window")
    if context.general:
        return _of_mail(context.general)
    if context.origin.timezone:
        declared = zone_named(context.origin.timezone)
        if declared is None:
            raise ValueError(f"the zone {context.origin.timezone!r} of {context.origin.source} is not known")
        return [declared]
    raise ValueError("it names no zone, and none is declared for its source")


def _agreed(zones: Sequence[Named]) -> list[Zone]:
    unknown = [zone.label for zone in zones if zone.zone is None]
    if unknown:
        raise ValueError(f"the zone {unknown[0][:40]!r} is not known")
    return [zone.zone for zone in zones if zone.zone is not None]


def _of_mail(zones: Sequence[Named]) -> list[Zone]:
    """Server time is announced with both of its offsets where the clocks change: the day says which one counts."""
    offsets = {zone.label.replace(" ", "") for zone in zones if zone.label[:3] in ("GMT", "UTC")}
    if any(zone.server for zone in zones) and SERVER_TIME and offsets == {"GMT+2", "GMT+3"}:
        return [SERVER_TIME]
    return _agreed(zones)


def _times(pair: _Pair, start: date, end: date, zones: Sequence[Zone]) -> Times:
    """The interval, the same on all the clocks that are written. Raises ValueError where they contradict each other."""
    begins = midnight(start) + timedelta(minutes=pair.first.minutes)
    ends = midnight(end) + timedelta(minutes=pair.last.minutes)
    found = [(zone.label, resolved(WallTime(begins, zone), WallTime(ends, zone))) for zone in zones]
    intervals: dict[Interval | None, str] = {}
    for label, times in found:
        intervals.setdefault(times.interval, label)
    if len(intervals) > 1:
        told = ", ".join(f"{label}: {iso(one.start) if one else 'none'}" for one, label in intervals.items())
        raise ValueError(f"its zones do not agree ({told})")
    problems = tuple(dict.fromkeys(problem for _, times in found for problem in times.problems))
    interval = found[0][1].interval
    if interval is None:
        raise ValueError("; ".join(problems))
    return Times(interval, problems)
