"""The JSON that AWS Health events come in, taken apart: EventBridge, SNS and SQS envelopes, pages, API answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.errors import NoticeUnreadable
from maintsched.readers.aws_common import TYPED_ID, is_object_id
from maintsched.readers.jsontext import looks_like_json, read_json

_DEEPEST = 8
_ENVELOPE = ("Message", "Body", "body", "Messages", "Records", "Sns", "requestPayload")
_LISTS = ("events", "eventDetails", "successfulSet", "failedSet", "entities", "affectedEntities")
_ANSWER = frozenset((*_LISTS, "nextToken", "NextToken", "ResponseMetadata"))
_HEALTH_ARN = re.compile(r"arn:aws[a-z-]*:health:")
_PAGE = re.compile(r"[1-9]\d{0,3}", re.ASCII)
# Detail types of EventBridge say "AWS Health Event"; an abuse report is another service's.
_SOURCE = "aws.health"

Piece = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """One event for one account, as far as the document tells; texts are as written, empty where absent."""

    arn: str = ""
    service: str = ""
    code: str = ""
    category: str = ""
    status: str = ""
    start: str = ""
    end: str = ""
    updated: str = ""
    description: str = ""
    account: str = ""
    objects: tuple[str, ...] = ()
    part: int = 1
    problems: tuple[str, ...] = ()

    @property
    def direct_connect(self) -> bool | None:
        """Whether it is about Direct Connect; None where nothing tells its service."""
        if self.service:
            return self.service.upper() == "DIRECTCONNECT"
        named = f"{self.code} {self.arn}"
        return "DIRECTCONNECT" in named.upper() if named.strip() else None


@dataclass(slots=True)
class Gathered:
    """The events of a document, and what of it is missing or unread as `loose` problems."""

    found: list[Found] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)


def pieces(value: object, depth: int = 0) -> Iterator[Piece]:
    """Events (`event`), API answers (`answer`) and messages that cannot be read (`unread`), out of all envelopes."""
    if depth > _DEEPEST:
        yield "unread", value
    elif isinstance(value, list):
        for item in value:
            yield from pieces(item, depth + 1)
    elif isinstance(value, str):
        yield from _of_text(value, depth)
    elif isinstance(value, dict):
        if value.get("source") == _SOURCE or ("eventArn" in value and "eventTypeCode" in value):
            yield "event", value
        elif _is_answer(value):
            yield "answer", value
        elif inside := [value[key] for key in _ENVELOPE if key in value]:
            for item in inside:
                yield from pieces(item, depth + 1)
        else:
            yield "unread", value


def _of_text(text: str, depth: int) -> Iterator[Piece]:
    data = text.encode(errors="replace")
    try:
        inside = read_json(data) if looks_like_json(data) else None
    except NoticeUnreadable:
        inside = None
    if inside is None:
        yield "unread", text
    else:
        yield from pieces(inside, depth + 1)


def _is_answer(value: dict[str, object]) -> bool:
    """Whether its lists hold what AWS Health calls by ARN; empty ones do where nothing else is there."""
    if not set(value) & set(_LISTS):
        return False
    items = [item for name in _LISTS for item in items_of(value.get(name))]
    if not items:
        return set(value) <= _ANSWER
    return any(_HEALTH_ARN.match(text_of(item, name)) for item in items for name in ("arn", "eventArn")) or any(
        _HEALTH_ARN.match(text_of(item.get("event"), "arn")) for item in items
    )


def items_of(value: object) -> list[dict[str, object]]:
    """The objects of a list, also where it stands one level deeper, as AWS's tools print it."""
    if isinstance(value, dict):
        return [item for name in _LISTS for item in items_of(value.get(name))]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object, name: str) -> str:
    """A member that is text; else empty."""
    found = value.get(name) if isinstance(value, dict) else None
    return found.strip() if isinstance(found, str) else ""


def objects_of(values: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids in a list of entities or plain names, and doubts where one is no id (AWS has written UNKNOWN)."""
    found: list[str] = []
    doubts: list[str] = []
    for value in values if isinstance(values, list) else []:
        name = value.strip() if isinstance(value, str) else text_of(value, "entityValue")
        last = name.rpartition("/")[2]
        if TYPED_ID.fullmatch(last) or is_object_id(last):
            found.append(last)
        else:
            doubts.append(f"{OBJECTS_INCOMPLETE}: {(name or 'an entity without a value')[:60]!r} is not the id of one")
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(doubts))


def events_of(values: list[object]) -> Gathered:
    """What EventBridge sent; the pages of one communication joined where all are there."""
    gathered = Gathered()
    pages: dict[tuple[str, str, str], dict[tuple[int, int], Found]] = {}
    for value in values:
        detail = value.get("detail", value) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(detail, dict):
            gathered.loose.append("an AWS Health event has no detail that can be read")
            continue
        found = _of_detail(value, detail)
        page, total = text_of(detail, "page") or "1", text_of(detail, "totalPages") or "1"
        if not (_PAGE.fullmatch(page) and _PAGE.fullmatch(total)) or int(page) > int(total):
            why = f"{OBJECTS_INCOMPLETE}: it is page {page[:10]!r} of {total[:10]!r}"
            gathered.found.append(replace(found, problems=(*found.problems, why)))
        elif total == "1":
            gathered.found.append(found)
        else:
            base = re.sub(rf"[-_.]{page}$", "", text_of(detail, "communicationId"))
            key = (found.arn, found.account, base)
            pages.setdefault(key, {})[int(page), int(total)] = found
    for each in pages.values():
        gathered.found += _joined(each)
    return gathered


def _joined(pages: dict[tuple[int, int], Found]) -> list[Found]:
    """One event of all pages; else each page as a part of its own, so that none replaces the objects of another."""
    totals = {total for _, total in pages}
    ordered = [pages[key] for key in sorted(pages)]
    if len(totals) == 1 and len(pages) == totals.pop():
        objects = tuple(dict.fromkeys(name for each in ordered for name in each.objects))
        doubts = tuple(dict.fromkeys(why for each in ordered for why in each.problems))
        same = len({replace(each, objects=(), problems=()) for each in ordered}) == 1
        if same:
            return [replace(ordered[0], objects=objects, problems=doubts)]
    return [
        replace(
            each,
            part=page,
            problems=(*each.problems, f"{OBJECTS_INCOMPLETE}: it is page {page} of {total}"),
        )
        for (page, total), each in sorted(pages.items(), key=lambda item: item[0])
    ]


def _of_detail(envelope: dict[str, object], detail: dict[str, object]) -> Found:
    entities = detail.get("affectedEntities")
    objects, doubts = objects_of([*_list(entities), *_list(envelope.get("resources"))])
    # A member that came as something else than expected is not taken for an empty one.
    if not isinstance(entities, list | None):
        doubts += (f"{OBJECTS_INCOMPLETE}: its entities cannot be read",)
    return replace(
        _of_event(detail, "eventArn"),
        updated=text_of(detail, "lastUpdatedTime") or text_of(envelope, "time"),
        description=_description(detail.get("eventDescription")),
        account=text_of(detail, "affectedAccount") or text_of(envelope, "account"),
        objects=objects,
        problems=doubts,
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _of_event(event: dict[str, object], arn: str) -> Found:
    return Found(
        arn=text_of(event, arn),
        service=text_of(event, "service"),
        code=text_of(event, "eventTypeCode"),
        category=text_of(event, "eventTypeCategory"),
        status=text_of(event, "statusCode"),
        start=text_of(event, "startTime"),
        end=text_of(event, "endTime"),
        updated=text_of(event, "lastUpdatedTime"),
    )


def _description(value: object) -> str:
    """The English text, else the first one."""
    texts = items_of(value) if isinstance(value, list) else [value]
    english = [text for text in texts if text_of(text, "language").casefold().startswith("en")]
    return next((said for text in (*english, *texts) if (said := text_of(text, "latestDescription"))), "")


def answers_of(values: list[object]) -> Gathered:
    """What answers of the API say together: events, their details and their entities, by ARN and account."""
    gathered = Gathered()
    answers = _Answers()
    for value in values:
        if isinstance(value, dict):
            answers.take(value)
    if answers.more_events:
        gathered.loose.append("the answer has a nextToken: there are events that it does not hold")
    for arn in dict.fromkeys((*answers.events, *answers.failed, *answers.entities)):
        gathered.found += answers.found(arn)
    return gathered


@dataclass(slots=True)
class _Answers:
    events: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, list[str]] = field(default_factory=dict)
    entities: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    more_events: bool = False
    more_entities: bool = False

    def take(self, value: dict[str, object]) -> None:
        """One answer, or several in one document under their own names."""
        for name in _LISTS:
            part = value.get(name)
            if isinstance(part, dict):
                self.take(part if set(part) & set(_LISTS) else {name: [part]})
            for item in part if isinstance(part, list) else []:
                self._take_item(name, item)
        if value.get("nextToken") or value.get("NextToken"):
            of_entities = "entities" in value or "affectedEntities" in value
            self.more_entities |= of_entities
            self.more_events |= "events" in value or not of_entities

    def _take_item(self, name: str, item: object) -> None:
        if not isinstance(item, dict):
            return
        if set(item) & {"successfulSet", "failedSet", "entities", "events"}:
            self.take(item)
            return
        if isinstance(event := item.get("event"), dict):
            arn = text_of(event, "arn")
            self._note_event(arn, event)
            self.texts[arn] = _description(item.get("eventDescription"))
            self.accounts.setdefault(arn, []).append(text_of(item, "awsAccountId"))
        elif "errorName" in item or "errorMessage" in item or name == "failedSet":
            why = " ".join((text_of(item, "errorName"), text_of(item, "errorMessage"))).strip()
            self.failed[text_of(item, "eventArn")] = why[:160]
        elif "entityValue" in item or "eventArn" in item or name in ("entities", "affectedEntities"):
            self.entities.setdefault(text_of(item, "eventArn"), []).append(item)
        else:
            self._note_event(text_of(item, "arn"), item)

    def _note_event(self, arn: str, event: dict[str, object]) -> None:
        self.events.setdefault(arn, {})[repr(event)] = event

    def found(self, arn: str) -> list[Found]:
        """The event under each of its accounts; where lists are cut off, it is said."""
        problems = [f"AWS did not give its details: {self.failed[arn]}"] if arn in self.failed else []
        if self.more_entities:
            problems.append(f"{OBJECTS_INCOMPLETE}: the answer has a nextToken")
        if arn not in self.events:
            problems.append("the answer has no event for it, but only its entities or an error")
        by_account: dict[str, list[dict[str, object]]] = {}
        for each in self.entities.get(arn, []):
            by_account.setdefault(text_of(each, "awsAccountId"), []).append(each)
        named = [*self.accounts.get(arn, []), *by_account]
        result = []
        for account in list(dict.fromkeys(filter(None, named))) or [""]:
            own = [*by_account.get("", []), *(by_account.get(account, []) if account else [])]
            objects, doubts = objects_of(own)
            for event in [*self.events.get(arn, {}).values()] or [{}]:
                known = _of_event(event, "arn")
                updated = known.updated or max((text_of(each, "lastUpdatedTime") for each in own), default="")
                result.append(
                    replace(
                        known,
                        arn=arn,
                        updated=updated,
                        description=self.texts.get(arn, ""),
                        account=account,
                        objects=objects,
                        problems=(*problems, *doubts),
                    )
                )
        return result
