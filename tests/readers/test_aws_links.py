"""Mails about an AWS Health event, which stands in a link or a header: its id is theirs."""

from __future__ import annotations

import pytest

from maintsched.domain.maintenance import key_of
from maintsched.domain.notice import Status
from maintsched.readers import read

from .given import one, origin
from .test_aws_mail import WINDOW, mail, planned

ARN = (
    "arn:aws:health:eu-west-2::event/DIRECTCONNECT/AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED"
    "/AWS_DIRECTCONNECT_MAINTENANCE_SCHEDULED_0F1E2D3C4B5A69788796A5B4C3D2E1F0"
)


def linked(link: str) -> str:
    lines = planned().replace("\n", "<br>")
    return f'<html><body><a href="{link}">View details</a><div>{lines}</div></body></html>'


CONSOLE = "https://health.aws.amazon.com/health/home#/event-log?eventID="
LINKS = [
    CONSOLE + ARN + "&amp;eventTab=details",
    CONSOLE + ARN.replace(":", "%3A").replace("/", "%2F") + "%26eventTab=details",
    "https://track.example/L0/" + (CONSOLE + ARN).replace("/", "%252F").replace(":", "%253A") + "/1/0100",
]


@pytest.mark.parametrize("link", LINKS)
def test_the_event_in_a_link_is_the_id(link: str) -> None:
    notice = one(mail(linked(link), html=True))
    assert notice.maintenance_id == "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
    assert notice.other_ids[:2] == (ARN, one(mail()).maintenance_id)
    assert notice.problems == ()


def test_the_event_may_stand_in_a_header_alone() -> None:
    tail = ARN.partition("DIRECTCONNECT/")[2]
    heads = f"X-NOTIFICATIONS-CLIENT-REQUEST-ID: arn:aws:silverwire:us-east-1:silvermine:{tail}/f213/UNO-43"
    assert one(mail(heads=heads)).maintenance_id == "0F1E2D3C4B5A69788796A5B4C3D2E1F0"


def test_a_cancellation_with_its_own_event_is_of_the_same_work() -> None:
    cancelled = linked(CONSOLE + ARN.replace("SCHEDULED", "CANCELLED")).replace(
        "Planned maintenance has been scheduled", "The maintenance that was scheduled"
    )
    notice = one(mail(cancelled.replace("for 4 hours.", "has been cancelled."), html=True))
    assert key_of(notice) == key_of(one(mail(linked(CONSOLE + ARN), html=True)))
    assert (notice.status, notice.problems) == (Status.CANCELLED, ())


def test_several_events_in_a_mail_need_a_person() -> None:
    notice = one(mail(linked(CONSOLE + ARN + "&amp;or=" + ARN[:-1] + "1"), html=True))
    assert any(problem.startswith("it belongs to several AWS Health events") for problem in notice.problems)


def test_of_several_windows_none_has_the_id_of_the_event() -> None:
    window = WINDOW + " and from Thu, 10 Dec 2026 01:00:00 GMT to Thu, 10 Dec 2026 05:00:00 GMT"
    found = read(mail(linked(CONSOLE + ARN).replace(WINDOW, window).replace(" for 4 hours", ""), html=True), origin())
    assert [notice.maintenance_id[:20] for notice in found] == ["DX-20261209T010000Z-", "DX-20261210T010000Z-"]
    assert all(ARN in notice.other_ids for notice in found)
