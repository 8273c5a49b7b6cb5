"""Zones at the edge: names that calendars use, wall-clock times to UTC, and VTIMEZONEs checked against IANA."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from icalendar import Calendar as Parsed
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from maintsched.readers.contentlines import Calendar, Property, clean
from maintsched.readers.rules import changes_clocks

# What a library works out of one VTIMEZONE takes tens of milliseconds at most inside of these.
MAX_LINES, MAX_RULES, MAX_DATES = 1000, 12, 1000
MAX_DEFINITIONS = 20  # of one calendar

_SERVER_TIME = re.compile(r"NY([+-]\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)

_RULE = re.compile("RRULE[;:]", re.IGNORECASE)
_LONG_AGO = re.compile(r"^(DTSTART(?:;[^:]*)?:)(?:0\d{3}|1[0-8]\d\d)(?=\d{4}T)", re.IGNORECASE | re.ASCII)

# IANA keeps these names without daylight saving; who writes them in summer usually means the region.
_MEANT_REGION = {"EST": "America/New_York", "MST": "America/Denver", "GMT": "Europe/London"}


@dataclass(frozen=True, slots=True)
class Zone:
    """A wall clock: `tz` plus a fixed shift (server time is New York + 7 h).

    `check` is a second opinion on `tz`; `fault` says why the file's own definition of it could not be asked.
    """

    label: str
    tz: tzinfo
    shift: timedelta = timedelta()
    check: tzinfo | None = None
    check_label: str = ""
    fault: str = ""

    def instants(self, wall: datetime) -> tuple[datetime, ...]:
        """Every UTC instant at which this clock shows `wall`: none in the spring gap, two in the autumn hour."""
        return _instants(wall - self.shift, self.tz)

    def wall(self, moment: datetime) -> datetime:
        """What this clock shows at an aware moment, without zone."""
        return moment.astimezone(self.tz).replace(tzinfo=None) + self.shift

    def earliest_and_latest(self, wall: datetime) -> tuple[datetime, datetime]:
        """The widest reading of a wall time; in the gap both neighbours of it."""
        found = self.instants(wall)
        if not found:
            naive = wall - self.shift
            found = tuple(naive.replace(tzinfo=self.tz, fold=fold).astimezone(UTC) for fold in (0, 1))
        return min(found), max(found)

    def doubts(self, wall: datetime) -> tuple[str, ...]:
        """Why this wall time is not to be trusted: it does not exist, exists twice, or the file contradicts IANA."""
        found = self.instants(wall)
        if not found:
            return (f"{wall:%Y-%m-%d %H:%M} does not exist in {self.label} (clocks go forward)",)
        if len(found) > 1:
            return (f"{wall:%Y-%m-%d %H:%M} exists twice in {self.label} (clocks go back)",)
        if self.check is not None and _instants(wall - self.shift, self.check) != found:
            return (f"the time zone {self.label} contradicts {self.check_label} at {wall:%Y-%m-%d %H:%M}",)
        return (self.fault,) if self.fault else ()


UTC_ZONE = Zone("UTC", UTC)


def _instants(naive: datetime, tz: tzinfo) -> tuple[datetime, ...]:
    if tz is UTC:
        return (naive.replace(tzinfo=UTC, fold=0),)
    found = set()
    for fold in (0, 1):
        moment = naive.replace(tzinfo=tz, fold=fold).astimezone(UTC)
        if moment.astimezone(tz).replace(tzinfo=None, fold=0) == naive.replace(fold=0):
            found.add(moment)
    return tuple(sorted(found))


def iana(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None."""
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone_named(name: str) -> Zone | None:
    """The zone of a config's `timezone:`; an IANA name or `NY+7`."""
    if server := _SERVER_TIME.fullmatch(name.strip()):
        return Zone(name.strip(), ZoneInfo("America/New_York"), timedelta(hours=int(server[1])))
    found = iana(name.strip())
    return Zone(name.strip(), found) if found else None


def zone_of_file(tzid: str, calendar: Calendar) -> Zone | None:
    """The zone that a TZID stands for: IANA, Windows or prefixed IANA name, else the file's own VTIMEZONE."""
    tzid = tzid.strip().strip('"')
    label = clean(tzid)[:60]
    known = _known(tzid)
    own = _own_definition(tzid, calendar)
    if known is None:
        return Zone(label, own) if own is not None else None
    if own is not None:
        return Zone(label, known, check=own, check_label="the file's own VTIMEZONE")
    if tzid in calendar.zones:
        return Zone(label, known, fault=f"the file's own definition of the time zone {label} cannot be read")
    if tzid in _MEANT_REGION:
        region = _MEANT_REGION[tzid]
        return Zone(label, known, check=ZoneInfo(region), check_label=f"{region}, which is often meant")
    return Zone(label, known)


def _known(tzid: str) -> ZoneInfo | None:
    if found := iana(WINDOWS_TO_OLSON.get(tzid, tzid)):
        return found
    parts = tzid.strip("/").split("/")
    for length in (3, 2):
        if tzid.startswith("/") and len(parts) > length and (found := iana("/".join(parts[-length:]))):
            return found
    return None


def _own_definition(tzid: str, calendar: Calendar) -> tzinfo | None:
    """The zone as the file itself defines it; None where it does not, not readably, or in two ways."""
    if tzid not in calendar.zones or tzid in calendar.ambiguous:
        return None
    if tzid not in calendar.own_clocks:
        readable = len(calendar.own_clocks) < MAX_DEFINITIONS
        calendar.own_clocks[tzid] = _clock(tuple(calendar.zones[tzid].source)) if readable else None
    return calendar.own_clocks[tzid]


@lru_cache(maxsize=64)
def _clock(lines: tuple[str, ...]) -> tzinfo | None:
    """The zone that the lines of a VTIMEZONE define. Kept, as every entry of a calendar may come with the same ones."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.upper().startswith("BEGIN:"):
            parts.append([])
        parts[-1].append(line)
    if not _is_small(lines) or not all(map(_from_1970, parts)):
        return None
    # icalendar would give the IANA zone of that name; only its own rules can be compared.
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "BEGIN:VTIMEZONE", *chain.from_iterable(parts), "END:VTIMEZONE", "END:VCALENDAR", ""]
    )
    try:
        found = Parsed.from_ical(text.encode()).walk("VTIMEZONE")[0]
        zone: tzinfo = found.to_tz(lookup_tzid=False)  # type: ignore[attr-defined]
        zone.utcoffset(datetime(2026, 1, 1))  # noqa: DTZ001 (a wall time is asked for)
    except Exception:  # noqa: BLE001 (what a foreign VTIMEZONE breaks inside two libraries is not enumerable)
        return None
    return zone


def _is_small(lines: tuple[str, ...]) -> bool:
    # Whatever its rules, a library would expand them until 2038; and its dates, however many.
    rules = [line.partition(":")[2] for line in lines if _RULE.match(line)]
    dates = sum(1 + line.count(",") for line in lines if re.match("RDATE[;:]", line, re.IGNORECASE))
    return len(lines) <= MAX_LINES and len(rules) <= MAX_RULES and dates <= MAX_DATES and changes_clocks(rules)


def _from_1970(part: list[str]) -> bool:
    """Outlook lets its rules begin in 1601: an endless one begins when it matters, on the same date and hour.

    False for one that began so long ago and has ended since: no zone has it, and expanding it takes long.
    """
    rules = [line for line in part if _RULE.match(line)]
    if not rules or not any(_LONG_AGO.match(line) for line in part):
        return True
    if any("UNTIL" in line.upper() for line in rules):
        return False
    part[:] = [_LONG_AGO.sub(r"\g<1>1970", line) for line in part]
    return True


def parse_time(prop: Property) -> date | datetime:
    """The value of DTSTART and the like: a date, a naive wall time, or aware UTC. Raises ValueError."""
    raw = prop.raw.strip()
    found = _TIME.fullmatch(raw)
    kind = prop.params.get("VALUE", "").upper()
    if found is None or kind not in ("", "DATE", "DATE-TIME"):
        raise ValueError(f"{prop.name} {raw[:40]!r} is not a calendar time")
    numbers = [int(part) for part in found.groups()[:6] if part is not None]
    try:
        if len(numbers) == 3:
            return date(numbers[0], numbers[1], numbers[2])
        moment = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 (a wall time; its zone comes later)
    except ValueError as error:
        raise ValueError(f"{prop.name} {raw[:40]!r}: {error}") from None
    if kind == "DATE":
        raise ValueError(f"{prop.name} {raw[:40]!r} says DATE but holds a time")
    return moment.replace(tzinfo=UTC) if found[7] else moment


def parse_duration(prop: Property) -> timedelta:
    """The value of DURATION. Raises ValueError."""
    found = _DURATION.fullmatch(prop.raw.strip().upper())
    if found is None or not any(found.groups()[1:]):
        raise ValueError(f"{prop.name} {prop.raw[:40]!r} is not a duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length
