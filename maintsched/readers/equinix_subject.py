"""The subject of an Equinix mail: gateway noise, leading status, title, metro, date and ticket."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maintsched.domain.notice import Status

_PREFIX = re.compile(r"(?P<word>fwd?|fw|re|aw|wg|tr|sv|vs|vb|antw|rv|enc|i|rif)\s*:\s*", re.IGNORECASE)
_FORWARDS = ("fwd", "fw", "wg", "tr", "vb", "rv", "enc", "i")
_TAG = re.compile(r"\[(?P<tag>[^\]]*)\]\s*")
_WORDS = {
    "CANCELLED": Status.CANCELLED,
    "CANCELED": Status.CANCELLED,
    "CANCELLATION": Status.CANCELLED,
    "COMPLETED": Status.COMPLETED,
    "COMPLETE": Status.COMPLETED,
    "RESCHEDULED": Status.CONFIRMED,
    "RE-SCHEDULED": Status.CONFIRMED,
    "POSTPONED": Status.CONFIRMED,
    "EXTENDED": Status.CONFIRMED,
    "REMINDER": None,
    "UPDATED": None,
    "UPDATE": None,
}
_WORD = re.compile(rf"(?P<word>{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*[-–—:|]+\s*")
_TICKET = re.compile(
    r"(?<![\w-])(CHG\d{5,12}|EQ-[A-Z]{2}-\d{8}-\d{3,8}|[A-Z]-\d{6,16}|\d-\d{6,16})(?![\w-])", re.IGNORECASE
)
_BRACKETS = re.compile(r"\[\s*([A-Z0-9][A-Z0-9-]{5,30})\s*\]\s*$", re.IGNORECASE)
_METRO = re.compile(r"\b([A-Z]{2})\s+Metro\b")
_HARMLESS = re.compile(r"\bnon[\s-]*service[\s-]*(impacting|affecting)", re.IGNORECASE)
_HARMFUL = re.compile(r"\bservice[\s-]*(impacting|affecting)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject taken apart. `status` is CONFIRMED where no leading token says otherwise."""

    title: str
    status: Status
    tickets: tuple[str, ...]
    metro: str
    forwarded: bool
    extended: bool
    rescheduled: bool
    service_impacting: bool
    problems: tuple[str, ...]


def read_subject(text: str) -> Subject:
    """Status from the leading token alone, after `Fwd:`, `[External]` and list tags; never from within the title."""
    rest, noise, words = _leading(text)
    problems = []
    if any(word in ("re", "aw", "sv", "vs", "antw", "rif") for word in noise):
        problems.append("the mail is somebody's reply, not the provider's own")
    if unseparated := _WORD.match(rest):
        problems.append(f"the subject begins with {unseparated[0]!r}, but not as a status")
    over = [status for word in words if (status := _WORDS[word]) is not None and not status.counts]
    if len(set(over)) > 1:
        problems.append("the subject says both CANCELLED and COMPLETED")
    return Subject(
        title=rest,
        status=over[0] if over and len(set(over)) == 1 else Status.CONFIRMED,
        tickets=tickets(rest),
        metro=found[1] if (found := _METRO.search(rest)) else "",
        forwarded=any(word in _FORWARDS for word in noise),
        extended="EXTENDED" in words,
        rescheduled=bool({"RESCHEDULED", "RE-SCHEDULED", "POSTPONED"} & set(words)),
        service_impacting=bool(_HARMFUL.search(_HARMLESS.sub("", rest))),
        problems=tuple(problems),
    )


def _leading(text: str) -> tuple[str, list[str], list[str]]:
    """What is left of the subject, the gateway prefixes in small and the status words in capital letters."""
    noise: list[str] = []
    words: list[str] = []
    rest = text.strip()
    while rest:
        if found := _PREFIX.match(rest):
            noise.append(found["word"].lower())
        elif (found := _TAG.match(rest)) and not (tickets(found["tag"]) and found.end() == len(rest)):
            if found["tag"].strip().upper() in _WORDS:
                words.append(found["tag"].strip().upper())
        elif (word := _WORD.match(rest)) and (found := _SEPARATOR.match(rest, word.end())):
            words.append(word["word"].upper())
        else:
            break
        rest = rest[found.end() :].lstrip(" -–—:|")
    return rest, noise, words


def tickets(text: str) -> tuple[str, ...]:
    """Every maintenance id in a text (`CHG…`, `5-…`, `K-…`, `EQ-GL-…`), or what stands in brackets at its end."""
    found = [ticket.upper() for ticket in _TICKET.findall(text)]
    if not found and (brackets := _BRACKETS.search(text)) and re.search(r"\d{4}", brackets[1]):
        found = [brackets[1].upper()]
    return tuple(dict.fromkeys(found))
