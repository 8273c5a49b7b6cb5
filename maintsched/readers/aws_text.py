"""The text of an AWS mail: whose lines they are, the windows that it states, and the objects listed below each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maintsched.domain.interval import Interval, iso
from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.readers.aws_common import MOMENT, TYPED_ID, is_object_id, window
from maintsched.readers.mail import Part

_FROM = re.compile(r"^[\s*_]*(From|Von|Van|De|差出人)[*_]*\s*[:：]", re.IGNORECASE)
_DATE = re.compile(
    r"^[\s*_]*(?:Sent|Date|Gesendet|Datum|Verzonden|日時)[*_]*\s*[:：]\s*[*_]*(?P<value>.*)$", re.IGNORECASE
)
_SUBJECT = re.compile(r"^[\s*_]*(Subject|Betreff|Onderwerp|件名)[*_]*\s*[:：]", re.IGNORECASE)

_PAIR = re.compile(
    rf"(?P<start>{MOMENT})\s*(?:,\s*)?(?:to|until|till|through|and|[-–—])\s*(?P<end>{MOMENT})(?=(?P<rest>[^.]{{0,60}}))",
    re.IGNORECASE,
)
_ALONE = re.compile(MOMENT, re.IGNORECASE)
_LASTS = re.compile(
    r"^\s*,?\s*\(?\s*for\s+(?:a\s+(?:duration|period|total)\s+of\s+|about\s+|up\s+to\s+)?(?P<count>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>hours?|hrs?|h|minutes?|mins?|days?)\b(?:\s*,?\s*(?:and\s+)?(?P<more>\d+)\s*(?:minutes?|mins?)\b)?",
    re.IGNORECASE,
)
_EDGE = re.compile(r"^\W*(?P<edge>start|end)\s+(?:time|date)\s*(?:[:：]\s*)?(?P<value>.*)$", re.IGNORECASE)
_LIST_HEAD = re.compile(
    r"^\W*(?:affected|impacted)\s+(?:\w+\s+){0,2}(?:resources?|services?|connections?|entities)\b", re.I
)
_CLOSING = re.compile(
    r"^(?:sincerely|thank|regards|kind|best|\[\d+\]|\(\d+\)|--|_{3,}|-{3,}|\.$|https?:|amazon web services)", re.I
)
_NUMBERING = re.compile(r"^\s*(?:\(?\d{1,3}[.)]\s+|[-*•·–|+>]+\s*)+")
_MAY_BE_ID = re.compile(r"[\d_…]|-|\bdx|\.\.\.", re.IGNORECASE)  # above the list; a heading has none of these
_PROSE_WORDS = 5
# More than any mail has; what lies beyond is not read, and that is told.
_MANY_WINDOWS, _MANY_DOUBTS, _DEEPEST = 60, 5, 8
NO_WINDOW = "it gives no window that can be read"


@dataclass(frozen=True, slots=True)
class Stated:
    """A window as stated (None where it cannot be trusted), and the objects listed for it."""

    interval: Interval | None
    objects: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Own:
    """The provider's own lines: those of the mail inside where one was forwarded, with the date that it gives."""

    lines: tuple[str, ...]
    date: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def own_lines(part: Part, forwarded: bool) -> Own:
    """Without marks of quoting, and without an older mail below; of a forwarded mail what stands inside."""
    lines = [
        line.lstrip("> \t") if line.lstrip().startswith(">") else line
        for raw in part.lines
        for line in raw.split("\\n")  # a Lambda's text arrives with its line ends spelled out
    ]
    date = ""
    for _ in range(_DEEPEST):
        head = _head(lines)
        if head is None:
            break
        start, end = head
        inside = any("forwarded message" in line.casefold() for line in lines[max(0, start - 3) : start])
        before = "\n".join(lines[:start])
        if not (forwarded or inside) or _PAIR.search(before):
            lines = lines[:start]
            break
        date = next((found["value"] for line in lines[start:end] if (found := _DATE.match(line))), date)
        lines = lines[end:]
        forwarded = False
    return Own(tuple(lines), date.strip())


def _head(lines: Sequence[str]) -> tuple[int, int] | None:
    """From where to where the first header block inside of a text stands."""
    for index, line in enumerate(lines):
        if _FROM.match(line):
            near = lines[index + 1 : index + 8]
            heads = [place for place, text in enumerate(near) if _SUBJECT.match(text) or _DATE.match(text)]
            if any(_SUBJECT.match(text) for text in near) and len(heads) > 1:
                return index, index + 1 + _end_of_head(near, heads[-1])
    return None


def _end_of_head(near: Sequence[str], last: int) -> int:
    """Past the lines that follow in the same block (`To:`, a wrapped subject), up to the next empty one."""
    return next((place for place in range(last + 1, len(near)) if not near[place].strip()), last + 1)


def stated(own: Own, part: Part) -> tuple[tuple[Stated, ...], tuple[str, ...]]:
    """Every window with its objects, by start; and what in the text contradicts itself. One without a window, if none.

    A list below the last of several windows is for all of them; where each has one below it, it is its own. Where times
    contradict each other, none counts.
    """
    text = own.text
    pairs = list(_PAIR.finditer(text))
    edges = _edges(own.lines)
    problems = _alone(text, pairs)
    beside = _beside_ids(part)
    if len(pairs) > _MANY_WINDOWS:
        return (Stated(None, (), (f"it gives {len(pairs)} windows",)),), problems
    if not pairs:
        listed = _listed(own.lines[_list_head(own.lines) :], beside, loose=_has_list_head(own.lines))
        return (_of_edges(edges, listed),), (*problems, *_mentioned(own.lines, listed, beside))
    ends = [text.count("\n", 0, pair.end("end")) for pair in pairs]  # the numbers of the lines that they end on
    lists = [
        _listed(own.lines[end + 1 : after], beside, in_statement=True)
        for end, after in zip(ends, [*ends[1:], len(own.lines)], strict=True)
    ]
    if not any(listed.ids for listed in lists[:-1]):
        lists = [lists[-1]] * len(lists)
    windows = _each_once(_of_pair(pair, listed) for pair, listed in zip(pairs, lists, strict=True))
    every = _Listed(tuple(name for listed in lists for name in listed.ids), ())
    against = _against(windows, edges)
    return without_time(windows) if against else windows, (*problems, *against, *_mentioned(own.lines, every, beside))


def without_time(windows: Sequence[Stated]) -> tuple[Stated, ...]:
    """One in place of windows that cannot be trusted, with all that they list."""
    objects = dict.fromkeys(name for one in windows for name in one.objects)
    return (Stated(None, tuple(objects), tuple(dict.fromkeys(why for one in windows for why in one.problems))),)


@dataclass(frozen=True, slots=True)
class _Listed:
    ids: tuple[str, ...]
    problems: tuple[str, ...]


def _each_once(found: Iterable[Stated]) -> tuple[Stated, ...]:
    """By start; a window that is stated twice is one, with the objects of both."""
    windows: dict[Interval | None, Stated] = {}
    for one in found:
        seen = windows.get(one.interval, Stated(one.interval, ()))
        windows[one.interval] = Stated(
            one.interval,
            tuple(dict.fromkeys((*seen.objects, *one.objects))),
            tuple(dict.fromkeys((*seen.problems, *one.problems))),
        )
    return tuple(sorted(windows.values(), key=lambda one: iso(one.interval.start) if one.interval else ""))


def _of_pair(pair: re.Match[str], listed: _Listed) -> Stated:
    times = window(pair["start"], pair["end"])
    said = _LASTS.match(" ".join(pair["rest"].split()))
    if said and times.interval is not None:
        seconds = float(said["count"]) * {"h": 3600, "m": 60, "d": 86400}[said["unit"][0].lower()]
        seconds += 60 * int(said["more"] or 0)
        if abs(seconds - times.interval.duration.total_seconds()) >= 60:
            hours = times.interval.duration.total_seconds() / 3600
            why = f"it says {said[0].strip(' (,')!r}, but from start to end it is {hours:g} h"
            return Stated(None, listed.ids, (*times.problems, why, *listed.problems))
    return Stated(times.interval, listed.ids, (*times.problems, *listed.problems))


def _edges(lines: Sequence[str]) -> dict[str, list[str]]:
    """The values of `Start time` and `End time`, on the line of the label or on the next one."""
    found: dict[str, list[str]] = {"start": [], "end": []}
    for index, line in enumerate(lines):
        if label := _EDGE.match(line):
            value = label["value"].strip() or next((text for text in lines[index + 1 : index + 4] if text.strip()), "")
            if any(letter.isdigit() for letter in value):
                found[label["edge"].lower()].append(value.strip(" .*"))
    return {edge: list(dict.fromkeys(values)) for edge, values in found.items()}


def _of_edges(edges: dict[str, list[str]], listed: _Listed) -> Stated:
    starts, ends = edges["start"], edges["end"]
    if len(starts) == len(ends) == 1:
        times = window(starts[0], ends[0])
        return Stated(times.interval, listed.ids, (*times.problems, *listed.problems))
    many = len(starts) > 1 or len(ends) > 1
    why = "it gives several start or end times" if many else NO_WINDOW
    return Stated(None, listed.ids, (why, *listed.problems))


def _against(windows: Sequence[Stated], edges: dict[str, list[str]]) -> tuple[str, ...]:
    """Labels that say something else than the sentence does."""
    starts, ends = edges["start"], edges["end"]
    known = [one.interval for one in windows if one.interval is not None]
    if not (starts or ends) or len(known) != len(windows):
        return ()
    if len(starts) == len(ends) == 1:
        labelled = window(starts[0], ends[0])
        whole = (min(interval.start for interval in known), max(interval.end for interval in known))
        if labelled.interval is not None and (labelled.interval.start, labelled.interval.end) == whole:
            return ()
    return ("start and end time are given otherwise than in the sentence",)


def _alone(text: str, pairs: Sequence[re.Match[str]]) -> tuple[str, ...]:
    """Times in sentences that belong to no window: what they mean is not known."""
    taken = {pair.start(edge) for pair in pairs for edge in ("start", "end")}
    found = []
    for match in _ALONE.finditer(text):
        if match.start() in taken:
            continue
        before = text[max(0, match.start() - 200) : match.start()].rpartition("\n")[2]
        after = text[match.end() : match.end() + 200].partition("\n")[0]
        if len(f"{before} {after}".split()) >= _PROSE_WORDS:
            found.append(f"what the time {' '.join(match[0].split())!r} means is not clear")
        if len(found) == _MANY_DOUBTS:
            break
    return tuple(dict.fromkeys(found))


def _list_head(lines: Sequence[str]) -> int:
    return next((index + 1 for index, line in enumerate(lines) if _LIST_HEAD.match(line)), 0)


def _has_list_head(lines: Sequence[str]) -> bool:
    return any(_LIST_HEAD.match(line) for line in lines)


def _ids(line: str, loose: bool = True) -> tuple[str, ...]:
    """The ids of a line that holds nothing else worth reading."""
    plain = _NUMBERING.sub("", line).strip(" \t,;|*")
    typed = TYPED_ID.findall(plain)
    others = len(TYPED_ID.sub(" ", plain).split())
    if typed and (TYPED_ID.match(plain) or others < _PROSE_WORDS):
        return tuple(typed)
    words = re.split(r"[,;\s]+", plain)
    return tuple(words) if loose and words and all(map(is_object_id, words)) else ()


def _beside_ids(part: Part) -> frozenset[str]:
    """What stands in a table's row beside an id, and the header cells of such tables."""
    beside: set[str] = set()
    for table in part.tables:
        rows = [row for row in table.rows if any(_ids(cell) for cell in row)]
        if rows and max(map(len, rows)) > 1:
            beside.update(cell for row in rows for cell in row if not _ids(cell))
            beside.update(cell for row in table.rows[:1] if row not in rows for cell in row)
    return frozenset(beside)


def _listed(lines: Sequence[str], beside: frozenset[str], *, in_statement: bool = False, loose: bool = True) -> _Listed:
    """The ids below a statement, one or more to a line. Anything short that stands between them may be one not read."""
    found: list[str] = []
    odd: list[str] = []
    over = False
    between = ""
    for line in lines:
        plain = line.strip()
        ids = _ids(line, loose)
        if ids:
            if over and found:
                odd.append(between)
            found += ids
            in_statement = False
        elif not plain:
            in_statement = False
        elif in_statement or over or plain in beside or plain.endswith((":", "：")):
            between = between or plain
        elif len(plain.split()) >= _PROSE_WORDS or _CLOSING.match(plain) or _EDGE.match(plain):
            over, between = bool(found) or over, plain
        elif found or _MAY_BE_ID.search(plain):
            odd.append(plain)
    # Where nothing was found, it is told elsewhere that there is no list.
    doubts = [f"{OBJECTS_INCOMPLETE}: {text[:60]!r} stands among them" for text in odd[:_MANY_DOUBTS] if found]
    return _Listed(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(doubts)))


def _mentioned(lines: Sequence[str], listed: _Listed, beside: frozenset[str]) -> tuple[str, ...]:
    """Ids in running text that the list does not have."""
    known = {name.casefold() for name in listed.ids}
    text = "\n".join((*lines, *beside))
    more = dict.fromkeys(name for name in TYPED_ID.findall(text) if name.casefold() not in known)
    return tuple(f"{OBJECTS_INCOMPLETE}: {name} is named outside of the list" for name in [*more][:_MANY_DOUBTS])
