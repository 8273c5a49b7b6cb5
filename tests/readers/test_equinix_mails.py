"""Whole Equinix mails: quoted, forwarded, bilingual, damaged, and mails that are none."""

from __future__ import annotations

import pytest

from maintsched.domain.notice import Impact, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read

from .given import calendar, maintnote, one, origin, shown
from .test_equinix import FIELDS, TABLE, body, mail

QUOTE = "<p>From: Equinix &lt;no-reply@equinix.com&gt;<br>Sent: 2026-11-10 09:00<br>Subject: Splicing [CHG0300101]</p>"


def test_a_cancellation_that_quotes_the_old_mail_is_cancelled_and_knows_its_circuits() -> None:
    notice = one(
        mail(body(before="<p>has been cancelled</p>" + QUOTE), subject="CANCELLED - Scheduled Splicing [CHG0300101]")
    )
    assert (notice.status, notice.account, notice.problems) == (Status.CANCELLED, "700100", ())
    assert [item.object_id for item in notice.objects] == ["20931177-A"]


def test_a_quoted_contradiction_does_not_stand_in_the_way_of_a_cancellation() -> None:
    quoted = body({"UTC": "TUESDAY, 09 DEC 01:00 - TUESDAY, 09 DEC 05:00"}, before=QUOTE)
    notice = one(mail(quoted, subject="CANCELLED - Splicing [CHG0300101]"))
    assert (notice.status, notice.interval, notice.problems) == (Status.CANCELLED, None, ())


def test_a_reschedule_that_only_quotes_the_old_time_needs_a_person() -> None:
    notice = one(mail(body(before="<p>New times follow.</p>" + QUOTE), subject="RESCHEDULED - Splicing [CHG0300101]"))
    assert (notice.interval, notice.rescheduled) == (None, True)
    assert "gives no UTC" in " ".join(notice.problems)


def test_a_reschedule_with_its_own_time_does_not_mind_the_quoted_one() -> None:
    new = {
        "SPAN": "16-DEC-2026 - 16-DEC-2026",
        "LOCAL": None,
        "UTC": "WEDNESDAY, 16 DEC 01:00 - WEDNESDAY, 16 DEC 05:00",
    }
    html = body(new).replace("</body></html>", QUOTE) + body()
    notice = one(mail(html, subject="RESCHEDULED - Splicing [CHG0300101]"))
    assert (shown(notice.interval), notice.problems) == ("2026-12-16T01:00Z/2026-12-16T05:00Z", ())


def test_a_forwarded_mail_is_read_as_the_mail_inside() -> None:
    notice = one(mail(body(before="<p>FYI</p>" + QUOTE), subject="Fwd: REMINDER - Splicing [CHG0300101]"))
    assert (shown(notice.interval), notice.problems) == ("2026-12-09T01:00Z/2026-12-09T05:00Z", ())


def test_a_bilingual_mail_names_the_sites_of_both_halves() -> None:
    dutch = (
        "<p>UTC: WOENSDAG, 09 DEC 01:00 - WOENSDAG, 09 DEC 05:00<br>IBX(s): LD7<br>IMPACT: Er zullen storingen zijn</p>"
    )
    notice = one(mail(body(before=dutch)))
    assert (set(notice.sites), notice.impact) == ({"LD4", "LD7"}, Impact.OUTAGE)
    assert (shown(notice.interval), notice.problems) == ("2026-12-09T01:00Z/2026-12-09T05:00Z", ())


def test_halves_that_give_different_times_need_a_person() -> None:
    other = "<p>UTC: WEDNESDAY, 09 DEC 02:00 - WEDNESDAY, 09 DEC 05:00</p>"
    notice = one(mail(body(before=other)))
    assert notice.interval is None
    assert "UTC is given as" in " ".join(notice.problems)


DOUBTFUL = [
    ("the text says cancelled", {"before": "<p>It has been cancelled.</p>"}, {}, "has been cancelled"),
    ("no ticket", {}, {"subject": "IBX Maintenance"}, "no maintenance id"),
    ("two tickets", {}, {"subject": "Splicing CHG0300101 [CHG0300102]"}, "several maintenance ids"),
    ("another ticket in the text", {"before": "<p>Please reference CHG0999999.</p>"}, {}, "the text CHG0999999"),
    ("no Date", {}, {"date": None}, "no Date"),
    ("unreadable Date", {}, {"date": "yesterday"}, "no Date"),
]


@pytest.mark.parametrize(("why", "inside", "outside", "says"), DOUBTFUL, ids=[case[0] for case in DOUBTFUL])
def test_what_needs_a_person(why: str, inside: dict[str, str], outside: dict[str, str | None], says: str) -> None:
    notice = one(mail(body(before=inside.get("before", "")), **outside))  # type: ignore[arg-type]
    assert says in " ".join(notice.problems)


def test_a_notice_without_any_field_is_kept_for_a_person() -> None:
    notice = one(mail("<p>There will be maintenance on the chillers.</p>", subject="IBX Maintenance in your metro"))
    assert (notice.interval, notice.impact) == (None, Impact.OUTAGE)
    assert {"the mail names no IBX and no asset", "the mail has no maintenance id"} <= set(notice.problems)


def test_html_counts_where_both_are_there() -> None:
    notice = one(mail(body(), text="UTC: FRIDAY, 11 DEC 01:00 - FRIDAY, 11 DEC 05:00\n"))
    assert shown(notice.interval) == "2026-12-09T01:00Z/2026-12-09T05:00Z"


def test_values_below_their_labels_in_a_layout_table_are_found() -> None:
    cells = "".join(f"<tr><td><b>{label}:</b></td><td>{value}</td></tr>" for label, value in FIELDS.items())
    notice = one(mail(f"<table>{cells}</table>{TABLE}"))
    assert (shown(notice.interval), notice.sites, notice.problems) == (
        "2026-12-09T01:00Z/2026-12-09T05:00Z",
        ("LD4",),
        (),
    )


def test_a_calendar_inside_a_mail_is_read_with_the_sender_of_the_mail() -> None:
    data = mail("<p>see the calendar</p>", subject="Planned work").replace(b"text/html", b"text/plain")
    encoded = calendar(maintnote()).decode()
    head = b"From: NOC <noc@carrier.example>\r\nSubject: x\r\nDate: Thu, 19 Nov 2026 10:12:00 +0000\r\n"
    notice = one(head + b"MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n" + encoded.encode())
    assert (notice.maintenance_id, notice.sender) == ("WO-7", "noc@carrier.example")
    with pytest.raises(NoticeUnreadable):
        read(data.replace(b"quinix", b"xample"), origin())


def test_a_mail_about_something_else_is_no_notice() -> None:
    with pytest.raises(NoticeUnreadable, match="no known format"):
        read(mail("<p>Your invoice is ready</p>", subject="Invoice"), origin())
