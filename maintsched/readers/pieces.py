"""A calendar cut at its VEVENTs, each piece a calendar that can be read alone: what is known need not be read again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from maintsched.readers.contentlines import decode, looks_like_calendar, parse_property

# Column 0 only: a folded line begins with a space, so a BEGIN inside of a description is not taken for one.
_EDGE = re.compile(rb"^(BEGIN|END):([A-Za-z-]+)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_ANY_EVENT = re.compile(rb"^[^\w\r\n]*BEGIN[^\w\r\n:]*:[^\w\r\n]*VEVENT[^\w\r\n]*\r?$", re.MULTILINE | re.IGNORECASE)
_INNER = re.compile(
    rb"^BEGIN:(?!VEVENT)([A-Za-z-]+)[ \t]*\r?\n.*?^END:\1[ \t]*\r?$", re.MULTILINE | re.IGNORECASE | re.DOTALL
)
_UID = re.compile(rb"^UID(?:;[^\r\n:]*)?:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.MULTILINE | re.IGNORECASE)
_STAMP = re.compile(rb"^DTSTAMP[;:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n", re.MULTILINE | re.IGNORECASE)
_PLAIN = re.compile(rb"[!-\[\]-~]+")
_TZID = re.compile(rb"TZID(?:[=:]|;[^\r\n:]*:)\"?([^\r\n\":;]*)", re.IGNORECASE)
_RECURS = re.compile(rb"^(RRULE|RDATE|EXRULE|RECURRENCE-ID)[;:]", re.MULTILINE | re.IGNORECASE)
# Of the calendar's own lines only these change what an event means; others may hold the time of the download.
_HEADER = re.compile(
    rb"^(?:VERSION|METHOD|CALSCALE|X-WR-TIMEZONE)[;:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n",
    re.MULTILINE | re.IGNORECASE,
)


WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Piece:
    """One UID's VEVENTs as a calendar, or the whole message where it is no calendar or cannot be cut.

    `key` tells it from the others of its file; `mark` is a hash of everything but DTSTAMP, which some programs write
    anew for every download; `plain` where nothing in it has to be expanded or taken apart.
    """

    key: str
    mark: str
    plain: bool
    parts: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """The bytes as received, with the calendar's own lines around them."""
        return b"".join(self.parts)

    @property
    def uid(self) -> str:
        """The UID as the readers know it; empty where this is no calendar, or its events have none or several."""
        body = self.parts[-2] if len(self.parts) > 1 else self.parts[0]
        if len(self.parts) == 1 and not looks_like_calendar(body):
            return ""
        found = [parse_property(decode(_unfolded(line[0])), 0) for line in _UID.finditer(body)]
        names = {prop.text for prop in found if prop is not None}
        return names.pop() if len(names) == 1 else ""

    @property
    def sha256(self) -> str:
        digest = sha256()
        for part in self.parts:
            digest.update(part)
        return digest.hexdigest()


def cut(data: bytes) -> tuple[Piece, ...]:
    """The pieces of a message, in the file's order; () for a calendar without events."""
    if not looks_like_calendar(data):
        return (whole(data),)
    try:
        found = tuple(_pieces(data))
    except _Uncut:
        return (whole(data),)
    # A UID in two VCALENDARs of one file: whichever comes second is told apart by that.
    seen: Counter[str] = Counter()
    unique = []
    for piece in found:
        seen[piece.key] += 1
        unique.append(piece if seen[piece.key] == 1 else replace(piece, key=f"{piece.key}-{seen[piece.key]}"))
    return tuple(unique)


def read_again(key: str, mark: str, data: bytes) -> Piece:
    """A piece whose bytes were kept."""
    return Piece(key, mark, looks_like_calendar(data) and not _RECURS.search(data), (data,))


def _unfolded(line: bytes) -> bytes:
    return re.sub(rb"\r?\n[ \t]", b"", line)


class _Uncut(Exception):
    """The structure is not plain enough to be cut: the careful reader gets the whole."""


def whole(data: bytes) -> Piece:
    """A message that is not cut."""
    return Piece(WHOLE, sha256(data).hexdigest(), False, (data,))


def _pieces(data: bytes) -> Iterator[Piece]:
    seen = 0
    for begin, end, events, zones in _calendars(data):
        edges = [begin, *(each for span in sorted((*events, *zones.values())) for each in span), end]
        own = b"".join(data[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True))
        lines = _HEADER.findall(own)
        header = b"BEGIN:VCALENDAR\r\n" + b"".join(lines)
        named = {_name(_unfolded(line).partition(b":")[2]) for line in lines}
        groups: dict[bytes, list[tuple[int, int]]] = {}
        for start, stop in events:
            groups.setdefault(_uid_of(data[start:stop]), []).append((start, stop))
        seen += len(events)
        for uid, spans in groups.items():
            yield _piece(data, header, uid, spans, zones, named)
    if data.upper().count(b"VEVENT") != 2 * seen and seen != len(_ANY_EVENT.findall(data)):
        raise _Uncut  # an event that only a more patient reader sees must not be lost


def _uid_of(event: bytes) -> bytes:
    """What tells an entry from others: its UID as the readers know it, or all of it where it has none."""
    if event.count(b"BEGIN:") != 1:
        event = _INNER.sub(b"", event)  # an alarm may have a UID of its own
    line = _line(event, b"\nUID:")
    if line is not None and _PLAIN.fullmatch(line[5:].strip()):
        return line[5:].strip()
    found = _UID.search(event)
    prop = parse_property(decode(_unfolded(found[0])), 0) if found else None
    return prop.text.encode() if prop is not None and prop.text else event


def _line(event: bytes, begins: bytes) -> bytes | None:
    """The only line that begins so, with the line break before it; None where it is not there once, or folded."""
    start = event.find(begins)
    end = event.find(b"\n", start + 1)
    if start < 0 or end < 0 or event[end + 1 : end + 2] in (b" ", b"\t") or event.find(begins, end) >= 0:
        return None
    return event[start:end]


def _without_stamp(body: bytes) -> bytes:
    """What some programs write anew for every download says nothing new."""
    line = _line(body, b"\nDTSTAMP:")
    return body.replace(line, b"", 1) if line is not None else _STAMP.sub(b"", body)


def _may_recur(body: bytes) -> bool:
    capitals = body.upper()
    words = (b"RRULE", b"RDATE", b"EXRULE", b"RECURRENCE-ID")
    return any(word in capitals for word in words) and _RECURS.search(body) is not None


def _name(text: bytes) -> bytes:
    return _unfolded(text).strip().strip(b'"').strip()


def _piece(
    data: bytes,
    header: bytes,
    uid: bytes,
    spans: list[tuple[int, int]],
    zones: dict[bytes, tuple[int, int]],
    named: set[bytes],
) -> Piece:
    body = b"".join(data[start:stop] for start, stop in spans)
    wanted = named | {_name(name) for name in _TZID.findall(_unfolded(body))} if zones else set()
    clocks = tuple(data[start:stop] for name, (start, stop) in zones.items() if name in wanted)
    parts = (header, *clocks, body, b"END:VCALENDAR\r\n")
    mark = sha256(b"".join((header, *clocks)))
    mark.update(_without_stamp(body))
    return Piece(sha256(uid).hexdigest()[:32], mark.hexdigest(), not _may_recur(body), parts)


_Span = tuple[int, int]


def _calendars(data: bytes) -> Iterator[tuple[int, int, list[_Span], dict[bytes, _Span]]]:
    """Each VCALENDAR: where its own lines begin and end, its events, its VTIMEZONEs by TZID. Raises _Uncut."""
    stack: list[bytes] = []
    begin = start = 0
    events: list[_Span] = []
    zones: dict[bytes, _Span] = {}
    for edge in _EDGE.finditer(data):
        kind, after = edge[2].upper(), edge.end() + 1
        if edge[1].upper() == b"BEGIN":
            if (kind == b"VCALENDAR") is bool(stack) or (kind in (b"VEVENT", b"VTIMEZONE") and len(stack) != 1):
                raise _Uncut
            if kind == b"VCALENDAR":
                begin, events, zones = after, [], {}
            start = edge.start() if len(stack) == 1 else start
            stack.append(kind)
            continue
        if not stack or stack.pop() != kind:
            raise _Uncut
        if kind == b"VCALENDAR":
            yield begin, edge.start(), events, zones
        elif kind == b"VEVENT":
            events.append((start, after))
        elif kind == b"VTIMEZONE":
            found = _TZID.search(_unfolded(data[start:after]))
            if found is None or _name(found[1]) in zones:
                raise _Uncut
            zones[_name(found[1])] = (start, after)
    if stack or not begin:
        raise _Uncut
