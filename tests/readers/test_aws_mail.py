"""AWS Direct Connect mails: which are about the same work, what they say of it, and what makes them doubtful."""

from __future__ import annotations

from itertools import permutations

import pytest

from maintsched.domain.maintenance import key_of, merge
from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read

from .given import one, origin, shown

SUBJECT = "AWS Direct Connect Planned Maintenance Notification [AWS Account: 123456789012]"
COMPLETE = "AWS Direct Connect Maintenance Complete [AWS Account: 123456789012]"
WINDOW = "Wed, 9 Dec 2026 01:00:00 GMT to Wed, 9 Dec 2026 05:00:00 GMT"
PLACE = "endpoint in Equinix LD5, Slough, GBR"
OBJECTS = "dxcon-fexamp1a\ndxvif-fexamp1a"


def planned(window: str = WINDOW, objects: str = OBJECTS, place: str = PLACE, lasts: str = " for 4 hours") -> str:
    return (
        f"Hello,\n\nPlanned maintenance has been scheduled on an AWS Direct Connect {place} from {window}{lasts}."
        " During this time, the services listed below may become unavailable.\n\n"
        f"{objects}\n\nIf you encounter any problems after this window, please contact AWS Support.\n"
    )


def over(word: str = "cancelled", window: str = WINDOW, objects: str = OBJECTS) -> str:
    return (
        f"Hello,\n\nWe would like to inform you that the maintenance that was scheduled for AWS Direct Connect {PLACE}"
        f" from {window} has been {word}.\n\n{objects}\n\nWe regret any inconvenience that this may have caused you.\n"
    )


def mail(
    text: str = "",
    subject: str = SUBJECT,
    date: str | None = "Wed, 25 Nov 2026 10:00:00 +0000",
    sender: str = "Amazon Web Services <no-reply-aws@amazon.com>",
    heads: str = "",
    html: bool = False,
) -> bytes:
    head = [f"From: {sender}", f"Subject: {subject}", *([f"Date: {date}"] if date else []), "MIME-Version: 1.0"]
    kind = "html" if html else "plain"
    lines = [*head, *filter(None, heads.split("\n")), f"Content-Type: text/{kind}; charset=utf-8"]
    return ("\n".join((*lines, "", text or planned()))).encode()


def objects_of(notice: Notice) -> list[str]:
    return [item.object_id for item in notice.objects]


SAME_WORK = [
    ("a reminder", planned(), "Reminder: " + SUBJECT),
    ("lines wrapped elsewhere", planned().replace(" GMT ", " GMT\n").replace(" Dec ", "\nDec "), SUBJECT),
    ("quoted in a forwarded mail", "> " + planned().replace("\n", "\n> "), "Fwd: " + SUBJECT),
    ("objects in another order", planned(objects="dxvif-fexamp1a\ndxcon-fexamp1a"), SUBJECT),
    ("an id in capitals", planned(objects="DXCON-FEXAMP1A\ndxvif-fexamp1a"), SUBJECT),
    ("another wording of the place", planned(place="router in London"), SUBJECT),
    ("a later end", planned(WINDOW.replace("05:00", "06:00"), lasts=""), "Extended: " + SUBJECT),
    ("cancelled", over(), SUBJECT),
    ("cancelled by the subject", over(), "Cancelled: " + SUBJECT),
    ("complete", over("completed"), COMPLETE),
    ("times in UTC", planned(WINDOW.replace("GMT", "UTC")), SUBJECT),
    ("line ends spelled out", planned().replace("\n", "\\n"), SUBJECT),
    ("list marks", planned(objects="* dxcon-fexamp1a\n\n* dxvif-fexamp1a"), SUBJECT),
]


@pytest.mark.parametrize(("why", "text", "subject"), SAME_WORK, ids=[case[0] for case in SAME_WORK])
def test_every_mail_about_a_work_has_its_id(why: str, text: str, subject: str) -> None:
    assert key_of(one(mail(text, subject))) == key_of(one(mail()))


OTHER_WORK = [
    ("another start", planned(WINDOW.replace("01:00", "02:00"), lasts="")),
    ("another day", planned(WINDOW.replace("Wed, 9", "Thu, 10"))),
    ("other objects at the same time", planned(objects="dxcon-fexamp1b")),
]


@pytest.mark.parametrize(("why", "text"), OTHER_WORK, ids=[case[0] for case in OTHER_WORK])
def test_other_work_has_another_id(why: str, text: str) -> None:
    assert one(mail(text)).maintenance_id != one(mail()).maintenance_id


def test_whatever_comes_first_a_cancelled_work_is_cancelled() -> None:
    mails = [
        one(mail(date="Wed, 25 Nov 2026 10:00:00 +0000")),
        one(mail(subject="Reminder: " + SUBJECT, date="Sun, 6 Dec 2026 10:00:00 +0000")),
        one(mail(over(), date="Mon, 7 Dec 2026 10:00:00 +0000")),
    ]
    assert {merge(order).status for order in permutations(mails)} == {Status.CANCELLED}
    assert merge(mails[:2]).status is Status.CONFIRMED


def test_a_reminder_with_fewer_objects_shares_an_id_with_the_first_mail() -> None:
    first, fewer = one(mail()), one(mail(planned(objects="dxcon-fexamp1a")))
    assert first.maintenance_id != fewer.maintenance_id
    assert set(first.other_ids) & set(fewer.other_ids) == {"dxcon-fexamp1a@20261209T010000Z"}


STATES = [
    (planned(), SUBJECT, Status.CONFIRMED),
    (planned(), SUBJECT.replace("Planned", "Emergency"), Status.CONFIRMED),
    (over("cancelled"), SUBJECT, Status.CANCELLED),
    (over("canceled"), SUBJECT, Status.CANCELLED),
    (over("completed").replace("has been", "has now\nbeen"), SUBJECT, Status.COMPLETED),
    (over("completed"), COMPLETE, Status.COMPLETED),
    (over("cancelled"), SUBJECT.replace("Notification", "Cancelled"), Status.CANCELLED),
    (planned() + "\nWe will write once the maintenance has been completed.\n", SUBJECT, Status.CONFIRMED),
    (planned() + "\nIf it has been cancelled, we will tell you.\n", SUBJECT, Status.CONFIRMED),
]


@pytest.mark.parametrize(("text", "subject", "status"), STATES)
def test_the_state_is_what_subject_and_text_say(text: str, subject: str, status: Status) -> None:
    notice = one(mail(text, subject))
    assert (notice.status, notice.problems) == (status, ())


CONTRADICTIONS = [
    (planned(), COMPLETE, "it says COMPLETED, but also scheduled"),
    (planned(), "Cancelled: " + SUBJECT, "it says CANCELLED, but also scheduled"),
    (over("cancelled"), COMPLETE, "it says CANCELLED and COMPLETED"),
    (
        planned() + "\nThe maintenance of last week has been cancelled.\n",
        SUBJECT,
        "it says CANCELLED, but also scheduled",
    ),
]


@pytest.mark.parametrize(("text", "subject", "says"), CONTRADICTIONS)
def test_contradicting_states_end_no_work(text: str, subject: str, says: str) -> None:
    notice = one(mail(text, subject))
    assert (notice.status, any(problem.startswith(says) for problem in notice.problems)) == (None, True)


NOT_CERTAIN = [
    ("no window", over().replace(f" from {WINDOW}", "")),
    ("no objects", over(objects="")),
    ("a hole in the objects", over(objects="dxcon-fexamp1a\ndxcon-\ndxvif-fexamp1a")),
    ("a weekday that contradicts", over(window=WINDOW.replace("Wed", "Fri", 1))),
]


@pytest.mark.parametrize(("why", "text"), NOT_CERTAIN, ids=[case[0] for case in NOT_CERTAIN])
def test_a_cancellation_of_what_is_not_certain_cancels_nothing_and_is_told(why: str, text: str) -> None:
    notice = one(mail(text))
    assert notice.status is None
    assert "it says CANCELLED, but it is not clear of which work" in notice.problems


TIMES = [
    ("weekday", planned(WINDOW.replace("Wed", "Tue", 1)), "is a Wednesday"),
    ("unknown zone", planned(WINDOW.replace("GMT", "BST")), "the zone 'BST'"),
    ("no zone", planned(WINDOW.replace(" GMT", "")), "has no zone"),
    ("zone with an offset", planned(WINDOW.replace("GMT", "GMT+1")), "no window that can be read"),
    ("duration", planned(lasts=" for 7 hours"), "'for 7 hours', but from start to end it is 4 h"),
    ("reversed", planned("Wed, 9 Dec 2026 05:00:00 GMT to Wed, 9 Dec 2026 01:00:00 GMT", lasts=""), "before or when"),
    ("no such day", planned("31 Nov 2026 01:00:00 GMT to 1 Dec 2026 01:00:00 GMT"), "day is out of range"),
    ("no time", planned("Wednesday to Thursday", lasts=""), "no window that can be read"),
    (
        "the labels disagree",
        planned() + "Start time: 9 Dec 2026 02:00 GMT\nEnd time: 9 Dec 2026 05:00 GMT",
        "otherwise",
    ),
    (
        "a time more",
        planned() + "\nIt has been extended until Wed, 9 Dec 2026 09:00:00 GMT as it seems.\n",
        "not clear",
    ),
    ("long", planned(WINDOW.replace("to Wed, 9", "to Fri, 11"), lasts=""), "longer than 24 h"),
]
STANDING = ("a time more", "long")


@pytest.mark.parametrize(("why", "text", "says"), TIMES, ids=[case[0] for case in TIMES])
def test_a_time_that_contradicts_itself_is_doubted(why: str, text: str, says: str) -> None:
    notice = one(mail(text))
    assert says in " ".join(notice.problems)
    assert (notice.interval is None) is (why not in STANDING)


LASTS = [
    " for 4 hours",
    " for 240 minutes",
    " for 4 hours and 0 minutes",
    " (for 4 hours)",
    " for a duration of 4 hrs",
    "",
]


@pytest.mark.parametrize("lasts", LASTS)
def test_a_duration_that_fits_is_no_doubt(lasts: str) -> None:
    notice = one(mail(planned(lasts=lasts)))
    assert (shown(notice.interval), notice.problems) == ("2026-12-09T01:00Z/2026-12-09T05:00Z", ())


READ = [
    ("dxcon-fexamp1a, dxvif-fexamp1a", ["dxcon-fexamp1a", "dxvif-fexamp1a"]),
    ("1. dxcon-fexamp1a\n2. dxvif-fexamp1a", ["dxcon-fexamp1a", "dxvif-fexamp1a"]),
    ("dxlag-fexamp1a (LD5, two ports of 10 Gbps, yours)", ["dxlag-fexamp1a"]),
    ("dxcon-fexamp1a\ndxcon-fexamp1a", ["dxcon-fexamp1a"]),
    ("Connections:\ndxcon-fexamp1a\nVirtual interfaces:\ndxvif-fexamp1a", ["dxcon-fexamp1a", "dxvif-fexamp1a"]),
    ("a1b2c3d4-0000-4444-8888-0123456789ab", ["a1b2c3d4-0000-4444-8888-0123456789ab"]),
    ("aaaaa-00000001\nbbbbb-00000002", ["aaaaa-00000001", "bbbbb-00000002"]),
    ("arn:aws:directconnect:eu-west-2:123456789012:dxcon/dxcon-fexamp1a", ["dxcon-fexamp1a"]),
]


@pytest.mark.parametrize(("objects", "ids"), READ)
def test_objects_are_read_however_they_are_listed(objects: str, ids: list[str]) -> None:
    notice = one(mail(planned(objects=objects)))
    assert (objects_of(notice), notice.problems) == (ids, ())


HOLES = [
    "",
    "dxcon-fexamp1a\nand 3 more",
    "dxcon-fexamp1a\n...\ndxvif-fexamp1a",
    "dxcon_1\ndxvif-fexamp1a",
    "dxcon-fexamp1a\nwithheld\ndxvif-fexamp1a",
    "dxcon-fexamp1a\n\nThese two are in the other building:\n\nThey are listed here for you\n\ndxvif-fexamp1a",
    "dxcon-fexamp1a\n\nBesides, your old interface dxvif-fother12 will be moved on that day.",
]


@pytest.mark.parametrize("objects", HOLES)
def test_a_list_with_a_hole_is_not_taken_for_complete(objects: str) -> None:
    notice = one(mail(planned(objects=objects)))
    assert any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems)


PLACES = [
    ("endpoint in Equinix SG2, Singapore, SGP", ("SG2",)),
    ("endpoint in Equinix DC2/DC11, Ashburn, VA", ("DC2", "DC11")),
    ("router in A Block, New York, NY", ("New York",)),
    ("endpoint in Telehouse London 2", ("Telehouse London 2",)),
    ("endpoint", ()),
]


@pytest.mark.parametrize(("place", "sites"), PLACES)
def test_the_place_is_the_building_where_it_has_a_code_else_the_city(place: str, sites: tuple[str, ...]) -> None:
    assert one(mail(planned(place=place))).sites == sites


def test_two_windows_with_lists_of_their_own_keep_them_apart() -> None:
    late = planned("Thu, 10 Dec 2026 01:00:00 GMT to Thu, 10 Dec 2026 05:00:00 GMT", "dxcon-fexamp1b")
    first, second = read(mail(planned() + late), origin())
    assert (objects_of(first), objects_of(second)) == (["dxcon-fexamp1a", "dxvif-fexamp1a"], ["dxcon-fexamp1b"])
    assert key_of(first) == key_of(one(mail())) != key_of(second) == key_of(one(mail(late)))


def test_new_times_without_an_event_need_a_person() -> None:
    notice = one(mail(over("rescheduled")))
    assert (notice.rescheduled, notice.status) == (True, Status.CONFIRMED)
    assert "it gives new times, and a person must tell which maintenance it replaces" in notice.problems


def test_an_extension_is_a_later_revision_of_the_same_work() -> None:
    later = one(mail(over("extended", WINDOW.replace("05:00", "07:00")), date="Wed, 9 Dec 2026 04:00:00 +0000"))
    merged = merge((one(mail()), later))
    assert (shown(merged.interval), merged.needs_review) == ("2026-12-09T01:00Z/2026-12-09T07:00Z", ())


ACCOUNTS = [
    ("subject", planned(), SUBJECT, "123456789012", True),
    ("text", planned() + "AWS Account: 123456789012\n", SUBJECT.partition(" [")[0], "123456789012", True),
    ("label", planned() + "Affected account\n\n123456789012\n", SUBJECT.partition(" [")[0], "123456789012", True),
    ("none", planned(), SUBJECT.partition(" [")[0], "", False),
    ("two", planned() + "Account Id: 210987654321\n", SUBJECT, "123456789012", False),
]


@pytest.mark.parametrize(("why", "text", "subject", "account", "sound"), ACCOUNTS, ids=[case[0] for case in ACCOUNTS])
def test_the_account_is_one(why: str, text: str, subject: str, account: str, sound: bool) -> None:
    notice = one(mail(text, subject))
    assert (notice.account, not notice.problems) == (account, sound)


def test_html_and_text_that_disagree_need_a_person() -> None:
    head, _, text = mail().decode().partition("\n\n")
    head = head.replace("text/plain; charset=utf-8", 'multipart/alternative; boundary="b"')
    other = planned(WINDOW.replace("01:00", "02:00"), lasts="").replace("\n", "<br>")
    parts = f"--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: text/html\n\n{other}\n--b--\n"
    notice = one(f"{head}\n\n{parts}".encode())
    assert (notice.interval, "its HTML and its text give different times" in notice.problems) == (None, True)


FORWARD = (
    "FYI\n\n---------- Forwarded message ---------\nFrom: Amazon Web Services <no-reply-aws@amazon.com>\n"
    f"Date: Wed, 25 Nov 2026 10:00:00 +0000\nSubject: {SUBJECT}\nTo: <noc@broker.example>\n\n"
)


def test_a_forwarded_mail_counts_as_of_when_aws_wrote_it() -> None:
    sent = mail(FORWARD + planned(), "Fwd: " + SUBJECT, "Tue, 8 Dec 2026 12:00:00 +0000", "Ann <ann@broker.example>")
    notice = one(sent)
    assert (notice.stamp, notice.problems, notice.sender) == (one(mail()).stamp, (), "ann@broker.example")
    assert key_of(notice) == key_of(one(mail()))


def test_what_a_reply_says_is_not_the_providers_own() -> None:
    assert "the mail is somebody's reply, not the provider's own" in one(mail(subject="Re: " + SUBJECT)).problems


def test_a_mail_without_date_cannot_be_put_in_order() -> None:
    assert "cannot be put in order" in " ".join(one(mail(date=None)).problems)


def test_an_unknown_wording_is_an_outage_that_needs_a_person() -> None:
    notice = one(
        mail("Your AWS Direct Connect location will be moved during a maintenance.\n", "Moving AWS Direct Connect")
    )
    assert (notice.impact, notice.interval, notice.status) == (Impact.OUTAGE, None, Status.CONFIRMED)
    assert notice.problems


def test_the_provider_may_be_declared() -> None:
    assert one(mail(), provider="Amazon").provider == "Amazon"
    assert one(mail()).provider == "AWS"


OTHER_MAILS = [
    ("billing", "Your AWS invoice", "AWS Direct Connect: 123.45 USD. EC2: 5 USD.\n"),
    ("another service", "Amazon RDS maintenance [AWS Account: 123456789012]", "Planned maintenance for db-1.\n"),
    ("marketing", "AWS Direct Connect is now in Warsaw", "Visit us.\n"),
]


@pytest.mark.parametrize(("why", "subject", "text"), OTHER_MAILS, ids=[case[0] for case in OTHER_MAILS])
def test_a_mail_about_something_else_is_no_notice(why: str, subject: str, text: str) -> None:
    with pytest.raises(NoticeUnreadable, match="no known format"):
        read(mail(text, subject), origin())


def test_an_equinix_mail_that_speaks_of_aws_stays_with_equinix() -> None:
    text = (
        "SPAN: 09-DEC-2026 - 09-DEC-2026\nUTC: WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00\nIBX(s): LD5\n"
        "DESCRIPTION: maintenance of Equinix switches that carry AWS Direct Connect\n"
    )
    notice = one(
        mail(text, "Switches - LD Metro Area Network Maintenance - 09-DEC-2026 [CHG0300101]", sender="a@b.example")
    )
    assert (notice.provider, notice.maintenance_id) == ("Equinix", "CHG0300101")
