"""Calendars that are replaced as a whole: what is new is taken, what is gone counts on, and nothing is taken twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from maintsched.domain.interval import iso
from maintsched.services.intake import import_sources
from maintsched.store import notices
from tests.cli.driving import Answer, Desk, Later, at, maintnote, stamp


@pytest.fixture
def feed(desk: Desk) -> Desk:
    """Its source `carrier` is one file, carrier/feed.ics."""
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct]}")
    desk.apply()
    return desk


def poll(desk: Desk, *events: str, code: int = 0) -> Answer:
    desk.carrier("feed", *events)
    answer = desk.run("calendar", "import", "--source", "carrier")
    assert answer.code == code, answer
    return answer


def kept(desk: Desk) -> dict[str, tuple[str, str]]:
    found = desk.json("calendar", "list", "--all")["maintenances"]
    return {each["maintenance_id"].rpartition(":")[2]: (each["status"], each["start"]) for each in found}


def weekly(*more: str, until: str = "") -> str:
    lines = ["UID:weekly", "DTSTAMP:20260101T000000Z", f"DTSTART:{stamp(at(1))}", f"DTEND:{stamp(at(2))}"]
    lines += [f"RRULE:FREQ=WEEKLY;UNTIL={until or stamp(at(1, day=21))}", "SUMMARY:weekly", *more]
    return "".join(f"{line}\r\n" for line in lines)


def test_a_program_that_stamps_every_download_anew_says_nothing_new(feed: Desk) -> None:
    event = maintnote("WO-1", at(1))
    poll(feed, event)
    again = poll(feed, event.replace("DTSTAMP:20260101T000000Z", "DTSTAMP:20261122T101010Z"))
    assert "0 notices: 0 new, 0 changed, 1 unchanged" in again.out
    with feed.project() as project, project.store.read() as tx:
        assert len(notices.notices(tx)) == 1


def test_of_many_entries_only_the_changed_one_is_read_again(feed: Desk) -> None:
    events = [maintnote(f"WO-{number}", at(1, day=number)) for number in range(5)]
    poll(feed, *events)
    events[3] = maintnote("WO-3", at(5, day=3), sequence=1)
    assert "1 notices: 0 new, 1 changed, 4 unchanged" in poll(feed, *events).out
    assert kept(feed)["WO-3"] == ("CONFIRMED", iso(at(5, day=3)))


def test_what_vanishes_counts_on_and_is_told_after_some_polls(feed: Desk) -> None:
    both = maintnote("WO-1", at(1)), maintnote("WO-2", at(1, day=9))
    poll(feed, *both)
    said = [poll(feed, both[1]).out for _ in range(4)]
    assert [("it is not in carrier any more" in text) for text in said] == [False, False, True, False]
    assert kept(feed)["WO-1"] == ("CONFIRMED", iso(at(1)))
    assert feed.book("uk-ld4", at(2)).code == 3
    assert "not in carrier any more" in feed.ok("calendar", "show", "WO-1")
    poll(feed, *both)
    assert feed.json("calendar", "show", "WO-1")["vanished"] is None


def test_a_feed_that_is_suddenly_empty_is_refused_until_a_person_says_that_it_is(feed: Desk) -> None:
    poll(feed, maintnote("WO-1", at(1)))
    for _ in range(2):
        assert "suddenly empty" in poll(feed, code=5).err
    feed.ok("calendar", "sources", "--confirm", "carrier")
    poll(feed)
    assert feed.json("calendar", "sources")["stale"] == []
    assert kept(feed)["WO-1"] == ("CONFIRMED", iso(at(1)))  # nobody cancelled it


@pytest.mark.parametrize("text", ["<html><body>Please log in</body></html>", '{"message": "forbidden"}', ""])
def test_an_answer_that_is_no_calendar_makes_the_source_unavailable(feed: Desk, text: str) -> None:
    poll(feed, maintnote("WO-1", at(1)))
    (feed.root / "carrier" / "feed.ics").write_text(text)
    answer = feed.run("calendar", "import", "--source", "carrier")
    assert (answer.code, "unavailable" in answer.err) == (5, True), answer
    assert feed.json("calendar", "review")["notices"] == []
    assert feed.book("uk-ld4", at(12)).code == 3
    poll(feed, maintnote("WO-1", at(1)))
    assert feed.book("uk-ld4", at(12)).code == 0


CHANGES = {
    "an occurrence is taken out": (weekly(f"EXDATE:{stamp(at(1, day=7))}", "SEQUENCE:1"), {7}),
    "the series ends earlier": (weekly("SEQUENCE:1", until=stamp(at(1, day=8))), {14, 21}),
    "an occurrence is cancelled": (
        weekly() + "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:weekly\r\nSEQUENCE:1\r\nDTSTAMP:20260102T000000Z\r\n"
        f"RECURRENCE-ID:{stamp(at(1, day=14))}\r\nDTSTART:{stamp(at(1, day=14))}\r\nDTEND:{stamp(at(2, day=14))}\r\n"
        "STATUS:CANCELLED\r\nSUMMARY:weekly\r\n",
        {14},
    ),
    "nothing but a description": (weekly("DESCRIPTION:the same"), set[int]()),
}


@pytest.mark.parametrize(("changed", "off"), CHANGES.values(), ids=CHANGES)
def test_what_a_series_loses_is_off_and_the_rest_stands(feed: Desk, changed: str, off: set[int]) -> None:
    poll(feed, weekly())
    poll(feed, changed)
    found = feed.json("calendar", "list", "--all")["maintenances"]
    assert {each["start"]: each["status"] for each in found} == {
        iso(at(1, day=day)): "CANCELLED" if day in off else "CONFIRMED" for day in (0, 7, 14, 21)
    }
    assert all(not each["needs_review"] for each in found if each["status"] == "CONFIRMED")


def test_a_series_whose_keeper_raised_nothing_waits_for_a_person(feed: Desk) -> None:
    poll(feed, weekly())
    assert "need a person" in poll(feed, weekly(f"EXDATE:{stamp(at(1, day=7))}")).out
    assert [status for status, _ in kept(feed).values()] == ["CONFIRMED"] * 4


def test_an_occurrence_that_moves_is_the_same_maintenance(feed: Desk) -> None:
    poll(feed, weekly())
    moved = (
        f"UID:weekly\r\nSEQUENCE:1\r\nDTSTAMP:20260102T000000Z\r\nRECURRENCE-ID:{stamp(at(1, day=7))}\r\n"
        f"DTSTART:{stamp(at(4, day=8))}\r\nDTEND:{stamp(at(5, day=8))}\r\nSUMMARY:weekly, moved\r\n"
    )
    poll(feed, weekly(), moved)
    assert sorted(kept(feed).values()) == sorted(
        ("CONFIRMED", iso(moment)) for moment in (at(1), at(4, day=8), at(1, day=14), at(1, day=21))
    )


def test_an_import_that_breaks_off_loses_nothing_and_the_next_one_goes_on(feed: Desk) -> None:
    events = [maintnote(f"WO-{number}", at(1, day=number % 30)) for number in range(400)]
    database = sqlite3.connect(feed.root / "maintsched.db")
    database.execute(
        "CREATE TRIGGER stop BEFORE INSERT ON notice WHEN NEW.title = 'Work WO-300'"
        " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    database.commit()
    assert "the disk is full" in poll(feed, *events, code=5).err
    begun = len(kept(feed))
    assert 0 < begun < 400
    database.execute("DROP TRIGGER stop")
    database.commit()
    database.close()
    assert f"{400 - begun} notices: {400 - begun} new" in poll(feed, *events).out
    with feed.project() as project, project.store.read() as tx:
        assert len({each.title for each in notices.notices(tx)}) == len(notices.notices(tx)) == 400
    assert feed.run("audit", "verify").code == 0


@pytest.mark.slow
def test_two_imports_at_once_take_everything_once(feed: Desk) -> None:
    feed.carrier("feed", *(maintnote(f"WO-{number}", at(1, day=number % 30)) for number in range(600)))
    words = [sys.executable, "-m", "maintsched", "--config", str(feed.config), "calendar", "import"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    with feed.project() as project, project.store.read() as tx:
        assert len(notices.notices(tx)) == 600
    assert len(kept(feed)) == 600


def test_one_entry_that_cannot_be_read_spoils_no_other(feed: Desk) -> None:
    bad = maintnote("WO-2", at(1)).replace("DTEND", "X-END")
    answer = poll(feed, maintnote("WO-1", at(1)), bad, maintnote("WO-3", at(1)))
    assert "2 new" in answer.out
    assert answer.out.count("needs a person") == 1
    assert "DTEND is missing" in answer.out


def test_a_title_tells_what_an_entry_is_about(desk: Desk) -> None:
    desk.edit(
        "from: carrier/}",
        "from: carrier/feed.ics, affects: service, groups: [uk-direct], titles: [{match: '*lunch*', ignore: true},"
        " {match: '*LD4*', sites: [LD4]}, {match: '*network*', impact: NO-IMPACT}]}",
    )
    desk.apply()

    def entry(uid: str, title: str) -> str:
        return (
            f"UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{stamp(at(1))}\r\nDTEND:{stamp(at(2))}\r\n"
            f"SUMMARY:{title}\r\n"
        )

    poll(desk, entry("1", "Team lunch"), entry("2", "Patching in LD4"), entry("3", "Network tests"), entry("4", "All"))
    found = desk.json("calendar", "list", "--all")["maintenances"]
    assert {each["title"]: (each["circuits"], each["impact"]) for each in found} == {
        "Patching in LD4": (["ld4-ld7", "uk-ld4"], "OUTAGE"),
        "Network tests": ([], "NO-IMPACT"),
        "All": ([], "OUTAGE"),
    }


def test_a_source_that_is_quiet_for_too_long_is_stale_until_somebody_has_looked(desk: Desk) -> None:
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct], quiet_after: 45d}")
    desk.apply()
    poll(desk, maintnote("WO-1", at(1)))
    with desk.project() as project:
        later = Later.of(project, timedelta(days=50))
        import_sources(later, only="carrier")
        from maintsched.services.situation import stale_sources

        with project.store.read() as tx:
            (stale,) = [each for each in stale_sources(tx, project.inventory, later.now()) if each.name == "carrier"]
    assert "has said nothing new for 50 d" in stale.reason


def test_a_folder_takes_each_file_once_even_when_it_is_touched(desk: Desk, tmp_path: Path) -> None:
    desk.carrier("1", maintnote("WO-1", at(1)))
    assert "1 new" in desk.ok("calendar", "import", "--source", "carrier")
    data = (desk.root / "carrier" / "1.ics").read_bytes()
    (desk.root / "carrier" / "2.ics").write_bytes(data)
    (desk.root / "carrier" / "1.ics").write_bytes(data)
    assert "0 notices: 0 new, 0 changed, 1 unchanged" in desk.ok("calendar", "import", "--source", "carrier")
