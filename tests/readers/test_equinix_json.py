"""Equinix's JSON: answers of the Notifications API and messages of the gateway, and what is none of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.maintenance import key_of, merge
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.errors import MaintschedError, NoticeUnreadable
from maintsched.readers import read

from .given import one, origin, shown
from .test_equinix import body, mail

NOTIFICATION = {
    "notificationNumber": "5-210987654321",
    "id": "GBL000006121231",
    "type": "IBX_MAINTENANCE",
    "startTimestamp": "2026-12-09T01:00:00Z",
    "endTimestamp": "2026-12-09T05:00:00Z",
    "ibxs": ["LD4"],
    "status": "NEW",
    "updatedTimestamp": "2026-11-20T10:00:00Z",
}
BODY = {
    "ServicerId": "5-210987654321",
    "State": "CONFIRMED",
    "Sequence": "2",
    "StartDateTime": "2026-12-09T01:00:00",
    "EndDateTime": "2026-12-09T05:00:00",
    "AccountNumber": "700100",
    "Impact": "SERVICE_IMPACTING",
    "Assets": [{"Ibx": "LD4", "SerialNumber": "20931177-A"}],
}
WINDOW = "2026-12-09T01:00Z/2026-12-09T05:00Z"


def packed(value: object) -> bytes:
    return json.dumps(value).encode()


def notification(**changes: Any) -> bytes:
    return packed({name: value for name, value in {**NOTIFICATION, **changes}.items() if value is not None})


def message(resource: str = "Network.Maintenance", **changes: Any) -> bytes:
    fields = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    return packed({"Task": {"Resource": resource, "CreateTimeUTC": "2026-11-20T10:00:00.5", "Body": fields}})


STATES = [
    ("NEW", Status.CONFIRMED, ""),
    ("UPDATED", Status.CONFIRMED, ""),
    ("RESCHEDULED", Status.CONFIRMED, "rescheduled"),
    ("EXTENDED", Status.CONFIRMED, "extended"),
    ("IN_PROGRESS", Status.IN_PROCESS, ""),
    ("CANCELLED", Status.CANCELLED, ""),
    ("COMPLETED", Status.COMPLETED, ""),
    ("RESOLVED", Status.COMPLETED, ""),
    (None, None, ""),
]


@pytest.mark.parametrize(("state", "status", "flag"), STATES)
def test_states_of_both_interfaces(state: str | None, status: Status | None, flag: str) -> None:
    for notice in (one(notification(status=state)), one(message(State=state))):
        assert (notice.status, notice.problems) == (status, ())
        assert (notice.extended, notice.rescheduled) == (flag == "extended", flag == "rescheduled")
        assert (shown(notice.interval), notice.sites, notice.maintenance_id) == (WINDOW, ("LD4",), "5-210987654321")


TYPES = [
    ("IBX_MAINTENANCE", "Network.Maintenance", Impact.OUTAGE, Status.CONFIRMED),
    ("NETWORK_INCIDENT", "Network.Incident", Impact.OUTAGE, Status.IN_PROCESS),
    ("IBX_ADVISORY", "DataCenter.Advisory", Impact.NO_IMPACT, Status.CONFIRMED),
]


@pytest.mark.parametrize(("type_", "resource", "impact", "status"), TYPES)
def test_kinds_of_both_interfaces(type_: str, resource: str, impact: Impact, status: Status) -> None:
    for notice in (one(notification(type=type_)), one(message(resource))):
        assert (notice.impact, notice.status, notice.problems) == (impact, status, ())


DOUBTS: list[tuple[dict[str, Any], str]] = [
    ({"endTimestamp": None}, "it has no end"),
    ({"startTimestamp": None}, "it has no start"),
    ({"endTimestamp": "2026-12-09T01:00:00Z"}, "before or when it starts"),
    ({"endTimestamp": "2026-12-11T01:00:00Z"}, "longer than 24 h"),
    ({"endTimestamp": "2026-12-09T05:00:00"}, "has no zone"),
    ({"endTimestamp": "tomorrow"}, "is not a time"),
    ({"endTimestamp": "9999-12-31T23:59:59-14:00"}, "outside of what can be reckoned with"),
    ({"ibxs": []}, "it names no IBX"),
    ({"notificationNumber": None, "id": None}, "no maintenance id"),
    ({"status": "PAUSED"}, "its state 'PAUSED' is not known"),
    ({"type": "IBX_PARTY"}, "its type 'IBX_PARTY' is not known"),
    ({"status": "RESCHEDULED", "updatedTimestamp": None}, "cannot be put in order"),
]


@pytest.mark.parametrize(("changes", "says"), DOUBTS)
def test_what_a_notification_leaves_in_doubt(changes: dict[str, Any], says: str) -> None:
    notice = one(notification(**changes))
    assert says in " ".join(notice.problems)
    assert notice.impact is Impact.OUTAGE


def test_an_answer_is_complete_only_when_no_page_is_missing() -> None:
    def answer(**pages: Any) -> list[Notice]:
        return list(read(packed({"data": [NOTIFICATION], "pagination": pages}), origin()))

    assert len(answer(offset=0, limit=20, total=1)) == 1
    assert len(answer(offset=0, limit=20, total=1, next="")) == 1
    for pages in (
        {"offset": 0, "total": 2},
        {"offset": 1, "total": 2},
        {"offset": 0, "total": 1, "next": "/v1/x?offset=1"},
    ):
        whole, missing = answer(**pages)
        assert (shown(whole.interval), whole.problems) == (WINDOW, ())
        assert (missing.interval, missing.sites) == (None, ())
        assert "the other pages are not in this file" in missing.problems[0]


def test_an_answer_without_any_notification_is_read_as_that() -> None:
    assert read(packed({"data": [], "pagination": {"offset": 0, "limit": 20, "total": 0}}), origin()) == ()


def test_an_item_that_is_no_notification_is_in_doubt_and_the_others_are_not() -> None:
    first, second = read(packed([NOTIFICATION, "what is this"]), origin())
    assert first.problems == ()
    assert "it has no maintenance id" in second.problems


ZONED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {}, WINDOW, ""),
    ({"Assets": [{"Ibx": "NY2", "SerialNumber": "1"}]}, {}, "2026-12-09T06:00Z/2026-12-09T10:00Z", ""),
    ({}, {"timezone": "Asia/Tokyo"}, "2026-12-08T16:00Z/2026-12-08T20:00Z", ""),
    ({}, {"site_zones": {"LD4": "America/New_York"}}, "2026-12-09T06:00Z/2026-12-09T10:00Z", ""),
    ({"TimeZone": "America/New_York"}, {"timezone": "UTC"}, "2026-12-09T06:00Z/2026-12-09T10:00Z", ""),
    ({"TimeZone": "Mars/Base"}, {"timezone": "UTC"}, "", "'Mars/Base' that the message names is not known"),
    ({"Assets": [{"Ibx": "QQ2", "SerialNumber": "1"}]}, {}, "", "zone of its sites is not certain"),
    ({"Assets": [{"SerialNumber": "1"}]}, {}, "", "zone of its sites is not certain"),
    ({"EndDateTime": ""}, {}, "", "it has no end"),
    (
        {"StartDateTime": "2026-10-25T01:30:00", "EndDateTime": "2026-10-25T03:00:00"},
        {},
        "2026-10-25T00:30Z/2026-10-25T03:00Z",
        "exists twice",
    ),
    ({"StartDateTime": "2026-12-09T01:00:00Z"}, {"timezone": "UTC"}, WINDOW, ""),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "where", "when", "says"), ZONED)
def test_times_of_the_gateway_have_no_zone(
    changes: dict[str, Any], where: dict[str, Any], when: str, says: str
) -> None:
    notice = one(message(**changes), **where)
    assert shown(notice.interval) == when
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()


IMPACTS = [
    ("SERVICE_IMPACTING", Impact.OUTAGE),
    ("NON_SERVICE_IMPACTING", Impact.NO_IMPACT),
    ("LOSS_OF_REDUNDANCY", Impact.REDUCED_REDUNDANCY),
    ("No impact to your service", Impact.NO_IMPACT),
    ("SOMETHING_NEW", Impact.OUTAGE),
    ("", Impact.OUTAGE),
]


@pytest.mark.parametrize(("word", "impact"), IMPACTS)
def test_impacts_of_the_gateway(word: str, impact: Impact) -> None:
    assert one(message(Impact=word)).impact is impact


def test_the_same_work_by_mail_api_and_gateway_is_one_maintenance() -> None:
    of_mail = one(mail(body(), subject="Splicing [5-210987654321]"))
    found = [of_mail, one(message()), one(notification())]
    assert {(key_of(notice)[0], key_of(notice)[2]) for notice in found} == {("Equinix", "5-210987654321")}
    assert merge([found[0], found[1]]).sequence == 2


def test_a_message_of_another_kind_is_no_notice() -> None:
    for data in (message("CrossConnect"), packed({"Task": "no"}), packed({"type": "IBX_MAINTENANCE"}), packed([1, 2])):
        with pytest.raises(NoticeUnreadable, match="JSON of no known format"):
            read(data, origin())
    with pytest.raises(NoticeUnreadable, match="of another kind"):
        read(packed([json.loads(message()), json.loads(message("CrossConnect"))]), origin())


NAMES = st.sampled_from([*NOTIFICATION, *BODY, "IBX", "TimeZone", "emails"])
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.sampled_from(["0001-01-01T00:00:00+14:00"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from([*NOTIFICATION, *BODY, "IBX", "TimeZone", "emails"]), VALUES, max_size=5),
    st.booleans(),
)
def test_whatever_the_fields_hold_there_are_notices_or_our_error(changes: dict[str, Any], gateway: bool) -> None:
    data = (
        packed({"Task": {"Resource": "Network.Maintenance", "Body": {**BODY, **changes}}})
        if gateway
        else packed({"data": [{**NOTIFICATION, **changes}], "pagination": changes})
    )
    try:
        found = read(data, origin(timezone="NY+7"))
    except MaintschedError:
        return
    for notice in found:
        over = notice.status is not None and not notice.status.counts
        assert notice.maintenance_id
        assert notice.interval is not None or notice.problems or over
