"""AWS Health events: in every envelope, in pages, and as the API answers; and what makes them doubtful."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maintsched.domain.maintenance import key_of, merge
from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Notice, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read

from .given import one, origin, shown
from .test_aws_links import ARN
from .test_aws_mail import mail

ID = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
TEXT = (
    "Planned maintenance has been scheduled on an AWS Direct Connect endpoint in Equinix LD5, Slough. Your services"
    " associated with this event may become unavailable.\\n\\nRedundant connections are not taken at once."
)
WHEN = "2026-12-09T01:00Z/2026-12-09T05:00Z"
Json = dict[str, Any]


def without_none(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def event(**changes: Any) -> Json:
    detail = {
        "eventArn": ARN,
        "service": "DIRECTCONNECT",
        "eventTypeCode": "AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED",
        "eventTypeCategory": "scheduledChange",
        "communicationId": "c-1",
        "startTime": "Wed, 9 Dec 2026 01:00:00 GMT",
        "endTime": "Wed, 9 Dec 2026 05:00:00 GMT",
        "lastUpdatedTime": "Wed, 25 Nov 2026 10:00:00 GMT",
        "statusCode": "upcoming",
        "eventDescription": [{"language": "en_US", "latestDescription": TEXT}],
        "affectedEntities": [{"entityValue": "dxcon-fexamp1a"}, {"entityValue": "dxvif-fexamp1a"}],
        "affectedAccount": "123456789012",
    }
    return {
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "account": "999999999999",
        "time": "2026-11-25T10:00:07Z",
        "detail": without_none({**detail, **changes}),
    }


def page(number: int, of: int, *objects: str, **changes: Any) -> Json:
    return event(
        page=str(number),
        totalPages=str(of),
        communicationId=f"c-{number}",
        affectedEntities=[{"entityValue": name} for name in objects],
        **changes,
    )


def answered(**changes: Any) -> Json:
    """An event as DescribeEvents gives it: times as numbers."""
    values = {
        "arn": ARN,
        "service": "DIRECTCONNECT",
        "eventTypeCode": "AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED",
        "eventTypeCategory": "scheduledChange",
        "startTime": 1796778000.0,
        "endTime": 1796792400.0,
        "lastUpdatedTime": 1795600800.5,
        "statusCode": "upcoming",
    }
    return without_none({**values, **changes})


def entity(name: str, account: str | None = "123456789012", arn: str = ARN) -> Json:
    return without_none({"eventArn": arn, "entityValue": name, "awsAccountId": account, "lastUpdatedTime": 1795600800})


def details(**more: Any) -> Json:
    return {"successfulSet": [{"event": answered(), "eventDescription": {"latestDescription": TEXT}, **more}]}


def told(value: Any) -> tuple[Notice, ...]:
    return read(json.dumps(value).encode(), origin())


def only(value: Any) -> Notice:
    (notice,) = told(value)
    return notice


def objects_of(notice: Notice) -> list[str]:
    return [item.object_id for item in notice.objects]


def sns(value: Any) -> Json:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-2:1:x", "Message": json.dumps(value)}


ENVELOPES = [
    ("the event", event()),
    ("the detail alone", event()["detail"]),
    ("a list", [event()]),
    ("SNS", sns(event())),
    ("an SQS message", {"MessageId": "1", "Body": json.dumps(event())}),
    ("SNS in SQS", {"Messages": [{"Body": json.dumps(sns(event()))}]}),
    ("SNS to a Lambda", {"Records": [{"EventSource": "aws:sns", "Sns": sns(event())}]}),
    ("SQS to a Lambda", {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(event())}]}),
    ("delivered twice", [event(), {**event(), "id": "other", "region": "us-west-2", "time": "2026-11-25T10:05:00Z"}]),
    ("with others", [event(service="EC2"), event(), event(service="RDS")]),
]


@pytest.mark.parametrize(("why", "value"), ENVELOPES, ids=[case[0] for case in ENVELOPES])
def test_an_event_is_read_out_of_every_envelope(why: str, value: Any) -> None:
    notice = only(value)
    assert (notice.maintenance_id, shown(notice.interval), notice.status) == (ID, WHEN, Status.CONFIRMED)
    assert (objects_of(notice), notice.sites) == (["dxcon-fexamp1a", "dxvif-fexamp1a"], ("LD5",))
    assert (notice.problems, notice.provider) == ((), "AWS")


def test_an_event_that_sns_sends_as_a_mail_is_read() -> None:
    text = json.dumps(event()) + "\n\n--\nIf you wish to stop receiving notifications, visit https://aws.example\n"
    notice = one(mail(text, "AWS Notification Message", sender="AWS Notifications <no-reply@sns.amazonaws.com>"))
    assert (notice.maintenance_id, notice.sender, notice.problems) == (ID, "no-reply@sns.amazonaws.com", ())


def test_the_account_is_the_affected_one_else_that_of_the_envelope() -> None:
    assert only(event()).account == "123456789012"
    assert only(event(affectedAccount=None)).account == "999999999999"


NOT_OURS = [event(service="EC2"), [event(service="RDS")], {"events": []}, {"events": [answered(service="EC2")]}]


@pytest.mark.parametrize("value", NOT_OURS)
def test_events_of_other_services_are_no_notices(value: Any) -> None:
    assert told(value) == ()


@pytest.mark.parametrize("value", [[], {}, {"events": [{"id": 1}]}, {"Message": "hello"}, {"Message": json.dumps("x")}])
def test_json_without_an_event_is_of_no_known_format(value: Any) -> None:
    with pytest.raises(NoticeUnreadable, match="no known format"):
        told(value)


TIMES = [
    ("Wed, 9 Dec 2026 01:00:00 GMT", "Wed, 9 Dec 2026 05:00:00 GMT"),
    ("2026-12-09T01:00:00Z", "2026-12-09T05:00:00.000Z"),
    ("2026-12-09T02:00:00+01:00", "2026-12-09 05:00:00+00:00"),
    (1796778000, 1796792400.0),
    ("1796778000", "1.7967924E9"),
]


@pytest.mark.parametrize(("start", "end"), TIMES)
def test_every_kind_of_time_is_read(start: Any, end: Any) -> None:
    notice = only(event(startTime=start, endTime=end))
    assert (shown(notice.interval), notice.problems) == (WHEN, ())


BAD_TIMES = [
    ({"startTime": "Thu, 9 Dec 2026 01:00:00 GMT"}, "is a Wednesday"),
    ({"startTime": "2026-12-09T01:00:00"}, "has no zone"),
    ({"startTime": "2026-12-09T01:00:00 CET"}, "the zone 'CET'"),
    ({"startTime": 1796778000000}, "cannot be read"),
    ({"endTime": None}, "AWS gives no end time"),
    ({"startTime": None, "endTime": None}, "AWS gives no start and no end time"),
    ({"endTime": "Wed, 9 Dec 2026 00:00:00 GMT"}, "before or when it starts"),
    ({"startTime": {"at": 1}}, "AWS gives no start time"),
]


@pytest.mark.parametrize(("changes", "says"), BAD_TIMES)
def test_a_time_that_cannot_be_trusted_is_none(changes: Json, says: str) -> None:
    notice = only(event(**changes))
    assert (notice.interval, says in " ".join(notice.problems)) == (None, True)


def test_an_event_without_update_time_cannot_be_put_in_order() -> None:
    notice = only(answered_document(lastUpdatedTime=None))
    assert "cannot be put in order" in " ".join(notice.problems)


def answered_document(**changes: Any) -> Json:
    return {"events": [answered(**changes)], "entities": [{"eventArn": ARN, "entityValue": "dxcon-fexamp1a"}]}


BEFORE, DURING, AFTER = (f"{day} Dec 2026 {hour}:00:00 GMT" for day, hour in ((7, "10"), (9, "03"), (9, "06")))
CANCELLED = "The planned maintenance on an AWS Direct Connect endpoint in Equinix LD5, Slough has been cancelled."
SCHEDULED_CODE = "AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED"
CANCEL_CODE = "AWS_DIRECTCONNECT_MAINTENANCE_CANCELLED"
COMPLETE_CODE = "AWS_DIRECTCONNECT_MAINTENANCE_COMPLETE"
STATES = [
    (SCHEDULED_CODE, "upcoming", BEFORE, TEXT, Status.CONFIRMED, True),
    (SCHEDULED_CODE, "open", BEFORE, TEXT, Status.CONFIRMED, True),
    (SCHEDULED_CODE, "open", DURING, TEXT, Status.IN_PROCESS, True),
    (SCHEDULED_CODE, "closed", AFTER, TEXT, Status.COMPLETED, True),
    (SCHEDULED_CODE, "closed", DURING, TEXT, Status.COMPLETED, True),
    (SCHEDULED_CODE, "closed", BEFORE, TEXT, None, False),
    (SCHEDULED_CODE, "closed", BEFORE, CANCELLED, Status.CANCELLED, True),
    (SCHEDULED_CODE, "upcoming", BEFORE, CANCELLED, None, False),
    (SCHEDULED_CODE, "closed", BEFORE, TEXT + " It has been cancelled.", None, False),
    (SCHEDULED_CODE, None, BEFORE, TEXT, None, True),
    (SCHEDULED_CODE, "paused", BEFORE, TEXT, None, False),
    (CANCEL_CODE, "closed", BEFORE, CANCELLED, Status.CANCELLED, True),
    (CANCEL_CODE, "upcoming", BEFORE, CANCELLED, Status.CANCELLED, True),
    (CANCEL_CODE, None, BEFORE, "", Status.CANCELLED, True),
    (CANCEL_CODE, "upcoming", BEFORE, "", None, False),
    (COMPLETE_CODE, "closed", DURING, "", Status.COMPLETED, True),
    (COMPLETE_CODE, "closed", DURING, CANCELLED, None, False),
    (COMPLETE_CODE, "closed", DURING, TEXT, None, False),
]


@pytest.mark.parametrize(("code", "state", "updated", "text", "status", "sound"), STATES)
def test_the_state_is_what_code_text_and_time_say(
    code: str, state: str | None, updated: str, text: str, status: Status | None, sound: bool
) -> None:
    notice = only(
        event(
            eventTypeCode=code,
            statusCode=state,
            lastUpdatedTime=updated,
            eventDescription=[{"language": "en_US", "latestDescription": text}],
        )
    )
    assert (notice.status, not notice.problems) == (status, sound)


def test_a_fault_is_going_on_until_it_is_closed() -> None:
    fault = {"eventTypeCategory": "issue", "eventTypeCode": "AWS_DIRECTCONNECT_OPERATIONAL_ISSUE"}
    text = [{"language": "en_US", "latestDescription": "We are investigating packet loss."}]
    assert only(event(statusCode="open", eventDescription=text, **fault)).status is Status.IN_PROCESS
    assert only(event(statusCode="closed", eventDescription=text, **fault)).status is Status.COMPLETED
    assert "no end time" in " ".join(only(event(statusCode="open", endTime=None, **fault)).problems)


@pytest.mark.parametrize("category", ["accountNotification", "investigation", None])
def test_what_is_neither_work_nor_fault_is_for_a_person(category: str | None) -> None:
    assert "must be told by a person" in " ".join(only(event(eventTypeCategory=category)).problems)


def test_the_cancellation_by_another_event_ends_the_same_work() -> None:
    other = ARN.replace("SCHEDULED", "CANCELLED")
    text = [{"language": "en_US", "latestDescription": CANCELLED}]
    cancelled = only(
        event(
            eventArn=other,
            eventTypeCode=CANCEL_CODE,
            statusCode="closed",
            lastUpdatedTime=BEFORE,
            eventDescription=text,
        )
    )
    assert key_of(cancelled) == key_of(only(event()))
    assert merge((cancelled, only(event()))).status is Status.CANCELLED
    assert other in cancelled.other_ids


def test_an_arn_of_another_shape_is_the_id_itself() -> None:
    arn = "arn:aws:health:eu-west-2::event/DIRECTCONNECT/AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED/event-7"
    assert only(event(eventArn=arn)).maintenance_id == arn


def test_a_mail_and_an_event_about_the_same_work_share_an_id() -> None:
    assert one(mail()).maintenance_id in only(event()).other_ids


def test_without_an_arn_the_id_is_that_of_the_mails_and_a_person_is_asked() -> None:
    notice = only(event(eventArn=None))
    assert (notice.maintenance_id, notice.problems) == (one(mail()).maintenance_id, ("it has no event ARN",))


def test_pages_that_come_together_are_one() -> None:
    notice = only([page(2, 2, "dxcon-fexamp1b"), page(1, 2, "dxcon-fexamp1a")])
    assert (objects_of(notice), notice.problems, notice.part) == (["dxcon-fexamp1a", "dxcon-fexamp1b"], (), 1)


def test_pages_that_come_alone_add_up_and_are_doubted() -> None:
    first, second = only(page(1, 2, "dxcon-fexamp1a")), only(page(2, 2, "dxcon-fexamp1b"))
    assert key_of(first) != key_of(second)
    assert (first.maintenance_id, second.maintenance_id, second.part) == (ID, ID, 2)
    for notice, names in ((first, ["dxcon-fexamp1a"]), (second, ["dxcon-fexamp1b"])):
        assert objects_of(notice) == names
        assert any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems)


BROKEN_PAGES = [
    [page(1, 3, "dxcon-fexamp1a"), page(2, 3, "dxcon-fexamp1b")],
    [page(1, 2, "dxcon-fexamp1a"), page(2, 3, "dxcon-fexamp1b")],
    [page(1, 2, "dxcon-fexamp1a"), page(2, 2, "dxcon-fexamp1b", endTime="Wed, 9 Dec 2026 06:00:00 GMT")],
    [page(3, 2, "dxcon-fexamp1a")],
    [event(page="one", totalPages="2")],
]


@pytest.mark.parametrize("pages", BROKEN_PAGES)
def test_pages_that_do_not_fit_together_are_doubted_each(pages: list[Json]) -> None:
    found = told(pages)
    assert len(found) == len(pages)
    assert all(any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems) for notice in found)


ENTITIES = [
    ([], "names no connection or interface"),
    ([{"entityValue": "UNKNOWN"}], "'UNKNOWN' is not the id"),
    ([{"entityValue": "dxcon-fexamp1a"}, {"entityValue": "AWS_ACCOUNT"}], "'AWS_ACCOUNT' is not the id"),
    ([{"entityValue": "dxcon-fexamp1a"}, {}], "'an entity without a value' is not the id"),
    ("dxcon-fexamp1a", "entities cannot be read"),
    (None, "names no connection or interface"),
]


@pytest.mark.parametrize(("entities", "says"), ENTITIES)
def test_entities_that_are_not_all_ids_are_not_the_whole_list(entities: Any, says: str) -> None:
    notice = only(event(affectedEntities=entities))
    assert any(problem.startswith(OBJECTS_INCOMPLETE) and says in problem for problem in notice.problems)


def test_the_text_of_an_event_is_no_list_of_objects() -> None:
    text = [{"language": "en_US", "latestDescription": TEXT + " dxcon-fother12"}]
    assert objects_of(only(event(eventDescription=text))) == ["dxcon-fexamp1a", "dxvif-fexamp1a"]


def test_resources_of_the_envelope_and_ids_as_arns_count() -> None:
    value = event(affectedEntities=[{"entityValue": "arn:aws:directconnect:eu-west-2:1:dxcon/dxcon-fexamp1a"}])
    assert objects_of(only({**value, "resources": ["dxcon-fexamp1b"]})) == ["dxcon-fexamp1a", "dxcon-fexamp1b"]


UNREAD = [
    ([event(), {"Message": "plain text"}], "a message in it is no AWS Health event"),
    ([event(), {"source": "aws.health", "detail": "?"}], "has no detail that can be read"),
    ([event(), event(service=None, eventTypeCode=None, eventArn=None)], "of which service"),
]


@pytest.mark.parametrize(("value", "says"), UNREAD)
def test_what_cannot_be_read_beside_an_event_is_told(value: Any, says: str) -> None:
    sound, doubtful = told(value)
    assert (sound.maintenance_id, sound.problems) == (ID, ())
    assert says in " ".join(doubtful.problems)


def test_a_service_that_is_not_named_is_seen_in_the_code() -> None:
    assert only(event(service=None)).maintenance_id == ID
