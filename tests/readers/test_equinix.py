"""Equinix mails: subjects of every generation, times said three ways, assets, impacts, quoted and bilingual mails."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Impact, Status
from maintsched.readers.equinix_subject import read_subject

from .given import one, shown

SUBJECTS = [
    # (subject, status, ticket, flag, doubtful)
    ("Splicing-LD Metro Area Maintenance -02-JUL-2021 [K-293030438574]", "CONFIRMED", "K-293030438574", "", False),
    ("REMINDER - Splicing-LD Metro Area -02-JUL-2021 [5-210987654321]", "CONFIRMED", "5-210987654321", "", False),
    ("[maint] COMPLETED - Upgrade -16-NOV-2021 [EQ-GL-20211027-00621]", "COMPLETED", "EQ-GL-20211027-00621", "", False),
    ("CANCELLED - Scheduled Splicing - 19-DEC-2023 [CHG0031000]", "CANCELLED", "CHG0031000", "", False),
    ("Fwd: [External] CANCELLED - Scheduled Splicing - 19-DEC-2023 [CHG0031000]", "CANCELLED", "CHG0031000", "", False),
    ("[CANCELLED] Scheduled Splicing - 19-DEC-2023 [CHG0031000]", "CANCELLED", "CHG0031000", "", False),
    ("REMINDER - CANCELLED - Splicing [CHG0031000]", "CANCELLED", "CHG0031000", "", False),
    ("canceled: Splicing [CHG0031000]", "CANCELLED", "CHG0031000", "", False),
    ("Service Impacting - Splicing - SG Metro Area - 03-MAY-2026 - CHG0125903", "CONFIRMED", "CHG0125903", "", False),
    ("Works for the cancelled and completed tower - 03-MAY-2026 [CHG0125903]", "CONFIRMED", "CHG0125903", "", False),
    ("EXTENDED - Splicing [CHG0125903]", "CONFIRMED", "CHG0125903", "extended", False),
    ("RESCHEDULED - Splicing [CHG0125903]", "CONFIRMED", "CHG0125903", "rescheduled", False),
    ("UPDATED - Splicing [CHG0125903]", "CONFIRMED", "CHG0125903", "", False),
    ("Re: CANCELLED - Splicing [CHG0125903]", "CANCELLED", "CHG0125903", "", True),
    ("Cancelled Splicing [CHG0125903]", "CONFIRMED", "CHG0125903", "", True),
    ("CANCELLED - COMPLETED - Splicing [CHG0125903]", "CONFIRMED", "CHG0125903", "", True),
]


@pytest.mark.parametrize(
    ("text", "status", "ticket", "flag", "doubtful"), SUBJECTS, ids=[case[0][:40] for case in SUBJECTS]
)
def test_subjects(text: str, status: str, ticket: str, flag: str, doubtful: bool) -> None:
    subject = read_subject(text)
    assert (subject.status, subject.tickets) == (Status(status), (ticket,))
    assert (subject.extended, subject.rescheduled) == (flag == "extended", flag == "rescheduled")
    assert bool(subject.problems) is doubtful


TABLE = (
    "<table><tr><th>Account #</th><th>Product</th><th>IBX</th><th>Service Serial #</th></tr>"
    "<tr><td>700100</td><td>Cross Connect</td><td>LD4</td><td>20931177-A</td></tr></table>"
)
FIELDS = {
    "SPAN": "09-DEC-2026 - 09-DEC-2026",
    "LOCAL": "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
    "UTC": "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
    "IBX(s)": "LD4",
    "IMPACT": "There will be service interruptions",
}


def body(changes: dict[str, str | None] | None = None, table: str = TABLE, before: str = "") -> str:
    fields = {**FIELDS, **(changes or {})}
    lines = "".join(f"<b>{label}:</b> {value}<br>" for label, value in fields.items() if value is not None)
    return f"<html><body>{before}<p>{lines}</p>{table}</body></html>"


def mail(
    html: str = "", subject: str = "Splicing - LD Metro Area [CHG0300101]", text: str = "", date: str | None = ""
) -> bytes:
    message = EmailMessage()
    message["From"] = "Equinix Network Maintenance <no-reply@equinix.com>"
    message["Subject"] = subject
    if date is not None:
        message["Date"] = date or "Thu, 19 Nov 2026 10:12:00 +0000"
    if text:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def test_a_mail_of_html_alone_is_read() -> None:
    notice = one(mail(body()))
    assert (notice.provider, notice.account, notice.maintenance_id) == ("Equinix", "700100", "CHG0300101")
    assert (notice.status, notice.impact) == (Status.CONFIRMED, Impact.OUTAGE)
    assert shown(notice.interval) == "2026-12-09T01:00Z/2026-12-09T05:00Z"
    assert ([item.object_id for item in notice.objects], notice.sites) == (["20931177-A"], ("LD4",))
    assert (notice.sender, notice.problems, notice.sequence) == ("no-reply@equinix.com", (), None)
    assert notice.stamp is not None
    assert notice.stamp.isoformat() == "2026-11-19T10:12:00+00:00"


WINDOWS = [
    # (what, SPAN, LOCAL, UTC, IBX, expected, what a problem says)
    (
        "New York, new year",
        "31-DEC-2023 - 01-JAN-2024",
        None,
        "MON 01 JAN 04:00 - 10:00",
        "NY2",
        "2024-01-01T04:00Z/2024-01-01T10:00Z",
        "",
    ),
    (
        "Singapore, new year",
        "01-JAN-2024 - 01-JAN-2024",
        None,
        "SUN 31 DEC 18:00-22:00",
        "SG1",
        "2023-12-31T18:00Z/2023-12-31T22:00Z",
        "",
    ),
    (
        "UTC crosses the year, LOCAL does not",
        "31-DEC-2023 - 31-DEC-2023",
        "SUNDAY, 31 DEC 18:00 - SUNDAY, 31 DEC 22:00",
        "SUNDAY, 31 DEC 23:00 - MONDAY, 01 JAN 03:00",
        "NY2",
        "2023-12-31T23:00Z/2024-01-01T03:00Z",
        "",
    ),
    (
        "LOCAL crosses the year",
        "31-DEC-2026 - 01-JAN-2027",
        "THURSDAY, 31 DEC 22:00 - FRIDAY, 01 JAN 02:00",
        "THURSDAY, 31 DEC 22:00 - FRIDAY, 01 JAN 02:00",
        "LD4",
        "2026-12-31T22:00Z/2027-01-01T02:00Z",
        "",
    ),
    (
        "summer time",
        "07-JUL-2026 - 07-JUL-2026",
        "TUESDAY, 07 JUL 01:00 - TUESDAY, 07 JUL 05:00",
        "TUESDAY, 07 JUL 00:00 - TUESDAY, 07 JUL 04:00",
        "LD7",
        "2026-07-07T00:00Z/2026-07-07T04:00Z",
        "",
    ),
    (
        "summer time forgotten",
        "07-JUL-2026 - 07-JUL-2026",
        "TUESDAY, 07 JUL 01:00 - TUESDAY, 07 JUL 05:00",
        "TUESDAY, 07 JUL 01:00 - TUESDAY, 07 JUL 05:00",
        "LD7",
        "",
        "not the same in Europe/London",
    ),
    (
        "wrong weekday",
        "09-DEC-2026 - 09-DEC-2026",
        None,
        "TUESDAY, 09 DEC 01:00 - TUESDAY, 09 DEC 05:00",
        "LD4",
        "",
        "2026-12-09 is a Wednesday",
    ),
    (
        "far from SPAN",
        "09-DEC-2026 - 09-DEC-2026",
        None,
        "SATURDAY, 19 DEC 01:00 - SATURDAY, 19 DEC 05:00",
        "LD4",
        "",
        "not near",
    ),
    (
        "LOCAL outside of SPAN",
        "08-DEC-2026 - 08-DEC-2026",
        "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
        "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
        "LD4",
        "",
        "outside of SPAN",
    ),
    (
        "ends at midnight",
        "08-DEC-2026 - 08-DEC-2026",
        "TUESDAY, 08 DEC 20:00 - WEDNESDAY, 09 DEC 00:00",
        "TUESDAY, 08 DEC 20:00 - WEDNESDAY, 09 DEC 00:00",
        "LD4",
        "2026-12-08T20:00Z/2026-12-09T00:00Z",
        "",
    ),
    (
        "24:00",
        "08-DEC-2026 - 08-DEC-2026",
        None,
        "TUESDAY, 08 DEC 20:00 - TUESDAY, 08 DEC 24:00",
        "LD4",
        "2026-12-08T20:00Z/2026-12-09T00:00Z",
        "",
    ),
    (
        "reversed",
        "09-DEC-2026 - 09-DEC-2026",
        None,
        "WEDNESDAY, 09 DEC 05:00 - WEDNESDAY, 09 DEC 01:00",
        "LD4",
        "",
        "before or when it starts",
    ),
    (
        "LOCAL alone, zone known",
        "09-DEC-2026 - 09-DEC-2026",
        "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
        None,
        "NY2",
        "2026-12-09T06:00Z/2026-12-09T10:00Z",
        "",
    ),
    (
        "LOCAL alone, zone unknown",
        "09-DEC-2026 - 09-DEC-2026",
        "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
        None,
        "QQ2",
        "",
        "not certain",
    ),
    (
        "LOCAL alone, in the hour that exists twice",
        "25-OCT-2026 - 25-OCT-2026",
        "SUNDAY, 25 OCT 01:30 - SUNDAY, 25 OCT 05:00",
        None,
        "LD4",
        "",
        "exists twice",
    ),
    (
        "LOCAL of an unknown zone, a sound offset away",
        "09-DEC-2026 - 09-DEC-2026",
        "WEDNESDAY, 09 DEC 05:30 - WEDNESDAY, 09 DEC 06:30",
        "WEDNESDAY, 09 DEC 00:00 - WEDNESDAY, 09 DEC 01:00",
        "QQ2",
        "2026-12-09T00:00Z/2026-12-09T01:00Z",
        "",
    ),
    (
        "LOCAL longer than UTC",
        "09-DEC-2026 - 09-DEC-2026",
        "WEDNESDAY, 09 DEC 05:30 - WEDNESDAY, 09 DEC 08:30",
        "WEDNESDAY, 09 DEC 00:00 - WEDNESDAY, 09 DEC 01:00",
        "QQ2",
        "",
        "no offset away",
    ),
    ("neither", "09-DEC-2026 - 09-DEC-2026", None, None, "LD4", "", "gives no UTC"),
    (
        "a time without a window in a line",
        "09-DEC-2026 - 10-DEC-2026",
        None,
        "WEDNESDAY, 09 DEC 01:00 - 05:00 and again at 09:00",
        "LD4",
        "",
        "belongs to no window",
    ),
    (
        "times in a form that is not known",
        "09-DEC-2026 - 09-DEC-2026",
        "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00",
        "WED 09.12. 01:00 - 05:00",
        "LD4",
        "",
        "cannot be read",
    ),
    (
        "longer than a day",
        "09-DEC-2026 - 11-DEC-2026",
        None,
        "WEDNESDAY, 09 DEC 01:00 - FRIDAY, 11 DEC 05:00",
        "LD4",
        "2026-12-09T01:00Z/2026-12-11T05:00Z",
        "longer than 24 h",
    ),
    (
        "no SPAN: the weekday finds the year",
        None,
        None,
        "WEDNESDAY, 06 JAN 01:00 - WEDNESDAY, 06 JAN 05:00",
        "LD4",
        "2027-01-06T01:00Z/2027-01-06T05:00Z",
        "",
    ),
    ("no SPAN and no weekday", None, None, "06 JAN 01:00 - 06 JAN 05:00", "LD4", "", "not certain"),
    (
        "a day that does not exist",
        "30-FEB-2027 - 30-FEB-2027",
        None,
        "MONDAY, 01 MAR 01:00 - MONDAY, 01 MAR 05:00",
        "LD4",
        "",
        "there is no",
    ),
]


@pytest.mark.parametrize(
    ("why", "span", "local", "utc", "ibx", "expected", "says"), WINDOWS, ids=[c[0] for c in WINDOWS]
)
def test_windows(
    why: str, span: str | None, local: str | None, utc: str | None, ibx: str, expected: str, says: str
) -> None:
    notice = one(mail(body({"SPAN": span, "LOCAL": local, "UTC": utc, "IBX(s)": ibx})))
    assert shown(notice.interval) == expected
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()


def test_the_zone_of_a_site_is_the_inventorys_where_it_has_one() -> None:
    notice = one(mail(body({"IBX(s)": "QQ2"})), site_zones={"QQ2": "America/New_York"})
    assert "not the same in America/New_York" in " ".join(notice.problems)


def test_a_subject_with_another_date_than_span_needs_a_person() -> None:
    notice = one(mail(body(), subject="Splicing - 03-NOV-2026 [CHG0300101]"))
    assert notice.interval is None
    assert "the subject says 2026-11-03" in " ".join(notice.problems)


IMPACTS = [
    ({"IMPACT": "No impact to your service"}, Impact.NO_IMPACT),
    ({"IMPACT": "Loss of redundancy to your service"}, Impact.REDUCED_REDUNDANCY),
    ({"IMPACT": "There will be service interruptions"}, Impact.OUTAGE),
    ({"IMPACT": "Your ports are going to bounce"}, Impact.OUTAGE),
    ({"IMPACT": None}, Impact.OUTAGE),
    ({"IMPACT": "Loss of redundancy", "DESCRIPTION": "Unprotected circuits will see an interruption"}, Impact.OUTAGE),
]


@pytest.mark.parametrize(("changes", "impact"), IMPACTS)
def test_impacts(changes: dict[str, str | None], impact: Impact) -> None:
    notice = one(mail(body(changes)))
    assert (notice.impact, notice.problems) == (impact, ())


@pytest.mark.parametrize(
    ("word", "impact"), [("SERVICE IMPACTING", Impact.OUTAGE), ("NON-SERVICE IMPACTING", Impact.NO_IMPACT)]
)
def test_a_subject_that_says_service_impacting_is_believed(word: str, impact: Impact) -> None:
    notice = one(mail(body({"IMPACT": "No impact to your service"}), subject=f"Splicing - ({word}) [CHG0300101]"))
    assert notice.impact is impact


PLACES = [
    ({"IBX(s)": "LD4, LD7"}, ("LD4", "LD7"), False),
    ({"IBX(s)": None, "IBX": "LD4 LD7"}, ("LD4", "LD7"), False),
    ({"IBX(s)": None, "LOCATION": "AM6; LD4/LD7"}, ("AM6", "LD4", "LD7"), False),
    ({"IBX(s)": "LD4 and LD4"}, ("LD4",), False),
    ({"IBX(s)": None}, ("LD4",), False),
    ({"IBX(s)": "see the list below, please"}, ("LD4",), True),
]


@pytest.mark.parametrize(("changes", "sites", "doubtful"), PLACES)
def test_places(changes: dict[str, str | None], sites: tuple[str, ...], doubtful: bool) -> None:
    notice = one(mail(body({"LOCAL": None, **changes})))
    assert (notice.sites, bool(notice.problems)) == (sites, doubtful)


def rows(header: str, *lines: str) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in line.split("|")) + "</tr>" for line in (header, *lines)
    )


TABLES = [
    ("three columns", rows("Account #|Product|Service Serial #", "1|CC|A-1", "1|CC|A-2"), ["A-1", "A-2"], False),
    ("twice the same", rows("Account #|Product|Service Serial #", "1|CC|A-1", "1|CC|A-1"), ["A-1"], False),
    ("by name, not by place", rows("Service Serial #|Cage|Account #", "A-1|7|1"), ["A-1"], False),
    ("leading zero stays", rows("Account #|Service Serial #", "009|0042-B"), ["0042-B"], False),
    ("a cell missing", rows("Account #|Product|Service Serial #", "1|A-1"), [], True),
    ("serial empty", rows("Account #|Product|Service Serial #", "1|CC|"), [], True),
    ("no serials at all", rows("Account #|Product|Cage", "1|CC|7"), [], True),
]


@pytest.mark.parametrize(("why", "table", "serials", "doubtful"), TABLES, ids=[case[0] for case in TABLES])
def test_asset_tables(why: str, table: str, serials: list[str], doubtful: bool) -> None:
    notice = one(mail(body(table=f"<table><tr><td>layout<table>{table}</table></td></tr></table>")))
    assert [item.object_id for item in notice.objects] == serials
    assert any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems) is doubtful


TEXT = "\n".join(f"*{label}:* {value}\n" for label, value in FIELDS.items())
TEXT_TABLES = [
    ("Account # Product Service Serial #\n700100 Cross Connect 20931177-A\n", ["20931177-A"], False),
    ("Account # Product IBX Service Serial #\n700100 Cross Connect LD4 20931177-A\nregards\n", ["20931177-A"], False),
    ("Account #ProductIBXService Serial #\n700100Cross ConnectLD420931177-A\n", [], True),
    ("Account # Product Service Serial #\nregards\n", [], True),
]


@pytest.mark.parametrize(("table", "serials", "doubtful"), TEXT_TABLES)
def test_text_is_read_where_there_is_no_html(table: str, serials: list[str], doubtful: bool) -> None:
    notice = one(mail(text=f"{TEXT}\n{table}"))
    assert shown(notice.interval) == "2026-12-09T01:00Z/2026-12-09T05:00Z"
    assert ([item.object_id for item in notice.objects], bool(notice.problems)) == (serials, doubtful)
