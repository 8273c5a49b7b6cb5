"""Days, clock times and zones in running English text, each where it stands; what is ambiguous stays so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from zoneinfo import ZoneInfo

from maintsched.readers.zones import UTC_ZONE, Zone, zone_named

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = (
    r"(?P<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|(?-i:May|MAY)|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_BEFORE = rf"(?:\b(?P<w>{_DAY})\b\.?[,\s]+(?:the\s+)?)?"
_AFTER = rf"(?:[,\s]*\(?\b(?P<x>{_DAY})\b\)?(?![,\s]+\d{{1,2}}(?:st|nd|rd|th)?[\s/.-]*[a-z]))?"
_ORDINAL = r"(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_BEFORE}(?<![\d.:/])(?P<d>\d{{1,2}}){_ORDINAL}(?:\s+of)?[\s/-]*{_MONTH}(?:,?[\s/-]*(?P<y>20\d\d))?(?!\d){_AFTER}",
        rf"{_BEFORE}\b{_MONTH}\s+(?P<d>\d{{1,2}}){_ORDINAL}(?![\d:])(?:,?\s+(?P<y>20\d\d)(?!\d))?{_AFTER}",
        rf"{_BEFORE}(?<!\d)(?P<y>20\d\d)-(?P<n>\d\d)-(?P<d>\d\d)(?!\d)(?:T(?=\d\d:)|{_AFTER})",
        rf"{_BEFORE}(?<![\d.:/])(?P<d>\d{{1,2}})(?P<s>[/.-])(?P<n>\d{{1,2}})(?P=s)(?P<y>20\d\d|\d\d)(?![\d:]){_AFTER}",
    )
)
_SEVERAL_BEFORE = re.compile(rf"(?<![\d:])\d{{1,2}}{_ORDINAL}\s*(?:-|–|—|&|/|,|and|to)\s*$", re.IGNORECASE)
_SEVERAL_AFTER = re.compile(
    rf"\s*(?:-|–|—|&|,|and|to)\s*\d{{1,2}}{_ORDINAL}\b(?!\s*:|\s*[ap]\.?m|[\s/-]*{_MONTH})", re.IGNORECASE
)
_WEEKDAY = re.compile(rf"\b(?P<w>{_DAY})\b", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?<![\d:.])(?:(?P<h>\d{1,2}):(?P<i>\d\d)(?::\d\d)?(?![\d:])(?:\s*(?P<a>[ap])\.?m\b\.?)?"
    r"|(?P<g>\d{1,2})\s*(?P<b>[ap])\.?m\b\.?)",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"\b(?:GMT|UTC)(?:\s*\+\s*(?P<p>\d{1,2})(?::?(?P<q>\d\d))?(?![\d:])|[-−](?P<n>\d{1,2})(?![\d:]))")
_ISO_OFFSET = re.compile(r"(?:(?<=T\d\d:\d\d:\d\d)|(?<=T\d\d:\d\d))(?P<s>[+-])(?P<p>\d\d):?(?P<q>\d\d)\b")
_SERVER = re.compile(
    r"\b(?:(?:MT\s?[45]|MetaTrader|cTrader|trading)\s+)*(?:server|platform|terminal)(?:'s)?\s+time\b", re.IGNORECASE
)
_NAMED = re.compile(r"(?:(?<=\d)Z\b|\b(?P<z>GMT|UTC|CEST|CET|EEST|EET|WEST|WET|BST|EST|EDT|ET|SGT|JST|HKT)\b)")
_SHIFT = re.compile(r"\s*\+\s*(\d{1,2})(?![\d:])")
_PLACE = re.compile(r"\b(?P<p>local|[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)\s+[Tt]ime\b")
_UNKNOWN = re.compile(r"(?<=\d)\s*\(?(?P<u>[A-Z]{2,4}T|MSK)\b")
_ABBREVIATIONS = {
    "CET": (1, "Europe/Paris"),
    "CEST": (2, "Europe/Paris"),
    "EET": (2, "Asia/Nicosia"),
    "EEST": (3, "Asia/Nicosia"),
    "WET": (0, "Europe/Lisbon"),
    "WEST": (1, "Europe/Lisbon"),
    "BST": (1, "Europe/London"),
    "EST": (-5, "America/New_York"),
    "EDT": (-4, "America/New_York"),
    "SGT": (8, "Asia/Singapore"),
    "JST": (9, "Asia/Tokyo"),
    "HKT": (8, "Asia/Hong_Kong"),
}
_PLACES = {
    "london": "Europe/London",
    "new york": "America/New_York",
    "cyprus": "Asia/Nicosia",
    "limassol": "Asia/Nicosia",
    "nicosia": "Asia/Nicosia",
    "tokyo": "Asia/Tokyo",
    "singapore": "Asia/Singapore",
    "eastern": "America/New_York",
}
# "Start Time" and the like are labels, no zones.
_NO_PLACES = re.compile(
    r"(?:start|end|date|down|up|maintenance|estimated|expected|window|real|long|short|first|last|any|same|that|this|the"
    r"|duration|begin|finish|in|on|of|from|all|response|each|one|some|no|full|universal)(?:ing)?\b",
    re.IGNORECASE,
)
SERVER_TIME = zone_named("NY+7")


@dataclass(frozen=True, slots=True)
class Token:
    """Something found at `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Day(Token):
    """A day as written: its readings (day, month); `year` and `weekday` (0 is Monday) where they are written."""

    readings: tuple[tuple[int, int], ...]
    year: int | None
    weekday: int | None
    several: bool

    def on(self, sent: date | None) -> date:
        """The date that is meant; without a year the nearest to when the mail was sent. Raises ValueError in doubt."""
        if self.several:
            raise ValueError("it names several days at once")
        if self.year is None and sent is None:
            raise ValueError("it names a day without a year, and the mail has no Date")
        found = [day for month_day in self.readings if (day := self._dated(month_day, sent)) is not None]
        if not found:
            raise ValueError(f"there is no day {self.readings[0][0]:02d}.{self.readings[0][1]:02d}.")
        fitting = [day for day in found if self.weekday in (None, day.weekday())]
        if not fitting:
            raise ValueError(f"{found[0]} is a {found[0]:%A}, the mail says {_WEEKDAYS[self.weekday or 0].title()}")
        if len(set(fitting)) > 1:
            raise ValueError(f"a day could be {' or '.join(map(str, fitting))}")
        if self.year is None and self.weekday is None and sent is not None and abs((fitting[0] - sent).days) > 120:
            raise ValueError(f"the year of {fitting[0]:%d.%m.} is not certain")
        return fitting[0]

    def _dated(self, reading: tuple[int, int], sent: date | None) -> date | None:
        years = [self.year] if self.year is not None else [sent.year + by for by in (-1, 0, 1)] if sent else []
        days = []
        for year in years:
            try:
                days.append(date(year, reading[1], reading[0]))
            except ValueError:
                continue
        return min(days, key=lambda day: abs((day - sent).days) if sent else 0, default=None)


@dataclass(frozen=True, slots=True)
class Clock(Token):
    """A time of day; `half` says whether am or pm was written."""

    minutes: int
    half: bool


@dataclass(frozen=True, slots=True)
class Named(Token):
    """A zone; `zone` is None where it is not known. `server` marks the platform's own."""

    label: str
    zone: Zone | None
    server: bool = False


def days_in(text: str) -> list[Day]:
    """The days of a text, in their order."""
    found: list[Day] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(_day(match, text))
    return sorted(found, key=lambda day: day.start)


def _day(match: re.Match[str], text: str) -> Day:
    groups = match.groupdict()
    day = int(groups["d"])
    if groups.get("m"):
        readings: tuple[tuple[int, int], ...] = ((day, _MONTHS.index(groups["m"][:3].lower()) + 1),)
    else:
        number = int(groups["n"])
        # With dots, or year first, the order is certain; else Americans write the month first.
        certain = groups.get("s") in (None, ".") or day == number
        readings = ((day, number),) if certain else tuple(r for r in ((day, number), (number, day)) if r[1] <= 12)
    year = groups.get("y")
    weekday = groups.get("w") or groups.get("x")
    several = _SEVERAL_BEFORE.search(text[max(0, match.start() - 16) : match.start()]) or _SEVERAL_AFTER.match(
        text, match.end()
    )
    return Day(
        match.start(),
        match.end(),
        readings or ((day, 0),),
        (int(year) if len(year) == 4 else 2000 + int(year)) if year else None,
        _WEEKDAYS.index(weekday[:3].lower()) if weekday else None,
        several is not None,
    )


def weekdays_in(text: str) -> set[int]:
    """The weekdays (0 is Monday) that a text names, with or without a date."""
    return {_WEEKDAYS.index(match["w"][:3].lower()) for match in _WEEKDAY.finditer(text)}


def clocks_in(text: str) -> list[Clock]:
    """The times of day of a text. Raises ValueError for one that does not exist."""
    found = []
    offsets = [match.span() for pattern in (_OFFSET, _ISO_OFFSET) for match in pattern.finditer(text)]
    for match in _CLOCK.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in offsets):
            continue
        hour, minute = int(match["h"] or match["g"]), int(match["i"] or 0)
        half = (match["a"] or match["b"] or "").lower()
        if minute > 59 or hour > 24 or (hour == 24 and minute) or (half and not 1 <= hour <= 12):
            raise ValueError(f"{match[0].strip()!r} is not a time")
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        found.append(Clock(match.start(), match.end(), hour * 60 + minute, bool(half)))
    return found


def zones_in(text: str) -> list[Named]:
    """The zones of a text, known or not, in their order."""
    found: list[Named] = []
    for zone in (*_offsets(text), *_servers(text), *_named(text), *_places(text)):
        if not any(zone.start < other.end and other.start < zone.end for other in found):
            found.append(zone)
    return sorted(found, key=lambda zone: zone.start)


def _offsets(text: str) -> Iterator[Named]:
    for match in _OFFSET.finditer(text):
        minutes = int(match["p"]) * 60 + int(match["q"] or 0) if match["p"] else -int(match["n"]) * 60
        yield Named(match.start(), match.end(), match[0], _fixed(match[0], minutes))
    for match in _ISO_OFFSET.finditer(text):
        minutes = (int(match["p"]) * 60 + int(match["q"])) * (-1 if match["s"] == "-" else 1)
        yield Named(match.start(), match.end(), match[0], _fixed(match[0], minutes))


def _fixed(label: str, minutes: int, check: str = "") -> Zone | None:
    if not -12 * 60 <= minutes <= 14 * 60:
        return None
    region = ZoneInfo(check) if check else None
    return Zone(label, timezone(timedelta(minutes=minutes)), check=region, check_label=check)


def _servers(text: str) -> Iterator[Named]:
    for match in _SERVER.finditer(text):
        yield Named(match.start(), match.end(), "server time", SERVER_TIME, server=True)


def _named(text: str) -> Iterator[Named]:
    for match in _NAMED.finditer(text):
        name = match["z"] or "UTC"
        shift = _SHIFT.match(text, match.end())
        if name in ("GMT", "UTC"):
            yield Named(match.start(), match.end(), name, UTC_ZONE)
        elif name == "ET":
            yield Named(match.start(), match.end(), name, zone_named("America/New_York"))
        else:
            hours, region = _ABBREVIATIONS[name]
            # CET+1 is written for an hour that is one more than in Paris, whatever Paris has on that day.
            more = int(shift[1]) if shift else 0
            label = f"{name}+{more}" if more else name
            zone = _fixed(label, (hours + more) * 60, "" if more else region)
            yield Named(match.start(), shift.end() if shift else match.end(), label, zone)
    for match in _UNKNOWN.finditer(text):
        yield Named(match.start("u"), match.end("u"), match["u"], None)


def _places(text: str) -> Iterator[Named]:
    for match in _PLACE.finditer(text):
        name = match["p"].lower()
        if name in _PLACES:
            yield Named(match.start(), match.end(), match[0], zone_named(_PLACES[name]))
        elif not _NO_PLACES.match(name):
            yield Named(match.start(), match.end(), match[0], None)
