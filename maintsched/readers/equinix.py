"""Equinix maintenance mails of every generation seen since 2021: labels and structure, not wording."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from maintsched.domain.matching import PLACES_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.readers.equinix_assets import Assets, read_assets
from maintsched.readers.equinix_impact import impact_of_phrase
from maintsched.readers.equinix_metros import zone_of_code
from maintsched.readers.equinix_quotes import Body, split_quote
from maintsched.readers.equinix_subject import Subject, read_subject, tickets
from maintsched.readers.equinix_times import Statements, has_window, windows_of_mail
from maintsched.readers.mail import Mail, Part
from maintsched.readers.origin import Origin
from maintsched.readers.times import Times, too_long

_LABEL = r"^[\s>*_|]*(?:{0})\s*[*_]*\s*[:：]\s*[*_]*\s*(?P<value>.*)$"
_ANY_LABEL = re.compile(r"^[\s>*_|]*[^\W\d_][\w ()/#]{1,30}[*_]*\s*[:：]", re.UNICODE)
_SPAN, _DATE, _LOCAL, _UTC = "SPAN", "DATE", "LOCAL|ローカル", "UTC|GMT"
_PLACES = r"IBX\s*\(s\)|IBXs?|LOCATION\s*\(s\)|LOCATIONS?"
_IMPACT = "IMPACT|影響"
_TEXTS = ("DESCRIPTION", "EXPECTED SERVICE IMPACT", "MAINTENANCE ACTIVITY")
_UNPROTECTED = re.compile(
    r"(unprotected|without redundancy|non[\s-]?redundant).{0,160}?(interrupt|downtime|outage|\bdown\b)", re.IGNORECASE
)
_CODE = re.compile(r"[A-Z]{2,4}|[A-Z]{2,6}\d{1,3}[A-Z]?")
_NOT_PLACES = ("AND", "THE", "ALL", "SEE", "IBX", "IBXS", "TBD", "TBA", "NONE", "VARIOUS", "MULTIPLE", "N/A", "NA")
_BODY_STATUS = re.compile(
    r"\b(?:has|have)\s+(?:now\s+)?been\s+(cancell?ed|completed|rescheduled|extended|postponed)\b", re.IGNORECASE
)
_REFERENCE = re.compile(r"(?:please\s+reference|include\s+the\s+ticket)\s+(\S+)", re.IGNORECASE)
_PLATFORM = re.compile(r"@(?:[\w-]+\.)*(?:spotware|ctrader)\.[a-z]{2,}$")
_ABOUT = re.compile(r"maintenance|\bCHG\d{5,}|\b[5K]-\d{8,}|\bEQ-[A-Z]{2}-\d{8}", re.IGNORECASE)


def is_equinix(mail: Mail) -> bool:
    """Whether the mail is about maintenance and comes, or was forwarded, from Equinix."""
    lines = [line for part in (*mail.html, *mail.text) for line in part.lines]
    text = "\n".join((mail.subject, *lines))
    if _PLATFORM.search(mail.sender):  # Spotware names the data centres in which its own work is
        return False
    return ("equinix" in mail.sender or "equinix" in text.casefold()) and _ABOUT.search(text) is not None


def read_equinix(mail: Mail, data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each window of an Equinix mail; what is missing or contradictory ends up in `problems`."""
    subject = read_subject(mail.subject)
    body = _body(mail, subject.forwarded)
    over = not subject.status.counts
    own = _has_labels(body.own)
    # A cancellation may quote the mail it cancels: what is read there informs, and is not held against it.
    part = body.quoted if over and not own else body.own
    assets = read_assets(part.tables, part.lines)
    sites, bad_sites = _sites(part, assets, subject)
    windows = _times(part, sites, subject, mail, origin)
    problems = [*subject.problems, *_odd_status(subject, body.own)]
    if own or not over:
        problems += [*assets.problems, *bad_sites]
        windows = tuple(Times(one.interval, (*one.problems, *too_long(one.interval))) for one in windows)
    else:
        windows = tuple(Times(one.interval) for one in windows)
    ticket, bad_ticket = _ticket(subject, body.own, data)
    if mail.date is None:
        problems.append("the mail has no Date that can be read: it cannot be put in order")
    notice = Notice(
        provider=origin.provider or "Equinix",
        account="+".join(sorted(assets.accounts)),
        maintenance_id=ticket,
        uid=ticket,
        title=subject.title or ticket,
        stamp=mail.date,
        interval=None,
        status=subject.status,
        impact=_impact(part, subject),
        objects=tuple(ObjectImpact(serial) for serial in assets.serials),
        sites=sites,
        extended=subject.extended,
        rescheduled=subject.rescheduled,
        sender=mail.sender,
    )
    return tuple(
        replace(notice, part=number, interval=one.interval, problems=(*one.problems, *problems, *bad_ticket))
        for number, one in enumerate(windows, 1)
    )


def _body(mail: Mail, forwarded: bool) -> Body:
    """The alternative that says most: HTML where it has the labels, as people read that one."""
    split = [split_quote(part, forwarded, _has_labels) for part in (*mail.html, *mail.text)]
    for body in split:
        if _has_labels(body.own):
            return body
    return next((body for body in split if _has_labels(body.quoted)), split[0] if split else Body(Part(()), Part(())))


def _has_labels(part: Part) -> bool:
    return any(_values(part, label) for label in (_SPAN, _LOCAL, _UTC, _PLACES))


def _values(part: Part, label: str) -> list[str]:
    """What follows a label, on its line or, where that is empty, on the next one; wrapped lines joined."""
    pattern = re.compile(_LABEL.format(label), re.IGNORECASE)
    found = []
    for index, line in enumerate(part.lines):
        if match := pattern.match(line):
            value = [match["value"].strip(" \t*_")]
            for further in part.lines[index + 1 : index + 4]:
                if not further.strip() and not value[0]:
                    continue
                if not further.strip() or _ANY_LABEL.match(further):
                    break
                value.append(further.strip(" \t>*_"))
            found.append("\n".join(line for line in value if line))
    return [value for value in found if value]


def _first_lines(part: Part, label: str) -> list[str]:
    return [value.split("\n")[0] for value in _values(part, label)]


def _times(part: Part, sites: Sequence[str], subject: Subject, mail: Mail, origin: Origin) -> tuple[Times, ...]:
    span = _first_lines(part, _SPAN) or _first_lines(part, _DATE)
    zones: Mapping[str, str | None] = {site: origin.site_zones.get(site) or zone_of_code(site) for site in sites}
    local, of_local = _timed(part, _LOCAL)
    utc, of_utc = _timed(part, _UTC)
    others = [line for index, line in enumerate(part.lines) if index not in of_local | of_utc and has_window(line)]
    return windows_of_mail(
        Statements(span=span, local=local, utc=utc, others=others, subject=subject.title, sent=mail.date, zones=zones)
    )


def _timed(part: Part, label: str) -> tuple[list[str], set[int]]:
    """What follows each such label, up to the next one; and the numbers of those lines.

    A window may be wrapped, and further ones may stand below, also after blank lines: whoever stops early loses work.
    """
    pattern = re.compile(_LABEL.format(label), re.IGNORECASE)
    values: list[str] = []
    taken: set[int] = set()
    for index, line in enumerate(part.lines):
        match = pattern.match(line)
        if match is None:
            continue
        value, blank = match["value"].strip(" \t*_"), False
        taken.add(index)
        for number, further in enumerate(part.lines[index + 1 :], index + 1):
            plain = further.strip(" \t>*_•·")
            if _ANY_LABEL.match(further) or (plain and blank and value and not has_window(plain)):
                break
            blank = not plain
            value = f"{value} {plain}".strip()
            taken.add(number)
        if value:
            values.append(value)
    return values, taken


def _sites(part: Part, assets: Assets, subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All IBX codes of all halves of the mail; else those of the tables; else the metro of the subject."""
    found: list[str] = []
    problems: list[str] = []
    for value in _values(part, _PLACES):
        for place in re.split(r"[,;/&+\n]|\band\b", _listed(value)):
            codes, odd = _codes(place.strip(" .*()"))
            found += codes
            problems += odd
    if not found:
        found = list(assets.sites) or ([subject.metro] if subject.metro else [])
    if not found and not assets.serials:
        problems.append("the mail names no IBX and no asset")
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(problems))


def _listed(value: str) -> str:
    """The first line, and the next ones while the list goes on."""
    lines = value.split("\n")
    kept = lines[0]
    for line in lines[1:]:
        if not kept.rstrip().endswith((",", ";", "/", "&")):
            break
        kept += " " + line
    return kept


def _codes(place: str) -> tuple[list[str], list[str]]:
    words = place.upper().split()
    if not words:
        return [], []
    if len(words) == 1 and place != place.upper() and not any(letter.isdigit() for letter in place):
        return ([place], []) if place.istitle() else ([], [f"{PLACES_INCOMPLETE}: {place[:60]!r} is not an IBX code"])
    if all(_CODE.fullmatch(word) and word not in _NOT_PLACES for word in words) and (
        len(words) == 1 or all(any(letter.isdigit() for letter in word) for word in words)
    ):
        return words, []
    # "London LD4" and "LD4 (Slough)" name a code; "London" alone is a metro; anything else is for a person.
    codes = re.findall(r"\b[A-Z]{2}\d{1,2}\b", place.upper())
    if codes:
        return codes, []
    if len(words) <= 2 and not any(word in _NOT_PLACES for word in words) and place.replace(" ", "").isalpha():
        return [place], []
    return [], [f"{PLACES_INCOMPLETE}: {place[:60]!r} is not an IBX code"]


def _impact(part: Part, subject: Subject) -> Impact:
    """The worst that the mail says of itself; what it does not say in known words is OUTAGE."""
    said = [impact for value in _first_lines(part, _IMPACT) if (impact := impact_of_phrase(value)) is not None]
    if not said:
        return Impact.OUTAGE
    impact = max(said, key=lambda one: one.rank)
    text = " ".join(value.replace("\n", " ") for label in _TEXTS for value in _values(part, label))
    if subject.status.counts and (subject.service_impacting or _UNPROTECTED.search(text)):
        return Impact.OUTAGE
    return impact


def _odd_status(subject: Subject, own: Part) -> tuple[str, ...]:
    """A body that says cancelled under a subject that does not."""
    said = _BODY_STATUS.search(" ".join(own.lines[:60]))
    if said is None:
        return ()
    word = said[1].casefold()
    agrees = {
        "cancelled": subject.status is Status.CANCELLED,
        "canceled": subject.status is Status.CANCELLED,
        "completed": subject.status is Status.COMPLETED,
        "extended": subject.extended,
    }.get(word, subject.rescheduled)
    return () if agrees else (f"the text says {said[0]!r}, the subject does not",)


def _ticket(subject: Subject, own: Part, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The maintenance id of the subject, else of the text; they must not differ."""
    body = tickets(" ".join(found.strip("[].,") for found in _REFERENCE.findall(" ".join(own.lines))))
    found = subject.tickets or body
    if not found:
        return f"mail-{hashlib.sha256(data).hexdigest()[:16]}", ("the mail has no maintenance id",)
    if len(found) > 1:
        return found[0], (f"the mail has several maintenance ids: {', '.join(found)}",)
    if body and found[0] not in body:
        return found[0], (f"the subject says {found[0]}, the text {', '.join(body)}",)
    return found[0], ()
