"""Content lines of iCalendar (RFC 5545 section 3.1): bytes to calendars of events, keeping what does not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from hashlib import sha256

from maintsched.errors import NoticeUnreadable

MAX_BYTES = 32 * 1024 * 1024
MAX_LINE = 64 * 1024  # characters of one unfolded line
MAX_PROPERTIES = 5000  # of one component
MAX_EVENTS = 50_000  # of one file
MAX_DEPTH = 50
MAX_ID = 200
MAX_TITLE = 300

_PHYSICAL = re.compile(r"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")
_PARAM = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_ESCAPED = re.compile(r"\\([\\;,Nn])")
# C0 and C1 controls; what is drawn as nothing or turns the direction of text; language tags; halves of UTF-16 pairs.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FREE_TEXT = ("DESCRIPTION", "X-ALT-DESC", "COMMENT", "LOCATION", "CONTACT", "SUMMARY", "ATTACH", "IMAGE", "ATTENDEE")
_IDS = ("UID", "ORGANIZER", *(f"X-MAINTNOTE-{name}" for name in ("PROVIDER", "ACCOUNT", "MAINTENANCE-ID", "OBJECT-ID")))
_LENGTHS = {"SUMMARY": MAX_TITLE, **dict.fromkeys(_IDS, MAX_ID)}
# Outlook writes zones by what it shows for them, colon and commas and all, without the quotes that these need.
_SHOWN_ZONE = re.compile(r";TZID=(\((?:UTC|GMT)(?:[+-]\d{1,2}:\d\d)?\)[^\";:]*):(?=\d{8})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Property:
    """One unfolded content line; `name` and parameter names in capitals, `raw` the value as written."""

    name: str
    raw: str
    params: Mapping[str, str]
    line: int

    @property
    def text(self) -> str:
        """The value as one line of text: unescaped, trimmed, without control characters, of bounded length."""
        whole = self._whole
        limit = _LENGTHS.get(self.name, MAX_LINE)
        if len(whole) <= limit:
            return whole
        # A cut id keeps a digest of the whole, so that two which differ at the end stay two.
        return whole[: limit - 17] + "~" + sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def _whole(self) -> str:
        return clean(_ESCAPED.sub(lambda found: " " if found[1] in "Nn" else found[1], self.raw))

    @property
    def too_long(self) -> str:
        """The problem of an id or title that was cut, else nothing."""
        limit = _LENGTHS.get(self.name)
        if limit is None or len(self.raw) <= limit or (length := len(self._whole)) <= limit:
            return ""
        return f"{self.name} (line {self.line}) has {length} characters, more than {limit} are not read"


@dataclass(slots=True)
class Component:
    """A VEVENT or VTIMEZONE. `stray` holds lines that are no content lines, as (name before, text, line number).

    `excess` says what was left out because there is too much of it.
    """

    line: int
    properties: list[Property] = field(default_factory=list)
    stray: list[tuple[str, str, int]] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    closed: bool = False
    excess: list[str] = field(default_factory=list)

    def all(self, name: str) -> tuple[Property, ...]:
        return tuple(prop for prop in self.properties if prop.name == name)

    def first(self, name: str) -> Property | None:
        return next((prop for prop in self.properties if prop.name == name), None)

    def text(self, name: str) -> str:
        """The first value of that name as text, empty where there is none."""
        prop = self.first(name)
        return prop.text if prop else ""

    @property
    def damage(self) -> tuple[str, ...]:
        """Problems of the bytes themselves; broken folding inside free text does no harm and is left out."""
        found = [
            f"line {line} is not a calendar line, {before[:60] or 'the event'} may be cut: {text[:60]!r}"
            for before, text, line in self.stray
            if before not in _FREE_TEXT
        ]
        found += [*self.excess, *(long for prop in self.properties if (long := prop.too_long))]
        return tuple(found[:20]) if self.closed else (*found[:20], "the file ends inside this event")


@dataclass(slots=True)
class Tally:
    """How many occurrences of recurring entries a file has given so far."""

    occurrences: int = 0


@dataclass(slots=True)
class Calendar:
    """One VCALENDAR: its own properties, its events in the file's order, its VTIMEZONEs by TZID.

    `own_clocks` keeps what those VTIMEZONEs were read as, since building one takes milliseconds; `ambiguous` are the
    TZIDs that are defined several times, differently. `tally` is one for all calendars of a file.
    """

    header: Component
    events: list[Component] = field(default_factory=list)
    zones: dict[str, Component] = field(default_factory=dict)
    own_clocks: dict[str, tzinfo | None] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)


def clean(text: str) -> str:
    """One trimmed line without characters that are not seen: two texts that look the same are the same."""
    return " ".join(_CONTROL.sub("", text.replace("\r", " ").replace("\n", " ")).split())


def decode(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else Latin-1, which cannot fail."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def looks_like_calendar(data: bytes) -> bool:
    """Whether a BEGIN:VCALENDAR or a bare BEGIN:VEVENT starts a line near the beginning."""
    return (
        re.search(r"(?im)^[\ufeff \t]*BEGIN:V(CALENDAR|EVENT)\s*$", decode(data[:65536]).replace("\r", "\n"))
        is not None
    )


def read_calendars(data: bytes) -> tuple[Calendar, ...]:
    """Every VCALENDAR of the bytes; events outside of one count as one more. Raises NoticeUnreadable."""
    if len(data) > MAX_BYTES:
        raise NoticeUnreadable(f"the calendar has {len(data)} bytes, more than {MAX_BYTES} are not read")
    builder = _Builder()
    for number, text, left_out in _unfolded(decode(data)):
        builder.take(number, text, left_out)
    if not builder.calendars:
        raise NoticeUnreadable("no VCALENDAR and no VEVENT in the file")
    return tuple(builder.calendars)


def _unfolded(text: str) -> Iterator[tuple[int, str, int]]:
    """Logical lines with the number of their first physical line and how many characters were left out of each.

    Blank lines are dropped, as senders add them. One line is held at a time: a file of many short ones stays small.
    """
    first, parts, length = 0, [], 0
    for number, found in enumerate(_PHYSICAL.finditer(text), 1):
        line = found[1]
        if not line or line.isspace():
            continue
        if line[0] in " \t" and first:
            if length < MAX_LINE:
                parts.append(line[1:])
            length += len(line) - 1
            continue
        if first:
            yield _joined(first, parts, length)
        first, parts, length = number, [line], len(line)
    if first:
        yield _joined(first, parts, length)


def _joined(number: int, parts: list[str], length: int) -> tuple[int, str, int]:
    return number, "".join(parts)[:MAX_LINE], max(0, length - MAX_LINE)


def parse_property(text: str, line: int) -> Property | None:
    """A content line, or None where the text is none."""
    name = _NAME.match(text)
    if name is None:
        return None
    params: dict[str, str] = {}
    position = name.end()
    if shown := _SHOWN_ZONE.match(text, position):
        return Property(name[0].upper(), text[shown.end() :], {"TZID": shown[1]}, line)
    while found := _PARAM.match(text, position):
        params[found[1].upper()] = found[2].strip('"')
        position = found.end()
    if text[position : position + 1] != ":":
        return None
    return Property(name[0].upper(), text[position + 1 :], params, line)


class _Builder:
    """Collects components from content lines; sub-components of an event (alarms) are skipped."""

    def __init__(self) -> None:
        self.calendars: list[Calendar] = []
        self.stack: list[str] = []
        self.component: Component | None = None
        self.tally = Tally()
        self.events = 0

    def _calendar(self, number: int) -> None:
        self.calendars.append(Calendar(Component(number), tally=self.tally))
        if len(self.calendars) > MAX_EVENTS:
            raise NoticeUnreadable(f"the file has more than {MAX_EVENTS} calendars", "split it")

    def take(self, number: int, text: str, left_out: int = 0) -> None:
        prop = parse_property(text, number)
        if prop is not None and prop.name in ("BEGIN", "END"):
            self._edge(prop.name, prop.raw.strip().upper(), number, text)
        elif self.component is not None:
            if len(self.component.source) < 4 * MAX_PROPERTIES:
                self.component.source.append(text)
            if self._inside_own():
                self._add(self.component, prop, text, number)
                if left_out and (prop is None or prop.name not in _FREE_TEXT):
                    name = prop.name[:60] if prop else "it"
                    self._exceeds(f"line {number}: {name} has more than {MAX_LINE} characters, the rest is not read")
        elif self.calendars and self.stack == ["VCALENDAR"]:
            self._add(self.calendars[-1].header, prop, text, number)

    def _inside_own(self) -> bool:
        return bool(self.stack) and self.stack[-1] in ("VEVENT", "VTIMEZONE")

    def _exceeds(self, what: str) -> None:
        if self.component is not None and what not in self.component.excess and len(self.component.excess) < 5:
            self.component.excess.append(what)

    def _add(self, component: Component, prop: Property | None, text: str, number: int) -> None:
        if len(component.properties) + len(component.stray) >= MAX_PROPERTIES:
            self._exceeds(f"it has more than {MAX_PROPERTIES} properties, the rest of them is not read")
        elif prop is not None:
            component.properties.append(prop)
        else:
            before = component.properties[-1].name if component.properties else ""
            component.stray.append((before, clean(text), number))

    def _edge(self, edge: str, kind: str, number: int, text: str) -> None:
        if edge == "BEGIN" and kind == "VCALENDAR":
            self.stack, self.component = [kind], None
            self._calendar(number)
        elif edge == "BEGIN":
            self._open(kind, number, text)
        elif kind in self.stack:
            if self.component is not None and kind not in ("VEVENT", "VTIMEZONE", "VCALENDAR"):
                self.component.source.append(text)
            while self.stack.pop() != kind:
                pass
            if kind in ("VEVENT", "VTIMEZONE") and self.component is not None:
                self._close(kind)

    def _open(self, kind: str, number: int, text: str) -> None:
        # An event that begins inside another one: the first never ended, and stays marked as damaged.
        if kind in ("VEVENT", "VTIMEZONE"):
            if not self.calendars:
                self._calendar(number)
            self.stack = ["VCALENDAR", kind]
            self.component = Component(number)
            if kind == "VEVENT":
                self.calendars[-1].events.append(self.component)
                self.events += 1
                if self.events > MAX_EVENTS:
                    raise NoticeUnreadable(f"the calendar has more than {MAX_EVENTS} events", "split it")
        else:
            if len(self.stack) >= MAX_DEPTH:
                raise NoticeUnreadable(f"line {number}: components are nested more than {MAX_DEPTH} deep")
            self.stack.append(kind)
            if self.component is not None and len(self.component.source) < 4 * MAX_PROPERTIES:
                self.component.source.append(text)

    def _close(self, kind: str) -> None:
        assert self.component is not None
        self.component.closed = True
        if kind == "VTIMEZONE":
            self._define(self.calendars[-1], self.component.text("TZID"), self.component)
        self.component = None

    @staticmethod
    def _define(calendar: Calendar, tzid: str, zone: Component) -> None:
        if calendar.zones.setdefault(tzid, zone).source != zone.source:
            calendar.ambiguous.add(tzid)
