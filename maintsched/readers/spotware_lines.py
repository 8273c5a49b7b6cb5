"""The lines of an announcement as they are meant: wrapped ones joined, rows of tables whole, start and end together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from maintsched.readers.contentlines import clean
from maintsched.readers.mail import Part
from maintsched.readers.spotware_tokens import clocks_in

_WRAPPED = 55
_NEW_ITEM = re.compile(r"^\s*(?:[-*•·>]|\d{1,2}[.)]\s|[^\W\d_][\w /()]{0,30}:(?!\d))")
_QUOTED = re.compile(r"^\s*>|^\s*On .{8,120} wrote:\s*$|^\s*-{3,}\s*Original Message", re.IGNORECASE)
_LEADING = r"^\W*(?:(?:scheduled|estimated|expected|planned)\s+)?"
_START = re.compile(rf"{_LEADING}(?:start|begin|from|opens?)\w*\b", re.IGNORECASE)
_END = re.compile(rf"{_LEADING}(?:end|finish|until|till|to|complet)\w*\b", re.IGNORECASE)


def lines_of(part: Part, wrapped: bool) -> list[str]:
    """Lines without blank ones. `wrapped`: a mail program may have broken them (plain text)."""
    lines = _rows(part) if part.tables else list(part.lines)
    lines = _unquoted(lines)
    joined = _unwrapped(lines) if wrapped else [line for line in lines if line.strip()]
    return _started_and_ended([clean(line.replace("*", " ")) for line in joined])


def _unquoted(lines: Sequence[str]) -> list[str]:
    """Up to the first mark of a quotation."""
    for index, line in enumerate(lines):
        if _QUOTED.match(line):
            return list(lines[:index])
    return list(lines)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    found: list[str] = []
    open_ended = False
    for line in lines:
        whole = bool(found) and line.lstrip()[:1].isupper() and _complete(found[-1])
        if open_ended and line.strip() and not whole and not _NEW_ITEM.match(line):
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        elif line.strip():
            found.append(line)
        open_ended = len(line.rstrip()) >= _WRAPPED
    return found


def _complete(line: str) -> bool:
    """Whether a line can stand alone: it ends a sentence, or holds windows."""
    return line.rstrip().endswith((".", "!", ":", ";")) or (_count(line) > 0 and _count(line) % 2 == 0)


def _rows(part: Part) -> list[str]:
    """The cells of a table's row stand on lines of their own: they are one line again."""
    rows = [cells for table in part.tables for row in table.rows if len(cells := [cell for cell in row if cell]) > 1]
    waiting = iter(rows)
    row = next(waiting, None)
    lines = [line for line in part.lines if line]
    found: list[str] = []
    index = 0
    while index < len(lines):
        if row is not None and _spelled(lines[index : index + len(row)], row):
            found.append(" | ".join(row))
            index += len(row)
            row = next(waiting, None)
        else:
            found.append(lines[index])
            index += 1
    return found


def _spelled(lines: Iterable[str], cells: Sequence[str]) -> bool:
    return list(lines) == list(cells)


def _started_and_ended(lines: Sequence[str]) -> list[str]:
    """`Start: …` above `End: …` is one line; each must hold one time."""
    found: list[str] = []
    for line in lines:
        if found and _END.match(line) and _START.match(found[-1]) and _count(line) == 1 and _count(found[-1]) == 1:
            found[-1] = f"{found[-1]} - {line}"
        else:
            found.append(line)
    return found


def _count(line: str) -> int:
    try:
        return len(clocks_in(line))
    except ValueError:
        return 0
