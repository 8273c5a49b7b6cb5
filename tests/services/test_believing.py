"""Nobody frees a slot who may not, nothing is undone behind a person's back, and what was read wrong is read anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from maintsched.domain.interval import iso
from tests.cli.driving import Desk, at, change, maintnote, stamp, typed
from tests.services.test_feeds import poll, weekly


def with_calendar(sender: str, event: str) -> bytes:
    """A mail with a calendar in it, not encoded, so that it stands there in plain text."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "noc@northgate.example", "maintenance"
    message["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    message.set_content(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n{event}END:VEVENT\r\nEND:VCALENDAR\r\n")
    message.replace_header("Content-Type", "text/calendar")
    return message.as_bytes()


def states(desk: Desk) -> list[tuple[str, str]]:
    return [(m["maintenance_id"], m["status"]) for m in desk.json("calendar", "list", "--all")["maintenances"]]


def queue(desk: Desk) -> list[str]:
    return [notice["reason"] for notice in desk.json("calendar", "review")["notices"]]


def untrusting(desk: Desk) -> Desk:
    desk.edit(", trust: senders", "")
    desk.apply()
    return desk


def test_a_strangers_calendar_inside_a_mail_is_a_strangers_mail(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    forged = maintnote("CHG0300101", at(1), sequence=9, status="CANCELLED")
    desk.mail("2", with_calendar("evil@evil.example", forged.replace("carrier.example", "Equinix")))
    assert "1 from unknown senders (evil@evil.example)" in desk.ok("calendar", "import")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]


def test_a_cancellation_of_nobody_that_comes_first_does_not_count_later(desk: Desk) -> None:
    untrusting(desk)
    desk.mail("1", change(9, at(1), prefix="CANCELLED - "))
    desk.ok("calendar", "import")
    desk.mail("2", change(1, at(1)))
    desk.ok("calendar", "import")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]
    assert len(queue(desk)) == 1
    assert desk.book("uk-ld4", at(2)).code == 3


def test_a_mail_of_the_future_outdoes_nothing(desk: Desk) -> None:
    desk.mail("1", change(1, at(1), sent=datetime.now(UTC) + timedelta(days=300), prefix="REMINDER - "))
    desk.ok("calendar", "import")
    assert "is still to come" in queue(desk)[0]
    desk.ok("calendar", "resolve", "N-1", "--believe", "--reason", "their clock is wrong")
    desk.mail("2", change(2, at(5), sent=datetime.now(UTC) + timedelta(hours=1), prefix="RESCHEDULED - "))
    desk.ok("calendar", "import")
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert found["start"] == iso(at(5))


def test_somebodys_reply_cancels_nothing(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), prefix="Re: CANCELLED - "))
    desk.ok("calendar", "import")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]
    assert "the mail is somebody's reply" in queue(desk)[0]
    desk.ok("calendar", "resolve", "N-2", "--believe", "--reason", "asked them")
    assert states(desk) == [("CHG0300101", "CANCELLED")]


def test_a_circuit_named_later_does_not_make_a_forged_cancellation_true(desk: Desk) -> None:
    untrusting(desk)
    desk.mail("1", change(1, at(1), serial="20939999-Z"))
    desk.mail("2", change(2, at(1), serial="20939999-Z", prefix="CANCELLED - "))
    desk.ok("calendar", "import")
    assert (states(desk), queue(desk)) == ([], [])
    desk.edit("aliases: [20931178-A]", "aliases: [20931178-A, 20939999-Z]")
    assert "is ours now" in desk.ok("inventory", "apply", "--reason", "test")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]
    assert len(queue(desk)) == 1


@pytest.mark.parametrize(
    "broken",
    [
        weekly("SEQUENCE:1").replace("FREQ=WEEKLY", "FREQ=SECONDLY"),
        weekly("SEQUENCE:1", until="garbage"),
        weekly("SEQUENCE:1").replace(f"DTSTART:{stamp(at(1))}", "DTSTART:20261399T250000Z"),
    ],
    ids=["a runaway rule", "a bad end", "a bad start"],
)
def test_a_series_that_cannot_be_read_any_more_stands(desk: Desk, broken: str) -> None:
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct]}")
    desk.apply()
    poll(desk, weekly())
    poll(desk, broken)
    assert {status for _, status in states(desk)} == {"CONFIRMED"}
    assert queue(desk)


def test_a_source_whose_clock_is_corrected_is_read_anew(desk: Desk) -> None:
    floating = f"UID:p1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{stamp(at(1))[:-1]}\r\nDTEND:{stamp(at(4))[:-1]}\r\n"
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct], timezone: Asia/Tokyo}")
    desk.apply()
    poll(desk, floating + "SUMMARY:x\r\n")
    desk.edit("timezone: Asia/Tokyo}", "timezone: UTC}")
    desk.apply()
    desk.ok("calendar", "import")
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert (found["start"], found["end"]) == (iso(at(1)), iso(at(4)))
    assert queue(desk) == []


def test_an_inventory_that_is_applied_undoes_nothing_that_was_said(desk: Desk) -> None:
    desk.ok("calendar", "add", "--provider", "carrier.example", "--ref", "WO-7", "--circuit", "uk-ld7",
            "--start", typed(at(1)), "--end", "+4h", "--note", "phone")  # fmt: skip
    desk.carrier("1", maintnote("WO-7", at(1), sequence=1, objects=("20931177-A",)))
    desk.ok("calendar", "import")
    desk.edit("guard: 30m", "guard: 20m")
    desk.apply()
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert found["circuits"] == ["uk-ld4", "uk-ld7"]


def test_a_source_that_leaves_the_config_leaves_its_work(desk: Desk) -> None:
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct]}")
    desk.apply()
    poll(desk, weekly(until=stamp(at(1))))
    desk.edit("  - {name: carrier, from: carrier/feed.ics, groups: [uk-direct]}\n", "")
    desk.apply()
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert found["circuits"] == ["uk-ld4", "uk-ld7"]


def test_a_sender_who_is_added_is_heard(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)).replace(b"no-reply@equinix.com", b"noreply@equinix.com"))
    assert "1 from unknown senders (noreply@equinix.com)" in desk.ok("calendar", "import")
    desk.edit('senders: ["no-reply@equinix.com"]', 'senders: ["no-reply@equinix.com", "noreply@equinix.com"]')
    desk.apply()
    desk.ok("calendar", "import")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]


def test_a_strangers_letter_that_is_no_notice_blocks_nothing(desk: Desk) -> None:
    desk.mail("1", b"From: news@vendor.example\r\nTo: noc@northgate.example\r\nSubject: Offers\r\n\r\nBuy now\r\n")
    desk.ok("calendar", "import")
    assert queue(desk) == []
    assert desk.book("uk-ld4", at(2)).code == 0


def test_mails_one_for_each_circuit_add_up_and_end_one_by_one(desk: Desk) -> None:
    both: dict[str, Any] = {"serial": "20931177-A", "site": "LD4"}
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), **both))
    desk.ok("calendar", "import")
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert found["circuits"] == ["uk-ld4", "uk-ld7"]
    desk.mail("3", change(3, at(1), prefix="CANCELLED - ", **both))
    desk.ok("calendar", "import")
    assert states(desk) == [("CHG0300101", "CONFIRMED")]
    assert "it ends only a part of the work" in queue(desk)[0]
    desk.mail("4", change(4, at(1), prefix="CANCELLED - "))
    desk.ok("calendar", "import")
    assert (states(desk), queue(desk)) == ([("CHG0300101", "CANCELLED")], [])
