"""AWS Direct Connect maintenance mails: planned, reminder, emergency, cancelled, complete; text, HTML or JSON by SNS.

Which mails are about the same work. Most have no number, so that an id is made of what all of them say: the start and
the objects (`aws_common.work_id`). The end, the wording and the place may change without making other work of it. Where
the mail, in a link or a header, holds the id of the AWS Health event, that is the id, and the made one a further one.
A reminder that lists fewer objects, or a new start, gets another id: both windows then stand, which blocks too much and
never too little; `other_ids` has each object with the start, by which the two can be seen to be one. A mail that ends
work is believed only where its id is certain; otherwise it waits for a person.
"""

from __future__ import annotations

import email
import email.policy
import html
import re
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message
from hashlib import sha256
from urllib.parse import unquote

from maintsched.domain.matching import OBJECTS_INCOMPLETE, PLACES_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers.aws_common import (
    EVENT_ARN,
    event_id,
    moment,
    normal,
    object_ids,
    places,
    told_once,
    verdicts,
    work_id,
)
from maintsched.readers.aws_health import is_aws_health, read_aws_health
from maintsched.readers.aws_text import NO_WINDOW, Own, Stated, own_lines, stated, without_time
from maintsched.readers.contentlines import decode
from maintsched.readers.equinix_subject import Subject, read_subject
from maintsched.readers.jsontext import looks_like_json, read_json
from maintsched.readers.mail import Mail, Part
from maintsched.readers.origin import Origin

_SENDER = re.compile(r"@(?:[\w-]+\.)*(?:amazon\.com|aws\.com|amazonaws\.com|amazonses\.com)$")
_OTHER = re.compile(r"@(?:[\w-]+\.)*equinix\.com$")
_OTHER_FORM = re.compile(r"(?im)^[\s>*_|]*(?:SPAN|IBX\s*\(s\)|IBXs?)[*_]*\s*[:：]")
_ABOUT = re.compile(r"\bdirect\s*connect\b|\bAWS_DIRECTCONNECT_", re.IGNORECASE)
_WORK = re.compile(r"maintenance|emergency|outage|disrupt|interrupt|unavailable|impair|degrad|operational.issue", re.I)
_STATEMENT = re.compile(r"maintenance\b[^.]{0,160}\bAWS\s+Direct\s+Connect\b", re.IGNORECASE)
_BY_AWS = re.compile(r"\bAWS\b|Amazon Web Services", re.IGNORECASE)
_TITLE_VERDICT = re.compile(
    r"\bmaintenance(?:\s+(?:notification|notice|event|window))?\s*[-–:]?\s*(?:has\s+been\s+|is\s+|was\s+)?"
    r"(?P<word>completed?|cancell?ed|cancellation|re-?scheduled|extended|postponed)\b",
    re.IGNORECASE,
)
_CODE_VERDICT = re.compile(r"AWS_DIRECTCONNECT_\w*?_(?P<word>CANCELL?ED|CANCELLATION|COMPLETED?)\b", re.IGNORECASE)
_ACCOUNT = re.compile(r"\[?AWS\s+Account\s*(?:ID|number)?\s*[:#]\s*(\d{6,16})", re.IGNORECASE | re.ASCII)
_ACCOUNT_LINE = re.compile(
    r"^\W*(?:affected\s+account|account\s*(?:id|number)?)\s*[:：]?\s*(?P<value>.*)$", re.IGNORECASE
)
_ACCOUNT_TAIL = re.compile(r"\s*\[?AWS\s+Account[^\]]*\]?", re.IGNORECASE)
_REQUEST = re.compile(r"\b(?P<code>AWS_DIRECTCONNECT_\w+?)/(?P=code)_(?P<own>[0-9A-Za-z-]{16,64})", re.ASCII)
_OVER = {"cancelled": Status.CANCELLED, "completed": Status.COMPLETED}
_MANY_EVENTS = 10  # a mail is about one
_STANDS = frozenset(("scheduled", "rescheduled", "extended"))


@dataclass(frozen=True, slots=True)
class _Behind:
    """What a mail has beside its visible text: the events in its links and headers, and its type code."""

    arns: tuple[str, ...]
    ids: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What a mail says of the state of the work."""

    status: Status | None
    extended: bool
    rescheduled: bool
    problems: tuple[str, ...] = ()


def is_aws_mail(mail: Mail) -> bool:
    """Whether the mail is about work on AWS Direct Connect and comes, or was forwarded, from AWS."""
    text = "\n".join((mail.subject, *(line for part in (*mail.html, *mail.text) for line in part.lines)))
    if _OTHER.search(mail.sender) or _OTHER_FORM.search(text):
        return False
    if not _SENDER.search(mail.sender) and not _BY_AWS.search(text):
        return False
    about = _ABOUT.search(mail.subject) is not None and _WORK.search(text) is not None
    return about or _STATEMENT.search(text) is not None or _json_of(mail) is not None


def read_aws_mail(mail: Mail, data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each window of the mail; what is missing or contradictory ends up in `problems`."""
    value = _json_of(mail)
    if value is not None:
        return tuple(replace(notice, sender=mail.sender) for notice in read_aws_health(value, origin))
    subject = read_subject(mail.subject)
    part, own = _body(mail, subject.forwarded)
    windows, contradictions = stated(own, part)
    if other := _other_windows(mail, subject, windows):
        windows, contradictions = without_time(windows), (*contradictions, *other)
    behind = _behind(data)
    account, no_account = _account(mail, own)
    said = _said(subject, own, behind.code)
    stamp, no_stamp = _stamp(mail, own)
    problems = (
        *subject.problems,
        *said.problems,
        *contradictions,
        *no_account,
    )
    if len(set(behind.ids)) > 1:
        problems += (f"it belongs to several AWS Health events: {', '.join(dict.fromkeys(behind.ids))[:200]}",)
    base = Notice(
        provider=origin.provider or "AWS",
        account=account,
        maintenance_id="",
        uid="",
        title=_title(subject),
        stamp=stamp,
        interval=None,
        status=said.status,
        impact=Impact.OUTAGE,  # "may become unavailable" and "will cause a disruption" are all that AWS writes
        sites=places(own.text),
        problems=(*problems, *no_stamp),
        extended=said.extended,
        rescheduled=said.rescheduled,
        sender=mail.sender,
    )
    return tuple(_notice(base, one, behind, len(windows), data) for one in windows)


def _notice(base: Notice, one: Stated, behind: _Behind, count: int, data: bytes) -> Notice:
    problems = [*base.problems, *one.problems]
    if not one.objects:
        problems.append(f"{OBJECTS_INCOMPLETE}: the mail lists no connection or interface")
    incomplete = any(problem.startswith(OBJECTS_INCOMPLETE) for problem in problems)
    if incomplete:
        problems.append(f"{PLACES_INCOMPLETE}: AWS names an endpoint by its building or city alone")
    names = one.objects or base.sites
    made = work_id(one.interval.start, names) if one.interval is not None and names else ""
    # An event has one window: where a mail has several, each gets its own id, as a later mail may be about one of them.
    event = behind.ids[0] if len(set(behind.ids)) == 1 and count == 1 else ""
    identity = event or made or f"mail-{sha256(data).hexdigest()[:16]}"
    certain = bool(event) or (bool(made) and not incomplete)
    over = base.status is not None and not base.status.counts
    if over and not certain:
        problems.append(f"it says {base.status}, but it is not clear of which work")
    if base.rescheduled and (not event or one.interval is None):
        problems.append("it gives new times, and a person must tell which maintenance it replaces")
    # The made id of a list with holes is of other work; each object's own id is right nevertheless.
    others = [*behind.arns, *behind.ids, *([] if incomplete else [made])]
    others += object_ids(one.interval.start, one.objects) if one.interval is not None else ()
    return replace(
        base,
        maintenance_id=identity,
        uid=identity,
        interval=one.interval,
        status=None if over and not certain else base.status,
        objects=tuple(ObjectImpact(name) for name in one.objects),
        problems=told_once(problems),
        other_ids=tuple(dict.fromkeys(name for name in others if name and name != identity)),
    )


def _json_of(mail: Mail) -> object:
    """An AWS Health event that SNS sent as the text of a mail; None where there is none."""
    for part in mail.text:
        lines = list(part.lines)
        if "--" in [line.strip() for line in lines]:
            lines = lines[: [line.strip() for line in lines].index("--")]
        data = "\n".join(lines).strip().encode()
        if looks_like_json(data):
            try:
                value = read_json(data)
            except NoticeUnreadable:
                continue
            if is_aws_health(value):
                return value
    return None


def _body(mail: Mail, forwarded: bool) -> tuple[Part, Own]:
    """The alternative with a window in it, HTML before text; else the first."""
    split = [(part, own_lines(part, forwarded)) for part in (*mail.html, *mail.text)]
    for part, own in split:
        if any(one.interval is not None for one in stated(own, part)[0]):
            return part, own
    about = [pair for pair in split if _ABOUT.search(pair[1].text)]
    return next(iter(about or split), (Part(()), Own(())))


def _other_windows(mail: Mail, subject: Subject, windows: tuple[Stated, ...]) -> tuple[str, ...]:
    """An alternative that gives other windows than the one that is read."""
    chosen = {one.interval for one in windows}
    for part in (*mail.html, *mail.text):
        own = stated(own_lines(part, subject.forwarded), part)[0]
        other = {one.interval for one in own}
        if not any(NO_WINDOW in one.problems for one in own) and other != chosen:
            return ("its HTML and its text give different times",)
    return ()


def _said(subject: Subject, own: Own, code: str) -> _Said:
    """The state by subject, text and type code, which must not contradict each other. The text may say more."""
    words = verdicts(own.text)
    in_title = {normal(found["word"]) for found in _TITLE_VERDICT.finditer(subject.title)}
    coded = {normal(found["word"]) for found in _CODE_VERDICT.finditer(f"{code} {subject.title}")}
    extended = subject.extended or "extended" in words | in_title
    rescheduled = subject.rescheduled or "rescheduled" in words | in_title
    over = {_OVER[word] for word in words | in_title | coded if word in _OVER}
    if not subject.status.counts:
        over.add(subject.status)
    if not over:
        return _Said(Status.CONFIRMED, extended, rescheduled)
    names = " and ".join(sorted(over))
    if len(over) > 1 or extended or rescheduled or words & _STANDS:
        stands = sorted((words & _STANDS) | ({"extended"} if extended else set()))
        why = f"it says {names}" + (f", but also {', '.join(stands)}" if stands else "")
        return _Said(None, extended, rescheduled, (why,))
    return _Said(over.pop(), extended, rescheduled)


def _account(mail: Mail, own: Own) -> tuple[str, tuple[str, ...]]:
    """The account of the subject, else of the text; they must not differ."""
    body = _ACCOUNT.findall(own.text)
    for index, line in enumerate(own.lines):
        if label := _ACCOUNT_LINE.match(line):
            value = label["value"].strip() or next(
                (text for text in own.lines[index + 1 : index + 3] if text.strip()), ""
            )
            body += re.findall(r"^\d{6,16}$", value.strip(), re.ASCII)
    found = tuple(dict.fromkeys((*_ACCOUNT.findall(mail.subject), *body)))
    if not found:
        return "", ("it names no AWS account",)
    return found[0], (f"it names several accounts: {', '.join(found)}",) if len(found) > 1 else ()


def _stamp(mail: Mail, own: Own) -> tuple[datetime | None, tuple[str, ...]]:
    """When AWS wrote it: the date inside of a forwarded mail, where it has a zone."""
    try:
        return moment(re.sub(r"\s*\([^)]*\)\s*$", "", own.date)), ()
    except (ValueError, OverflowError):
        pass
    return mail.date, () if mail.date else ("the mail has no Date that can be read: it cannot be put in order",)


def _title(subject: Subject) -> str:
    return _ACCOUNT_TAIL.sub("", subject.title).strip() or "AWS Direct Connect maintenance"


def _behind(data: bytes) -> _Behind:
    """Links are decoded as often as a tracker may have encoded them."""
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.compat32)
    heads = {name.upper(): str(value) for name, value in message.items()}
    texts = [text for part in message.walk() if (text := _source(part))]
    for _ in range(3):
        texts += [unquote(html.unescape(text)) for text in texts if "%" in text or "&" in text]
        texts = list(dict.fromkeys(texts))
    every = dict.fromkeys(
        found[0]
        for text in texts
        for found in EVENT_ARN.finditer(text)
        if (found["service"] or found["code"]).replace("AWS_", "").startswith("DIRECTCONNECT")
    )
    arns = [*every][:_MANY_EVENTS]
    request = _REQUEST.search("".join(heads.get("X-NOTIFICATIONS-CLIENT-REQUEST-ID", "").split()))
    ids = [event_id(arn) for arn in arns] or ([request["own"]] if request else [])
    code = f"{heads.get('X-SM-COMMUNICATION-TYPE', '')} {request['code'] if request else ''}"
    return _Behind(tuple(arns), tuple(dict.fromkeys(ids)), code)


def _source(part: Message) -> str:
    if part.is_multipart() or part.get_content_maintype() != "text":
        return ""
    payload = part.get_payload(decode=True)
    return decode(payload) if isinstance(payload, bytes) else ""
