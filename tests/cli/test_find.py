"""At 02:00: is what I see planned? And bookings that name several places."""

from __future__ import annotations

from tests.cli.driving import Desk, at, change, maintnote, stamp, typed

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


def test_work_that_was_called_off_is_told_with_its_day(desk: Desk) -> None:
    """The engineer on site may not know: at 02:00 that is the answer."""
    desk.carrier("1", maintnote("WO-1", at(1)))
    desk.ok("calendar", "import")
    desk.carrier("2", maintnote("WO-1", at(1), sequence=1, status="CANCELLED"))
    desk.ok("calendar", "import")
    (hit,) = desk.json("find", "uk-ld7", "--at", typed(at(2)))["found"]
    assert (hit["now"], hit["planned"]) == (None, [])
    (past,) = hit["past"]
    assert (past["id"], past["state"], past["circuits"]) == ("M-1", "CANCELLED", ["uk-ld7"])
    assert past["why"].startswith("was cancelled on 20")
    assert "M-1 was cancelled on " in desk.ok("find", "uk-ld7", "--at", typed(at(2)))
    (by_ticket,) = desk.json("find", "WO-1", "--at", typed(at(2)))["found"]
    assert by_ticket["circuit"] == "uk-ld7"


def test_a_window_of_ours_that_was_called_off_is_told(desk: Desk) -> None:
    desk.book("uk-ld4", at(1))
    desk.ok("window", "cancel", "W-1")
    (hit,) = desk.json("find", "20931177-A", "--at", typed(at(2)))["found"]
    assert [(each["id"], each["state"]) for each in hit["past"]] == [("W-1", "cancelled")]
    assert hit["left"] == ["uk-direct: 2 of 2 left (uk-ld4, uk-ld7)"]


def test_what_ended_a_while_ago_is_told_for_a_day(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-1", at(1), 4))
    desk.ok("calendar", "import")
    (hit,) = desk.json("find", "uk-ld7", "--at", typed(at(6)))["found"]
    assert [each["why"] for each in hit["past"]] == [f"ended at {at(5):%Y-%m-%d %H:%MZ}"]
    assert hit["now"] is None
    (hit,) = desk.json("find", "uk-ld7", "--at", typed(at(5, day=1)))["found"]
    assert hit["past"] == []


def test_work_in_process_is_not_over_because_its_time_is(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-1", at(1), 4, status="IN-PROCESS"))
    desk.ok("calendar", "import")
    (hit,) = desk.json("find", "uk-ld7", "--at", typed(at(6)))["found"]
    assert hit["past"] == []
    assert f"in process, should have ended at {at(5):%Y-%m-%d %H:%MZ}" in hit["now"]


def test_how_far_it_looks_is_said(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-1", at(1, day=89)))
    desk.carrier("2", maintnote("WO-2", at(1, day=91)))
    desk.ok("calendar", "import")
    found = desk.json("find", "uk-ld7", "--at", typed(at(2)))
    assert [entry["title"] for entry in found["found"][0]["planned"]] == ["carrier.example WO-1: Work WO-1"]
    assert (found["since"], found["until"]) == (f"{at(-22):%Y-%m-%dT%H:%M:%SZ}", f"{at(2, day=90):%Y-%m-%dT%H:%M:%SZ}")
    assert f"planned until {at(0, day=90):%Y-%m-%d}:" in desk.ok("find", "uk-ld7", "--at", typed(at(2)))


def test_what_the_interconnect_takes_is_left_out_of_what_stands(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-1", at(1), objects=("20931190-A",)))
    desk.ok("calendar", "import")
    for name in ("uk-ld4", "ld4-ld7"):
        (hit,) = [each for each in desk.json("find", name, "--at", typed(at(2)))["found"] if each["circuit"] == name]
        assert hit["left"] == ["uk-direct: 1 of 2 left (uk-ld4)"]
