"""Announcements of the platform: days, clocks, zones, and what several sentences say of one window."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.maintenance import key_of, merge
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.errors import MaintschedError, NoticeUnreadable
from maintsched.readers import read

from .given import one, origin, shown

SENDER = "Spotware Systems <support@spotware.com>"
DATE = "Wed, 06 May 2026 09:00:00 +0000"
SATURDAY = "Saturday, 9 May 2026, 08:00 – 23:00 (GMT+3 server time)"
WINDOW = "2026-05-09T05:00Z/2026-05-09T20:00Z"


def mail(
    text: str, subject: str = "cTrader maintenance", date: str | None = DATE, sender: str = SENDER, html: bool = False
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["Subject"] = subject
    if date is not None:
        message["Date"] = date
    message.set_content(text, subtype="html" if html else "plain")
    return message.as_bytes()


def notices(text: str, subject: str = "cTrader maintenance", **changes: str) -> tuple[Notice, ...]:
    return read(mail(text, subject, **changes), origin())  # type: ignore[arg-type]


LINES = [
    # (how the window is written, when it is; empty: in doubt, what the doubt says)
    (SATURDAY, WINDOW, ""),
    ("Sat 9 May 2026 08:00-23:00 (GMT+3)", WINDOW, ""),
    ("Sat 9 May 2026 08:00-23:00 GMT +3", WINDOW, ""),
    ("Sat 9 May 2026 08:00-23:00 (UTC+03:00)", WINDOW, ""),
    ("9 May 2026 (Saturday) 08:00 to 23:00 server time", WINDOW, ""),
    ("08:00 - 23:00 server time on Saturday, 9 May 2026", WINDOW, ""),
    ("The work begins on 9 May at 08:00 and is expected to finish at 23:00 server time", WINDOW, ""),
    ("The work begins on 9 May at 08:00 server time", "", "no start or no end"),
    ("Between 08:00 and 23:00 (MT5 server time) on 9 May 2026 there is maintenance", WINDOW, ""),
    ("2026-05-09 08:00 - 2026-05-09 23:00 platform time", WINDOW, ""),
    ("2026-05-09T05:00:00Z - 2026-05-09T20:00:00Z", WINDOW, ""),
    ("2026-05-09T08:00:00+03:00 - 2026-05-09T23:00:00+03:00", WINDOW, ""),
    ("09.05.2026 05:00-20:00 UTC", WINDOW, ""),
    ("25/04/2026 05:00-20:00 UTC", "2026-04-25T05:00Z/2026-04-25T20:00Z", "over long before"),
    ("04/25/2026 05:00-20:00 UTC", "2026-04-25T05:00Z/2026-04-25T20:00Z", "over long before"),
    ("Friday 05/08/2026 05:00-20:00 UTC", "2026-05-08T05:00Z/2026-05-08T20:00Z", ""),
    ("Saturday 09/05/2026 05:00-20:00 UTC", "", "could be 2026-05-09 or 2026-09-05"),
    ("09/05/2026 05:00-20:00 UTC", "", "could be 2026-05-09 or 2026-09-05"),
    ("May 9, 2026, 5:00 AM - 8:00 PM UTC", WINDOW, ""),
    ("May 9, 2026, 5 am – 8 pm UTC", WINDOW, ""),
    ("May 9, 2026, 12:00 AM - 12:30 PM UTC", "2026-05-09T00:00Z/2026-05-09T12:30Z", ""),
    ("May 9, 2026, 5:00 - 8:00 pm UTC", "", "am or pm is written for only one"),
    ("9 May 2026 13:30 pm - 14:30 UTC", "", "is not a time"),
    ("9 May 2026 25:00 - 26:00 UTC", "", "is not a time"),
    ("9 May 2026 20:00 - 24:00 UTC", "2026-05-09T20:00Z/2026-05-10T00:00Z", ""),
    ("9 May 2026 22:00 - 04:00 UTC", "2026-05-09T22:00Z/2026-05-10T04:00Z", ""),
    ("22:00 - 04:00 UTC on 9 May 2026", "", "only one is written"),
    ("9 May 2026 10:00 - 09:00 UTC", "", "it ends before it starts"),
    ("from 9 May 22:00 to 10 May 04:00 server time", "2026-05-09T19:00Z/2026-05-10T01:00Z", ""),
    ("from 9 May 22:00 to 9 May 04:00 server time", "", "before or when it starts"),
    ("31 Dec 2026 22:00 to 1 Jan 2027 04:00 UTC", "2026-12-31T22:00Z/2027-01-01T04:00Z", ""),
    ("Friday, 9 May 2026 05:00 - 20:00 UTC", "", "2026-05-09 is a Saturday"),
    ("31 June 2026 05:00 - 20:00 UTC", "", "there is no day"),
    ("9-10 May 2026, 22:00 - 04:00 UTC", "", "several days at once"),
    ("May 9 & 10, 2026, 22:00 - 04:00 UTC", "", "several days at once"),
    ("Sat 9 May and Sun 10 May 2026 05:00 - 20:00 UTC", "", "several days stand before"),
    ("this Saturday 05:00 - 20:00 UTC", "", "only words for a day"),
    ("05:00 - 20:00 UTC", "", "it names no day"),
    ("Sat 9 May 2026 08:00-23:00", "", "it names no zone"),
    ("Sat 9 May 2026 08:00-23:00 MSK", "", "MSK' is not known"),
    ("Sat 9 May 2026 08:00-23:00 local time", "", "local time' is not known"),
    ("Sat 9 May 2026 08:00-23:00 Moscow time", "", "Moscow time' is not known"),
    ("Sat 9 May 2026 06:00-21:00 London time", WINDOW, ""),
    ("Sat 9 May 2026 06:00-21:00 BST", WINDOW, ""),
    ("Sat 9 May 2026 07:00-22:00 CEST", WINDOW, ""),
    ("Sat 9 May 2026 07:00-22:00 CET", "", "contradicts Europe/Paris"),
    ("Sat 9 May 2026 01:00-16:00 ET", WINDOW, ""),
    ("Sat 9 May 2026 08:00-23:00 (GMT+2 server time)", "", "its zones do not agree"),
    ("Sat 9 May 2026 08:00-23:00 server time (05:00-20:00 UTC)", WINDOW, ""),
    ("Sat 9 May 2026 00:00-00:30 server time (21:00-21:30 UTC)", "2026-05-08T21:00Z/2026-05-08T21:30Z", ""),
    ("Sat 9 May 2026 08.00-23.00 UTC", "", "cannot be read"),
    ("Sat 9 May 2026 0800-2300 UTC", "", "cannot be read"),
    ("Sat 9 May 2026 from 8 to 23 UTC", "", "cannot be read"),
    ("Sun 8 March 2026 09:15-09:45 server time", "", ""),
]


@pytest.mark.parametrize(("line", "when", "says"), LINES[:-1], ids=[case[0] for case in LINES[:-1]])
def test_a_window_in_a_line(line: str, when: str, says: str) -> None:
    notice = one(mail(line))
    assert shown(notice.interval) == when
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()


GAPS = [
    # In these weeks the United States have changed their clocks and Europe has not: server time is New York's.
    ("Sat 14 March 2026 08:00-10:00 server time", "2026-03-14T05:00Z/2026-03-14T07:00Z", ""),
    ("Sat 14 March 2026 08:00-10:00 GMT+3 server time", "2026-03-14T05:00Z/2026-03-14T07:00Z", ""),
    ("Sat 14 March 2026 08:00-10:00 GMT+2 server time", "", "do not agree"),
    ("Sat 7 March 2026 08:00-10:00 GMT+2 server time", "2026-03-07T06:00Z/2026-03-07T08:00Z", ""),
    ("Sun 8 March 2026 09:15-09:45 server time", "2026-03-08T06:15Z/2026-03-08T07:45Z", "does not exist"),
]


@pytest.mark.parametrize(("line", "when", "says"), GAPS)
def test_server_time_follows_new_york(line: str, when: str, says: str) -> None:
    notice = one(mail(line, date="Thu, 05 Mar 2026 09:00:00 +0000"))
    assert (shown(notice.interval), says in " ".join(notice.problems)) == (when, True)
    assert says or notice.problems == ()


def test_both_offsets_of_server_time_are_told_apart_by_the_day() -> None:
    found = notices(
        "Times are server time. Until 8 March 2026 it is GMT+2. From then on, it will be GMT+3.\n"
        "Sat 7 March 2026 08:00-10:00\nSat 14 March 2026 08:00-10:00\n",
        date="Thu, 05 Mar 2026 09:00:00 +0000",
    )
    assert [shown(notice.interval) for notice in found] == [
        "2026-03-07T06:00Z/2026-03-07T08:00Z",
        "2026-03-14T05:00Z/2026-03-14T07:00Z",
    ]


YEARS = [
    ("3 Jan 08:00 - 09:00 UTC", "Tue, 29 Dec 2026 09:00:00 +0000", "2027-01-03T08:00Z/2027-01-03T09:00Z", ""),
    ("Sun, 3 Jan 08:00 - 09:00 UTC", "Tue, 29 Dec 2026 09:00:00 +0000", "2027-01-03T08:00Z/2027-01-03T09:00Z", ""),
    ("Sat, 3 Jan 08:00 - 09:00 UTC", "Tue, 29 Dec 2026 09:00:00 +0000", "", "is a Sunday"),
    ("3 June 08:00 - 09:00 UTC", "Tue, 29 Dec 2026 09:00:00 +0000", "", "the year of 03.06. is not certain"),
    ("3 Jan 08:00 - 09:00 UTC", None, "", "the mail has no Date"),
    ("3 Jan 2027 08:00 - 09:00 UTC", None, "2027-01-03T08:00Z/2027-01-03T09:00Z", "cannot be put in order"),
    ("3 Jan 2026 08:00 - 09:00 UTC", "Tue, 29 Dec 2026 09:00:00 +0000", "2026-01-03T08:00Z/2026-01-03T09:00Z", "over"),
]


@pytest.mark.parametrize(("line", "date", "when", "says"), YEARS)
def test_a_missing_year_is_the_one_nearest_to_the_mail(line: str, date: str | None, when: str, says: str) -> None:
    notice = one(mail(line, date=date))
    assert shown(notice.interval) == when
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()


HEADINGS = [
    ("Saturday, 9 May 2026:\n- 08:00 - 23:00 server time\n", WINDOW, ""),
    ("Date: 9 May 2026\nTime: 08:00 - 23:00 server time\n", WINDOW, ""),
    ("On Saturday, 9 May, maintenance takes place. It runs from 08:00 to 23:00 server time.\n", WINDOW, ""),
    ("Saturday, 9 May 2026:\n- Sunday 08:00 - 23:00 server time\n", "", "the day above is 2026-05-09"),
    ("6 May 2026\n08:00 - 23:00 server time\n", "", "may be that of the mail"),
    ("Published on 7 May 2026\n08:00 - 23:00 server time\n", "", "it names no day"),
    ("9 May 2026\nDear partner,\n08:00 - 23:00 server time\n", "", "it names no day"),
]


@pytest.mark.parametrize(("text", "when", "says"), HEADINGS)
def test_a_day_above_its_times(text: str, when: str, says: str) -> None:
    notice = one(mail(text))
    assert (shown(notice.interval), says in " ".join(notice.problems)) == (when, True)


SUBJECTS = [
    ("Reminder: cTrader maintenance", Status.CONFIRMED, ""),
    ("[External] Fwd: CANCELLED - cTrader maintenance", Status.CANCELLED, ""),
    ("cTrader maintenance - cancelled", Status.CANCELLED, ""),
    ("cTrader maintenance (CANCELLED)", Status.CANCELLED, ""),
    ("The cTrader maintenance has been cancelled", Status.CANCELLED, ""),
    ("Maintenance of the cancelled orders' table in cTrader", Status.CONFIRMED, ""),
    ("Cancelled cTrader maintenance", Status.CONFIRMED, "not as a status"),
    ("Re: cTrader maintenance", Status.CONFIRMED, "somebody's reply"),
    ("Rescheduled: cTrader maintenance", Status.CONFIRMED, "which earlier window"),
    ("cTrader maintenance postponed", Status.CONFIRMED, "which earlier window"),
    ("cTrader maintenance on 16 May 2026", Status.CONFIRMED, "the subject says 2026-05-16"),
    ("Completed: cTrader maintenance", Status.COMPLETED, "completed before it begins"),
]


@pytest.mark.parametrize(("subject", "status", "says"), SUBJECTS)
def test_the_subject_says_what_becomes_of_a_window(subject: str, status: Status, says: str) -> None:
    notice = one(mail(SATURDAY, subject))
    assert (shown(notice.interval), notice.status) == (WINDOW, status)
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()


TEXTS = [
    ("The maintenance of Saturday, 9 May 2026, 08:00 – 23:00 (GMT+3) has been cancelled.", [Status.CANCELLED], ""),
    (f"{SATURDAY}\nIt has been cancelled.", [Status.CONFIRMED], "the subject does not"),
    (f"{SATURDAY}\nIt has not been cancelled.", [Status.CONFIRMED], ""),
    (f"{SATURDAY}\nTrading is back once it has been completed.", [Status.CONFIRMED], ""),
    (f"{SATURDAY}\nThe window has been extended.", [Status.CONFIRMED], "the subject does not"),
    (
        "The work on Sat 2 May 2026, 08:00 – 23:00 (GMT+3) was cancelled."
        " It is held on Sat 9 May 2026, 08:00 – 23:00 GMT+3.",
        [Status.CANCELLED, Status.CONFIRMED],
        "",
    ),
    (
        "The work planned for Sat 9 May 2026, 08:00 – 23:00 (GMT+3) has been postponed.",
        [Status.CONFIRMED],
        "which earlier window",
    ),
]


@pytest.mark.parametrize(("text", "states", "says"), TEXTS)
def test_what_the_text_alone_says_counts_for_its_own_window(text: str, states: list[Status], says: str) -> None:
    found = notices(text)
    assert [notice.status for notice in found] == states
    assert says in " ".join(problem for notice in found for problem in notice.problems)
    assert says or not any(notice.problems for notice in found)


def test_announcement_reminder_and_cancellation_are_one_maintenance() -> None:
    both = f"{SATURDAY}\nSunday, 10 May 2026, 03:30 – 04:30 (GMT+3 server time)\n"
    announced = notices(both)
    reminded = notices(SATURDAY, "Reminder: cTrader maintenance", date="Fri, 08 May 2026 09:00:00 +0000")
    off = notices(both.split("\n")[1], "Cancelled: cTrader maintenance", date="Fri, 08 May 2026 10:00:00 +0000")
    assert [key_of(notice) for notice in announced] == [key_of(reminded[0]), key_of(off[0])]
    assert merge([announced[1], off[0]]).status is Status.CANCELLED
    assert merge([announced[0], reminded[0]]).needs_review == ()


def test_windows_that_begin_together_are_parts_of_one_id() -> None:
    text = "Sat 9 May 2026 08:00 - 10:00 UTC LD-TY network\nSat 9 May 2026 08:00 - 23:00 UTC cTrader\n"
    found = notices(text)
    assert [(notice.part, shown(notice.interval)[-17:]) for notice in found] == [
        (1, "2026-05-09T23:00Z"),
        (2, "2026-05-09T10:00Z"),
    ]
    assert len({notice.maintenance_id for notice in found}) == 1


def test_the_same_window_said_twice_is_one_with_the_worse_impact() -> None:
    found = notices(f"{SATURDAY}\nNo downtime is expected.\n{SATURDAY}\nServices are unavailable.\n")
    assert [(notice.part, notice.impact) for notice in found] == [(1, Impact.OUTAGE)]


IMPACTS = [
    ("No downtime is expected.", Impact.NO_IMPACT),
    ("The service continues without interruption.", Impact.NO_IMPACT),
    ("There is no impact on your open positions.", Impact.OUTAGE),
    ("No downtime is expected, but clients may be disconnected.", Impact.OUTAGE),
    ("Affected servers: ALL MT5 servers", Impact.NO_IMPACT),
    ("Affected servers: MT5 and cTrader", Impact.OUTAGE),
    ("Affected servers: all platforms, MT5 too", Impact.OUTAGE),
    ("", Impact.OUTAGE),
]


@pytest.mark.parametrize(("text", "impact"), IMPACTS)
def test_impacts(text: str, impact: Impact) -> None:
    notice = one(mail(f"{SATURDAY}\n{text}\n", "Platform maintenance by Spotware"))
    assert (notice.impact, notice.problems) == (impact, ())


def test_a_day_of_work_without_times_is_told_beside_the_windows_that_have_them() -> None:
    found = notices(f"{SATURDAY}\nFurther maintenance follows on 16 May 2026.\n")
    assert [shown(notice.interval) for notice in found] == [WINDOW, ""]
    assert "it speaks of work on 2026-05-16, but tells no times" in found[1].problems[0]


def test_hours_of_trade_are_no_maintenance() -> None:
    (only,) = notices(f"{SATURDAY}\nHK50 will close early, at 23:00 on 7 May.\nOffice hours are 09:00 - 18:00.\n")
    assert shown(only.interval) == WINDOW


SPOKEN = [
    "FIX sessions are dropped on Saturday, 9 May 2026, 08:00 – 23:00 server time",
    "Saturday, 9 May 2026, 08:00 – 23:00 server time - please contact support with questions",
    "Trading sessions are suspended on Saturday, 9 May 2026, 08:00 – 23:00 server time",
]


@pytest.mark.parametrize("line", SPOKEN)
def test_a_window_counts_whatever_it_is_called(line: str) -> None:
    assert shown(one(mail(line)).interval) == WINDOW


def test_a_cancellation_knows_its_window_from_the_one_that_it_quotes() -> None:
    quoted = "From: Spotware Systems\nSent: 5 May 2026\nSubject: cTrader maintenance\n\n"
    (only,) = notices(f"This maintenance is off.\n\n{quoted}{SATURDAY}\n", "Cancelled: cTrader maintenance")
    assert (shown(only.interval), only.status, only.problems) == (WINDOW, Status.CANCELLED, ())
    two = f"This maintenance is off.\n\n{quoted}{SATURDAY}\nSunday, 10 May 2026, 03:30 – 04:30 UTC\n"
    (doubtful,) = notices(two, "Cancelled: cTrader maintenance")
    assert "it quotes several windows" in " ".join(doubtful.problems)


def test_the_subject_may_hold_the_only_window() -> None:
    (only,) = notices("Details follow.", f"cTrader maintenance: {SATURDAY}")
    assert shown(only.interval) == WINDOW


NOT_OURS = [
    ("Your invoice for cTrader is ready", "Invoice", SENDER),
    ("Maintenance of the lift, 9 May 2026 08:00 - 09:00 UTC", "Lift maintenance", "House <house@example.net>"),
]


@pytest.mark.parametrize(("text", "subject", "sender"), NOT_OURS)
def test_a_mail_about_something_else_is_no_notice(text: str, subject: str, sender: str) -> None:
    with pytest.raises(NoticeUnreadable, match="no known format"):
        read(mail(text, subject, sender=sender), origin())


def test_work_in_a_building_of_equinix_stays_the_platforms() -> None:
    notice = one(mail(f"{SATURDAY}\nAffected: network in Equinix LD5\n"))
    assert (notice.provider, shown(notice.interval), notice.problems) == ("Spotware", WINDOW, ())


def test_far_too_many_windows_are_left_to_a_person() -> None:
    lines = "\n".join(f"9 May 2026 {n // 60:02d}:{n % 60:02d} - 23:59 UTC" for n in range(300))
    (only,) = notices(lines)
    assert "more than are read" in only.problems[0]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["9 May 2026 " * 90_000, "Sat 9 May 2026, " * 120 + "\n", "08:00 - " * 20_000, "- " * 990 + "\n"]
)
def test_text_without_end_is_left_to_a_person_in_time(text: str) -> None:
    (only,) = notices(text * (190_000 // len(text) or 1))
    assert (only.interval, bool(only.problems)) == (None, True)


SEEDS = [case[0] for case in (*LINES, *GAPS, *YEARS, *HEADINGS, *TEXTS)]
PIECES = [
    "May",
    "9",
    "99/99/9999",
    "GMT+99",
    "24:00",
    "am",
    "server time",
    "\n",
    " - ",
    "31 Feb",
    "20260",
    "Sat",
    "0001",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_an_announcement_says_it_gives_notices_or_our_error(data: st.DataObject) -> None:
    text = "\n".join(data.draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3)))
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=6))) + text[end:]
    body = text.encode("utf-8", "replace")
    head = f"From: {SENDER}\nDate: {DATE}\nSubject: cTrader maintenance\nContent-Type: text/plain; charset=utf-8\n\n"
    try:
        found = read(head.encode() + body, origin())
    except MaintschedError:
        return
    for notice in found:
        assert notice.maintenance_id
        assert notice.interval is not None or notice.problems
        assert len({key_of(each) for each in found}) == len(found) or any(each.problems for each in found)
