"""Content lines of iCalendar (RFC 5545 section 3.1): bytes to calendars of events, keeping what does not parse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from maintsched.errors import NoticeUnreadable

MAX_BYTES = 32 * 1024 * 1024

_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")
_PARAM = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_ESCAPED = re.compile(r"\\([\\;,Nn])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FREE_TEXT = ("DESCRIPTION", "X-ALT-DESC", "COMMENT", "LOCATION", "CONTACT", "SUMMARY", "ATTACH")


@dataclass(frozen=True, slots=True)
class Property:
    """One unfolded content line; `name` and parameter names in capitals, `raw` the value as written."""

    name: str
    raw: str
    params: Mapping[str, str]
    line: int

    @property
    def text(self) -> str:
        """The value as one line of text: unescaped, trimmed, without control characters."""
        return clean(_ESCAPED.sub(lambda found: " " if found[1] in "Nn" else found[1], self.raw))


@dataclass(slots=True)
class Component:
    """A VEVENT or VTIMEZONE. `stray` holds lines that are no content lines, as (name before, text, line number)."""

    line: int
    properties: list[Property] = field(default_factory=list)
    stray: list[tuple[str, str, int]] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    closed: bool = False

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
            f"line {line} is not a calendar line, {before or 'the event'} may be cut: {text[:60]!r}"
            for before, text, line in self.stray
            if before not in _FREE_TEXT
        ]
        return tuple(found) if self.closed else (*found, "the file ends inside this event")


@dataclass(slots=True)
class Calendar:
    """One VCALENDAR: its own properties, its events in the file's order, its VTIMEZONEs by TZID.

    `own_clocks` keeps what those VTIMEZONEs were read as, since building one takes milliseconds.
    """

    header: Component
    events: list[Component] = field(default_factory=list)
    zones: dict[str, Component] = field(default_factory=dict)
    own_clocks: dict[str, tzinfo | None] = field(default_factory=dict)


def clean(text: str) -> str:
    """One trimmed line without control or bidirectional override characters."""
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
    for number, text in _unfolded(decode(data)):
        builder.take(number, text)
    if not builder.calendars:
        raise NoticeUnreadable("no VCALENDAR and no VEVENT in the file")
    return tuple(builder.calendars)


def _unfolded(text: str) -> list[tuple[int, str]]:
    """Logical lines with the number of their first physical line; blank lines are dropped, as senders add them."""
    lines: list[tuple[int, list[str]]] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip():
            continue
        if line[0] in " \t" and lines:
            lines[-1][1].append(line[1:])
        else:
            lines.append((number, [line]))
    return [(number, "".join(parts)) for number, parts in lines]


def parse_property(text: str, line: int) -> Property | None:
    """A content line, or None where the text is none."""
    name = _NAME.match(text)
    if name is None:
        return None
    params: dict[str, str] = {}
    position = name.end()
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

    def take(self, number: int, text: str) -> None:
        prop = parse_property(text, number)
        if prop is not None and prop.name in ("BEGIN", "END"):
            self._edge(prop.name, prop.raw.strip().upper(), number, text)
        elif self.component is not None:
            self.component.source.append(text)
            if self._inside_own():
                self._add(self.component, prop, text, number)
        elif self.calendars and self.stack == ["VCALENDAR"]:
            self._add(self.calendars[-1].header, prop, text, number)

    def _inside_own(self) -> bool:
        return bool(self.stack) and self.stack[-1] in ("VEVENT", "VTIMEZONE")

    @staticmethod
    def _add(component: Component, prop: Property | None, text: str, number: int) -> None:
        if prop is not None:
            component.properties.append(prop)
        else:
            before = component.properties[-1].name if component.properties else ""
            component.stray.append((before, clean(text), number))

    def _edge(self, edge: str, kind: str, number: int, text: str) -> None:
        if edge == "BEGIN" and kind == "VCALENDAR":
            self.stack, self.component = [kind], None
            self.calendars.append(Calendar(Component(number)))
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
                self.calendars.append(Calendar(Component(number)))
            self.stack = ["VCALENDAR", kind]
            self.component = Component(number)
            if kind == "VEVENT":
                self.calendars[-1].events.append(self.component)
        else:
            self.stack.append(kind)
            if self.component is not None:
                self.component.source.append(text)

    def _close(self, kind: str) -> None:
        assert self.component is not None
        self.component.closed = True
        if kind == "VTIMEZONE":
            self.calendars[-1].zones[self.component.text("TZID")] = self.component
        self.component = None
