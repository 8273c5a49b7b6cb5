"""Plain announcements of work on the platform by Spotware (cTrader): several windows in free text, no ids.

The same window must be known again in its reminder and its cancellation: its id is the source and its start. What moves
to another time therefore ends one maintenance and begins another. `server time` is New York plus seven hours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from maintsched.domain.notice import Impact, Notice, Status
from maintsched.readers.equinix_quotes import split_quote
from maintsched.readers.equinix_subject import Subject, read_subject
from maintsched.readers.mail import Mail, Part
from maintsched.readers.origin import Origin
from maintsched.readers.spotware_lines import lines_of
from maintsched.readers.spotware_times import Window, near, sentences, times_of_day, windows_in
from maintsched.readers.spotware_tokens import days_in
from maintsched.readers.times import too_long

_NAME = re.compile(r"spotware|c\s?trader", re.IGNORECASE)
_ABOUT = re.compile(
    r"\bmaintenance|\bdowntime|\bupgrade|(?:planned|scheduled) (?:work|outage)|network work|server (?:restart|update)",
    re.IGNORECASE,
)
_WORDS = {"cancel": Status.CANCELLED, "complet": Status.COMPLETED}
_MOVES = ("postpon", "reschedul", "mov")
_WORD = r"(?P<word>cancel|complet|postpon|reschedul|extend|mov)(?:l?ed|lation)\b"
_AT_END = re.compile(
    rf"(?:[-–—:|(\[]\s*|\b(?:is|has been|been|was)\s+|\b(?:maintenance|upgrade|work|window)s?\s+){_WORD}[\s)\].!]*$",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"\b(?:(?:has|have|had)\s+(?:(?!not\b|never\b)\w+\s+)?been|was|were)\s+(?:(?:now|successfully|also)\s+)*{_WORD}",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:once|until|when|after|if|as soon as|before|unless)\b[^.;]*$", re.IGNORECASE)
_OLD = re.compile(
    r"\b(?:original(?:ly)?|previous(?:ly)?|initial(?:ly)?|old|earlier|instead of|in place of"
    r"|(?:moved|postponed|changed) from|(?:was|were|had been) (?:\w+ )?(?:scheduled|planned))\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new(?:ly)?|now|instead(?! of)|will (?:now )?(?:be held|take place)|next"
    r"|(?:moved|postponed|rescheduled|changed|deferred) (?:to|until|till))\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:no|without(?: any)?) (?:service |expected )?(?:downtime|impact|interruptions?|disruptions?|outage)\b"
    r"(?! (?:on|to) (?:your |any |open |pending |existing )*(?:orders?|positions?|funds?|balances?|trades?))"
    r"|\bnot (?:be )?(?:affected|impacted|interrupted)\b",
    re.IGNORECASE,
)
_HARM = re.compile(
    r"unavailab|disconnect|interrupt|disrupt|down\s?time|offline|restart|outage|inaccessib|disabled|not be available"
    r"|degrad|delay|short period",
    re.IGNORECASE,
)
_OTHER_PLATFORM = re.compile(r"\b(?:all\s+)?(?:MT\s?[45]|MetaTrader(?:\s?[45])?|DXtrade)\b", re.IGNORECASE)
_OURS = re.compile(r"c\s?trader|\ball\b|network|data cent|spotware|\bfix\b|platforms", re.IGNORECASE)
_LABEL = re.compile(
    r"^\W*(?:affected|impacted|servers?|systems?|services?|scope|location|data cent\w+)\b", re.IGNORECASE
)
_EMPTY_WORDS = {
    "start",
    "end",
    "from",
    "until",
    "till",
    "between",
    "and",
    "gmt",
    "utc",
    "server",
    "time",
    "date",
    "local",
}
_EMPTY_STARTS = (
    *("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)
MAX_WINDOWS = 200
MAX_TEXT = 200_000
_PAST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the mail as a whole says: its status, and whether that moves work."""

    subject: Subject
    status: Status | None
    moved: bool
    extended: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """A window with the lines that are about it, up to the next one."""

    window: Window
    label: str
    text: str
    old: bool
    new: bool
    stated: str


def is_spotware_mail(mail: Mail) -> bool:
    """Whether the mail names Spotware or cTrader, and work that is planned."""
    text = "\n".join((mail.subject, *(line for part in (*mail.html, *mail.text) for line in part.lines)))
    return (_NAME.search(mail.sender) or _NAME.search(text)) is not None and _ABOUT.search(text) is not None


def read_spotware_mail(mail: Mail, data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each window, ordered by start, and one in doubt for each time that cannot be told."""
    subject = read_subject(mail.subject)
    if sum(len(line) for part in (*mail.html, *mail.text) for line in part.lines) > MAX_TEXT:
        return (_without_time(mail, _said(subject, ()), data, origin, "the mail is too long to be read"),)
    lines, quoted = _lines(mail, subject, origin)
    windows = windows_in(lines, mail.date, origin)
    if not windows:
        lines = [*lines, subject.title]
        windows = windows_in(lines, mail.date, origin)
    said = _said(subject, lines)
    if not windows and said.status is not None and not said.status.counts:
        windows = windows_in(quoted, mail.date, origin)
        if len(windows) > 1:
            why = "it quotes several windows: which are meant is not certain"
            return (_without_time(mail, said, data, origin, why),)
    if not windows:
        return (_without_time(mail, said, data, origin, "the mail gives no time that can be read"),)
    if len(windows) > MAX_WINDOWS:
        return (_without_time(mail, said, data, origin, f"the mail gives {len(windows)} times, more than are read"),)
    said = replace(said, problems=(*said.problems, *_odd_subject(subject, windows, mail)))
    blocks = _blocks(windows, lines)
    tied = any(block.old for block in blocks)
    return _numbered(_notice(block, said, tied, mail, origin) for block in blocks)


def _odd_subject(subject: Subject, windows: Sequence[Window], mail: Mail) -> Iterator[str]:
    """A day in the subject on which no window lies."""
    known = [window.times.interval for window in windows if window.times.interval is not None]
    for day in days_in(subject.title):
        with suppress(ValueError):
            on = day.on(mail.date.date() if mail.date else None)
            if known and not any(near(on, interval) for interval in known):
                yield f"the subject says {on}, the text gives no window then"


def _lines(mail: Mail, subject: Subject, origin: Origin) -> tuple[list[str], list[str]]:
    """Own lines and quoted ones of the alternative that tells most windows; HTML goes first."""
    found: list[tuple[int, list[str], list[str]]] = []
    for part, wrapped in (*((part, False) for part in mail.html), *((part, True) for part in mail.text)):
        body = split_quote(part, subject.forwarded, partial(_tells, wrapped=wrapped, mail=mail, origin=origin))
        own = lines_of(body.own, wrapped)
        told = sum(window.times.interval is not None for window in windows_in(own, mail.date, origin))
        found.append((told, own, lines_of(body.quoted, wrapped)))
    best = max(found, key=lambda one: one[0], default=(0, [], []))
    return best[1], best[2]


def _tells(part: Part, *, wrapped: bool, mail: Mail, origin: Origin) -> bool:
    return bool(windows_in(lines_of(part, wrapped), mail.date, origin))


def _said(subject: Subject, lines: Sequence[str]) -> _Said:
    """Status from the subject's first or last word; where only the text says one, it is not certain of what."""
    end = _AT_END.search(subject.title)
    word = end["word"].lower() if end else ""
    at_end = _WORDS.get(word)
    status = at_end if subject.status.counts else subject.status
    moved = subject.rescheduled or word in _MOVES
    extended = subject.extended or word == "extend"
    agreeing = {
        "cancel": status is Status.CANCELLED,
        "complet": status is Status.COMPLETED,
        "extend": extended,
    }
    problems = list(subject.problems)
    for line in lines:
        for sentence in sentences(line):
            stated = "" if times_of_day(sentence) else _stated(sentence)
            if stated and not agreeing.get(stated, moved):
                problems.append(f"the text says {sentence[:80]!r}, the subject does not")
    return _Said(subject, status, moved, extended, tuple(dict.fromkeys(problems)))


def _blocks(windows: Sequence[Window], lines: Sequence[str]) -> list[_Block]:
    blocks = []
    for index, window in enumerate(windows):
        last = index + 1 == len(windows) or windows[index + 1].line > window.line
        until = windows[index + 1].line if index + 1 < len(windows) else len(lines)
        heading = lines[window.line - 1] if window.line and not _is_time(window.line - 1, windows) else ""
        after = list(lines[window.line + 1 : until]) if last else []
        if index + 1 < len(windows) and after and len(after[-1]) < 80 and after[-1].rstrip().endswith(":"):
            after.pop()
        alone = sum(other.line == window.line for other in windows) == 1
        told = lines[window.line] if alone else window.text
        text = " ".join((heading if len(heading) < 80 else "", told, *after))
        near = f"{heading if heading.rstrip().endswith(':') else ''} {window.before}"
        blocks.append(
            _Block(
                window,
                _label(window, heading, after),
                text,
                old=_OLD.search(near) is not None,
                new=_NEW.search(near) is not None,
                stated=_stated(window.text),
            )
        )
    return blocks


def _is_time(line: int, windows: Sequence[Window]) -> bool:
    return any(window.line == line for window in windows)


def _label(window: Window, heading: str, after: Sequence[str]) -> str:
    """The line that says what is worked on in this window, where one does."""
    if found := next((line for line in after[:4] if _LABEL.match(line)), None):
        return found.strip(" -–—*•")
    words = (word.lower() for word in re.findall(r"[^\W\d_]{3,}", window.text))
    if any(word not in _EMPTY_WORDS and not word.startswith(_EMPTY_STARTS) for word in words):
        return window.text.strip(" -–—*•")
    return heading.strip(" -–—*•:") if 0 < len(heading) < 80 else ""


def _stated(text: str) -> str:
    """The word with which a sentence says that work was cancelled, completed, moved or extended; empty for none."""
    found = _STATED.search(text)
    return found["word"].lower() if found and not _CONDITION.search(text[: found.start()]) else ""


def _notice(block: _Block, said: _Said, tied: bool, mail: Mail, origin: Origin) -> Notice:
    interval = block.window.times.interval
    status, doubts = _status(block, said, tied)
    doubts = (*said.problems, *block.window.times.problems, *too_long(interval), *doubts)
    if mail.date is None:
        doubts = (*doubts, "the mail has no Date that can be read: it cannot be put in order")
    elif interval is not None and status.counts and interval.end < mail.date - _PAST:
        doubts = (*doubts, "it was over long before the mail was sent")
    elif interval is not None and status is Status.COMPLETED and mail.date < interval.start:
        doubts = (*doubts, "it is told to be completed before it begins")
    name = f"{interval.start:%Y%m%dT%H%MZ}" if interval else f"unread-{_digest(block.window.text.encode())}"
    return replace(
        _blank(mail, said, origin, f"{origin.source}-{name}"),
        title=f"{said.subject.title}: {block.label}"[:200] if block.label else said.subject.title,
        interval=interval,
        status=status,
        impact=_impact(block),
        problems=tuple(dict.fromkeys(doubts)),
        extended=(said.extended or block.stated == "extend") and status.counts,
        rescheduled=False,
    )


def _status(block: _Block, said: _Said, tied: bool) -> tuple[Status, tuple[str, ...]]:
    """What happens to this window. Of a move, the old time ends and the new one begins; `tied`: an old one is told."""
    over = said.status if said.status is not None and not said.status.counts else None
    if block.old and block.new:
        return Status.CONFIRMED, ("whether it is the old time or the new one is not certain",)
    if said.moved or block.stated in _MOVES:
        if block.old:
            return Status.CANCELLED, ()
        doubt = "work is moved: which earlier window this replaces is not certain"
        return Status.CONFIRMED, () if tied else (doubt,)
    if over is not None:
        return (Status.CONFIRMED, ()) if block.new else (over, ())
    if block.stated in _WORDS:
        return _WORDS[block.stated], ()
    if block.old:
        return Status.CONFIRMED, ("it is told as an earlier time, but the mail's subject moves nothing",)
    return Status.CONFIRMED, ()


def _impact(block: _Block) -> Impact:
    """OUTAGE unless its own lines say that nothing is noticed, or name only other platforms."""
    named = _OTHER_PLATFORM.search(f"{block.window.text} {block.label}")
    if named and not _OURS.search(_OTHER_PLATFORM.sub("", block.text)):
        return Impact.NO_IMPACT
    harmless = _HARMLESS.search(block.text) is not None
    return Impact.NO_IMPACT if harmless and not _HARM.search(_HARMLESS.sub("", block.text)) else Impact.OUTAGE


def _without_time(mail: Mail, said: _Said, data: bytes, origin: Origin, why: str) -> Notice:
    return replace(
        _blank(mail, said, origin, f"mail-{_digest(data)}"),
        status=said.status or Status.CONFIRMED,
        problems=(*said.problems, why),
        extended=said.extended,
        rescheduled=said.moved,
    )


def _blank(mail: Mail, said: _Said, origin: Origin, number: str) -> Notice:
    return Notice(
        provider=origin.provider or "Spotware",
        account="",
        maintenance_id=number,
        uid=number,
        title=said.subject.title or number,
        stamp=mail.date,
        interval=None,
        status=None,
        impact=Impact.OUTAGE,
        sender=mail.sender,
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _numbered(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """By start; windows that begin at the same instant are parts of one id, the longest first."""
    found = sorted(
        notices,
        key=lambda one: (
            one.interval is None,
            (one.interval.start.timestamp(), -one.interval.duration.total_seconds()) if one.interval else (0.0, 0.0),
        ),
    )
    seen: dict[str, int] = {}
    told: dict[tuple[object, ...], Notice] = {}
    for notice in found:
        key = (notice.maintenance_id, notice.interval, notice.status)
        if (same := told.get(key)) is not None:
            worst = max(same.impact, notice.impact, key=lambda one: one.rank)
            told[key] = replace(same, impact=worst, problems=tuple(dict.fromkeys((*same.problems, *notice.problems))))
            continue
        seen[notice.maintenance_id] = seen.get(notice.maintenance_id, 0) + 1
        told[key] = replace(notice, part=seen[notice.maintenance_id])
    return tuple(told.values())
