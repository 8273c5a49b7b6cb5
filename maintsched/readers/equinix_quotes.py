"""A mail's own lines, and those of an older mail that it quotes or forwards, told apart by its header block."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from maintsched.readers.mail import Part

_FROM = re.compile(r"^[\s>*_|-]*(From|Von|Van|De|差出人)\s*:", re.IGNORECASE)
_DATE = re.compile(r"^[\s>*_|]*(Sent|Date|Gesendet|Datum|Verzonden|日時)\s*:", re.IGNORECASE)
_SUBJECT = re.compile(r"^[\s>*_|]*(Subject|Betreff|Onderwerp|件名)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """The sender's own lines, and those of an older mail that he quotes."""

    own: Part
    quoted: Part


def split_quote(part: Part, forwarded: bool, says_something: Callable[[Part], bool]) -> Body:
    """Own lines and quoted ones; of a forwarded mail the own ones are those of the mail inside.

    `says_something` tells whether lines speak of maintenance at all: then they are not a mere word above a forward.
    """
    for index, line in enumerate(part.lines):
        near = part.lines[index + 1 : index + 7]
        if not (_FROM.match(line) and any(map(_DATE.match, near)) and any(map(_SUBJECT.match, near))):
            continue
        head = index + 1 + max(place for place, text in enumerate(near) if _SUBJECT.match(text) or _DATE.match(text))
        before, after = _slice(part, 0, index), _slice(part, head + 1, len(part.lines))
        marked = any("forwarded message" in text.casefold() for text in part.lines[max(0, index - 3) : index])
        if (forwarded or marked) and not says_something(before):
            return split_quote(after, False, says_something)
        return Body(before, after)
    return Body(part, Part(()))


def _slice(part: Part, start: int, end: int) -> Part:
    return Part(part.lines[start:end], tuple(table for table in part.tables if start < table.line <= end))
