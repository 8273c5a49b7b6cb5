"""What the AWS Health API answers: events, details and entities, put together, and what is missing told."""

from __future__ import annotations

from typing import Any

import pytest

from maintsched.domain.matching import OBJECTS_INCOMPLETE

from .given import shown
from .test_aws_health import ID, WHEN, Json, answered, details, entity, objects_of, only, told
from .test_aws_links import ARN

TOGETHER = [
    {"events": [answered()], "eventDetails": details(), "entities": [entity("dxcon-fexamp1a")]},
    {"events": [answered()], "eventDetails": details(), "entities": {"entities": [entity("dxcon-fexamp1a")]}},
    [{"events": [answered()]}, details(), {"entities": [entity("dxcon-fexamp1a")]}],
    [details(), {"entities": [entity("dxcon-fexamp1a")], "ResponseMetadata": {}}],
    [details(awsAccountId="123456789012"), {"entities": [entity("dxcon-fexamp1a")]}],
]


@pytest.mark.parametrize("value", TOGETHER)
def test_answers_in_one_document_are_put_together(value: Any) -> None:
    notice = only(value)
    assert (notice.maintenance_id, shown(notice.interval), notice.account) == (ID, WHEN, "123456789012")
    assert (objects_of(notice), notice.sites, notice.problems) == (["dxcon-fexamp1a"], ("LD5",), ())


INCOMPLETE = [
    ("events alone", {"events": [answered()]}, "names no connection"),
    ("details alone", details(), "names no connection"),
    ("entities alone", {"entities": [entity("dxcon-fexamp1a")]}, "only its entities"),
    ("more entities", [details(), {"entities": [entity("dxcon-fexamp1a")], "nextToken": "x"}], "has a nextToken"),
    (
        "failed",
        {"events": [answered()], "entities": [entity("dxcon-fexamp1a")], "failedSet": [{"eventArn": ARN}]},
        "AWS did not give its details",
    ),
    ("failed alone", {"failedSet": [{"eventArn": ARN, "errorName": "E", "errorMessage": "no"}]}, "details: E no"),
]


@pytest.mark.parametrize(("why", "value", "says"), INCOMPLETE, ids=[case[0] for case in INCOMPLETE])
def test_an_answer_that_lacks_something_says_so(why: str, value: Any, says: str) -> None:
    notice = only(value)
    assert (notice.maintenance_id, says in " ".join(notice.problems)) == (ID, True)


def test_more_entities_of_other_events_may_be_of_this_one() -> None:
    other = entity("i-0123456789", arn=ARN.replace("DIRECTCONNECT", "EC2"))
    notice = only([details(), {"entities": [entity("dxcon-fexamp1a")]}, {"entities": [other], "nextToken": "x"}])
    assert any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems)


@pytest.mark.parametrize("events", [[], [answered(service="EC2")]])
def test_events_that_were_not_fetched_are_told(events: list[Json]) -> None:
    notice = only({"events": events, "nextToken": "x"})
    assert notice.problems == ("the answer has a nextToken: there are events that it does not hold",)


def test_an_event_of_several_accounts_is_one_for_each() -> None:
    entities = [entity("dxcon-fexamp1a"), entity("dxcon-fexamp1b", "210987654321")]
    found = told([details(), {"entities": entities}])
    assert [(notice.account, objects_of(notice)) for notice in found] == [
        ("123456789012", ["dxcon-fexamp1a"]),
        ("210987654321", ["dxcon-fexamp1b"]),
    ]
