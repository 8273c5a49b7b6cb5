"""At 02:00: is what I see planned? And bookings that name several places."""

from __future__ import annotations

from tests.cli.driving import Desk, at, change, stamp, typed

PLATFORM = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//
BEGIN:VEVENT
UID:monthly@platform.example
DTSTAMP:{start}
DTSTART:{start}
DTEND:{end}
SUMMARY:Monthly maintenance of the platform
END:VEVENT
END:VCALENDAR
"""


def test_the_platform_s_own_outage_is_an_answer(desk: Desk) -> None:
    (desk.root / "platform.ics").write_text(PLATFORM.format(start=stamp(at(0)), end=stamp(at(9))))
    source = "  - {name: spotware, from: platform.ics, provider: Spotware, affects: service, groups: [uk-direct]}"
    desk.edit("freezes:", f"{source}\nfreezes:")
    desk.apply()
    desk.ok("calendar", "import")
    (hit,) = desk.json("find", "uk-ld4", "--at", typed(at(1)))["found"]
    assert "Monthly maintenance of the platform" in hit["now"]
    (later,) = desk.json("find", "10.210.4.1", "--at", typed(at(10)))["found"]
    assert later["now"] is None


def test_a_notice_that_waits_is_told(desk: Desk) -> None:
    desk.mail("1", b"From: no-reply@equinix.com\nSubject: something about LD4\n\nno words that we know\n")
    desk.run("calendar", "import")
    waiting = [row["id"] for row in desk.json("calendar", "review")["notices"]]
    assert waiting
    (hit,) = desk.json("find", "uk-ld4")["found"]
    assert any(waiting[0] in line for line in hit["left"])


def test_an_id_is_meant_whole(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    (row,) = [row for row in desk.json("calendar", "list")["maintenances"] if row["circuits"] == ["uk-ld7"]]
    assert [hit["circuit"] for hit in desk.json("find", row["id"], "--at", typed(at(0)))["found"]] == ["uk-ld7"]
    assert desk.run("find", "2").code == 2
    assert desk.run("find", "").code == 2


def test_every_place_that_is_named_counts(desk: Desk) -> None:
    """Of two sites the last one alone would have been booked, and the group left without a member."""
    times = ("--start", typed(at(1)), "--duration", "2h")
    for words in (("--site", "LD4", "--site", "LD7"), ("--router", "edge1", "--router", "edge2")):
        answer = desk.run("window", "check", *words, *times, "--json")
        assert answer.code == 3
        assert [conflict["available"] for conflict in answer.json["conflicts"]] == [0]
