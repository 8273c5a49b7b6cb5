"""AWS Health events about Direct Connect, as EventBridge, SNS and SQS send them and as the API answers.

An event is about us by its service and category, never by a closed list of type codes. AWS makes an event of its own
for the planning, the cancellation and the completion of a work; what their ARNs have in common is the id, the ARN a
further one. A page that came without the others is a part of its own: the pages add up, and none replaces another.

`statusCode` is `closed` for what is completed and for what is cancelled. The type code or the text says cancelled; else
an event that was closed after the start of the work is completed. One that was closed before, and says nothing, stands
until a person has looked.
"""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256

from maintsched.domain.matching import OBJECTS_INCOMPLETE, PLACES_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.readers.aws_common import (
    event_id,
    instant,
    normal,
    object_ids,
    places,
    told_once,
    verdicts,
    window,
    work_id,
)
from maintsched.readers.aws_documents import Found, Gathered, answers_of, events_of, pieces
from maintsched.readers.contentlines import clean
from maintsched.readers.origin import Origin
from maintsched.readers.times import Times

_CODE_VERDICT = re.compile(r"_(?P<word>CANCELL?ED|CANCELLATION|COMPLETED?|RE_?SCHEDULED|POSTPONED|EXTENDED)(?=_|$)")
_OVER = {"cancelled": Status.CANCELLED, "completed": Status.COMPLETED}
_CHANGE, _ISSUE = "scheduledchange", "issue"
_STATUSES = ("upcoming", "open", "closed", "")


def is_aws_health(value: object) -> bool:
    """Whether the value holds an AWS Health event or answer, of whatever service, in whatever envelope."""
    return any(kind != "unread" for kind, _ in pieces(value))


def read_aws_health(value: object, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each event about Direct Connect and account; () where all events are about other services.

    What of the document cannot be read, or is said to be missing, is a Notice of its own, without time.
    """
    every = list(pieces(value))
    events = events_of([each for kind, each in every if kind == "event"])
    answers = answers_of([each for kind, each in every if kind == "answer"])
    unread = ["a message in it is no AWS Health event"] if any(kind == "unread" for kind, _ in every) else []
    found = [each for gathered in (events, answers) for each in gathered.found]
    notices = [_notice(each, origin) for each in found if each.direct_connect]
    unread += [
        f"it does not say of which service the event {each.arn!r} is" for each in found if each.direct_connect is None
    ]
    notices += [_loose(why, value, origin) for why in _loose_ends(events, answers, unread)]
    return tuple(dict.fromkeys(notices))


def _loose_ends(events: Gathered, answers: Gathered, unread: list[str]) -> list[str]:
    return list(dict.fromkeys((*events.loose, *answers.loose, *unread)))


def _loose(why: str, value: object, origin: Origin) -> Notice:
    identity = f"health-{sha256(repr((why, value)).encode(errors='replace')).hexdigest()[:16]}"
    return Notice(
        provider=origin.provider or "AWS",
        account="",
        maintenance_id=identity,
        uid=identity,
        title="AWS Health",
        stamp=None,
        interval=None,
        status=None,
        impact=Impact.OUTAGE,
        problems=told_once((why,)),
    )


def _notice(event: Found, origin: Origin) -> Notice:
    problems = list(event.problems)
    stamp, no_stamp = _stamp(event)
    times = _times(event)
    interval = times.interval
    status, bad_status = _status(event, stamp, interval.start if interval else None)
    problems += [*no_stamp, *times.problems, *bad_status, *_odd_kind(event)]
    if not event.objects:
        problems.append(f"{OBJECTS_INCOMPLETE}: it names no connection or interface")
    incomplete = any(problem.startswith(OBJECTS_INCOMPLETE) for problem in problems)
    if incomplete:
        problems.append(f"{PLACES_INCOMPLETE}: AWS names an endpoint by its building or city alone")
    made = work_id(interval.start, event.objects) if interval and event.objects and not incomplete else ""
    identity = event_id(event.arn) if event.arn else made or f"health-{sha256(repr(event).encode()).hexdigest()[:16]}"
    if not event.arn:
        problems.append("it has no event ARN")
    words = _words(event)
    others = [event.arn, made, *(object_ids(interval.start, event.objects) if interval else ())]
    return Notice(
        provider=origin.provider or "AWS",
        account=event.account,
        maintenance_id=identity,
        uid=identity,
        title=_title(event),
        stamp=stamp,
        interval=interval,
        status=status,
        impact=Impact.OUTAGE,  # AWS writes "may become unavailable" and nothing milder
        objects=tuple(ObjectImpact(name) for name in event.objects),
        sites=places(event.description),
        problems=told_once(problems),
        extended="extended" in words,
        rescheduled="rescheduled" in words,
        part=event.part,
        other_ids=tuple(dict.fromkeys(name for name in others if name and name != identity)),
    )


def _times(event: Found) -> Times:
    missing = [name for name, text in (("start", event.start), ("end", event.end)) if not text]
    if missing:
        return Times(None, (f"AWS gives no {' and no '.join(missing)} time",))
    return window(event.start, event.end, epoch=True)


def _stamp(event: Found) -> tuple[datetime | None, tuple[str, ...]]:
    try:
        return instant(event.updated), ()
    except (ValueError, OverflowError):
        return None, ("it has no lastUpdatedTime that can be read: it cannot be put in order",)


def _odd_kind(event: Found) -> tuple[str, ...]:
    """What is neither planned work nor a fault may be work all the same; a person decides."""
    if event.category.casefold() in (_CHANGE, _ISSUE):
        return ()
    return (f"whether a {event.category[:40] or 'notice without category'} of AWS is work must be told by a person",)


def _words(event: Found) -> frozenset[str]:
    return verdicts(event.description) | {normal(word) for word in _coded(event)}


def _coded(event: Found) -> list[str]:
    return [found["word"].replace("_", "") for found in _CODE_VERDICT.finditer(event.code.upper())]


def _status(event: Found, stamp: datetime | None, start: datetime | None) -> tuple[Status | None, tuple[str, ...]]:
    """The state by type code, text and statusCode. None, that is unchanged, where they contradict each other."""
    code = event.status.casefold()
    if code not in _STATUSES:
        return None, (f"the statusCode {event.status[:30]!r} is not known",)
    coded = {normal(word) for word in _coded(event)}
    said = verdicts(event.description)
    over = {_OVER[word] for word in coded | said if word in _OVER}
    if over:
        standing = said & {"scheduled", "extended", "rescheduled"}
        going_on = code in ("upcoming", "open") and not (coded & set(_OVER) and said & set(_OVER))
        if len(over) > 1 or standing or going_on:
            names = ", ".join(sorted({*over, *standing, *([code] if going_on else [])}))
            return None, (f"it says different things of its state: {names}",)
        return over.pop(), ()
    if code == "closed":
        return _closed(event, stamp, start)
    if code == "open":
        begun = event.category.casefold() == _ISSUE or (stamp is not None and start is not None and stamp >= start)
        return (Status.IN_PROCESS if begun else Status.CONFIRMED), ()
    return (Status.CONFIRMED if code else None), ()


def _closed(event: Found, stamp: datetime | None, start: datetime | None) -> tuple[Status | None, tuple[str, ...]]:
    if event.category.casefold() == _ISSUE or (stamp is not None and start is not None and stamp >= start):
        return Status.COMPLETED, ()
    return None, ("AWS closed the event before the work begins, and does not say that it is cancelled",)


def _title(event: Found) -> str:
    first = re.split(r"(?<=[a-z\d])\.\s|\\n|\n", event.description, maxsplit=1)[0]
    return clean(first)[:160] or event.code.replace("_", " ") or "AWS Direct Connect"
