"""Calendars and mails become facts; what cannot be placed waits, blocks, and is never lost."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintsched.domain.interval import iso
from maintsched.readers.pieces import cut, whole
from maintsched.services.intake import import_sources
from maintsched.services.tuning import EXPANSION
from maintsched.store import maintenances, notices, sources
from tests.cli.driving import Desk, Later, at, change, maintnote, stamp, typed

ROOT = Path(__file__).parents[2]


def imported(desk: Desk, *words: str, code: int = 0) -> dict[str, dict[str, object]]:
    """What each source brought, by its name."""
    return {source["name"]: source for source in desk.json("calendar", "import", *words, code=code)["sources"]}


def listed(desk: Desk) -> list[dict[str, object]]:
    found: list[dict[str, object]] = desk.json("calendar", "list", "--all")["maintenances"]
    return found


def test_the_samples_that_ship_are_taken_and_a_second_import_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "calendars" / "inbox", desk.root / "inbox", dirs_exist_ok=True)
    shutil.copy(ROOT / "calendars" / "provider-maintnote.ics", desk.root / "carrier")
    first = imported(desk)
    assert (first["equinix"]["notices"], first["equinix"]["not_ours"], first["equinix"]["foreign"]) == (3, 1, 0)
    assert (len(first["equinix"]["created"]), len(first["carrier"]["created"])) == (2, 1)  # type: ignore[arg-type]
    assert {(m["maintenance_id"], m["status"], *m["circuits"]) for m in listed(desk)} == {  # type: ignore[misc]
        ("CHG0300101", "CONFIRMED", "uk-ld7"),
        ("CHG0300102", "CANCELLED", "uk-ld4"),
        ("FM-2027-0042", "CONFIRMED", "uk-ld4"),
    }
    before = listed(desk)
    again = imported(desk)
    assert [(s["notices"], s["unchanged"], s["created"], s["updated"]) for s in again.values()] == [
        (0, 3, [], []),
        (0, 1, [], []),
    ]
    assert listed(desk) == before


def test_a_cancellation_from_a_trusted_folder_frees_the_slot(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    assert desk.book("uk-ld4", at(2)).code == 3
    desk.mail("2", change(2, at(1), prefix="CANCELLED - "))
    assert imported(desk)["equinix"]["updated"] == ["M-1"]
    assert desk.book("uk-ld4", at(2)).code == 0


def test_a_cancellation_that_nobody_vouches_for_waits_and_frees_nothing(desk: Desk) -> None:
    desk.edit(", trust: senders", "")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), prefix="CANCELLED - "))
    assert imported(desk)["equinix"]["needs_review"]
    assert desk.book("uk-ld4", at(2)).code == 3
    (waiting,) = desk.json("calendar", "review")["notices"]
    assert waiting["concerns"] == ["uk-ld7"]
    desk.ok("calendar", "resolve", waiting["id"], "--circuit", "uk-ld7", "--reason", "asked the NOC")
    assert [(m["id"], m["status"]) for m in listed(desk)] == [("M-1", "CANCELLED")]
    assert desk.book("uk-ld4", at(2)).code == 0


def test_an_unbelieved_cancellation_is_ignored_and_the_work_stands(desk: Desk) -> None:
    desk.edit(", trust: senders", "")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), prefix="CANCELLED - "))
    desk.ok("calendar", "import")
    desk.ok("calendar", "resolve", "N-2", "--ignore", "--reason", "the NOC knows nothing of it")
    assert [m["status"] for m in listed(desk)] == ["CONFIRMED"]
    assert desk.run("calendar", "resolve", "N-2", "--ignore", "--reason", "again").code == 3


def test_more_work_is_believed_of_any_mail_from_the_right_address(desk: Desk) -> None:
    desk.edit(", trust: senders", "")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), hours=6, prefix="EXTENDED - "))
    assert imported(desk)["equinix"]["needs_review"] == []
    assert [m["end"] for m in listed(desk)] == [iso(at(7))]


def test_a_cancellation_in_a_calendar_file_is_no_mail_and_is_believed(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1)))
    desk.ok("calendar", "import")
    desk.carrier("1", maintnote("WO-7", at(1), sequence=1, status="CANCELLED"))
    assert imported(desk)["carrier"]["needs_review"] == []
    assert [m["status"] for m in listed(desk)] == ["CANCELLED"]


def test_a_rescheduled_maintenance_moves(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1, day=1), prefix="RESCHEDULED - "))
    desk.ok("calendar", "import")
    assert [(m["start"], m["end"], m["revisions"]) for m in listed(desk)] == [(iso(at(1, 1)), iso(at(5, 1)), 2)]
    assert desk.book("uk-ld4", at(2)).code == 0
    assert desk.book("uk-ld4", at(2, day=1)).code == 3


def test_what_cannot_be_read_waits_blocks_and_is_kept_to_the_byte(desk: Desk) -> None:
    junk = b"\x00\xffsomething happens on Tuesday"
    (desk.root / "inbox" / "odd.txt").write_bytes(junk)
    desk.mail("1", change(1, at(1)))
    found = imported(desk)["equinix"]
    assert (len(found["created"]), len(found["needs_review"])) == (1, 1)  # type: ignore[arg-type]
    refused = desk.json("window", "book", "--circuit", "uk-ld4", "--start", typed(at(12)), "--duration", "1h",
                        "--title", "x", "--rollback", "undo", code=3)  # fmt: skip
    assert [conflict["rule"] for conflict in refused["conflicts"]] == ["REVIEW"]
    (waiting,) = desk.json("calendar", "review")["notices"]
    assert desk.run("calendar", "review", "--raw", waiting["id"]).raw == junk
    desk.ok("calendar", "resolve", waiting["id"], "--ignore", "--reason", "spam")
    assert desk.book("uk-ld4", at(12)).code == 0


def test_a_person_says_what_an_unreadable_notice_hits_and_no_later_matching_takes_it_back(desk: Desk) -> None:
    (desk.root / "inbox" / "odd.txt").write_text("we work on your line on Tuesday")
    desk.ok("calendar", "import")
    words = ("calendar", "resolve", "N-1", "--circuit", "20931178-A", "--reason", "phoned them")
    assert desk.run(*words).code == 2  # it tells no time
    said = desk.ok(*words, "--start", typed(at(1)), "--end", "+4h")
    assert "uk-ld7 OUTAGE" in said
    assert desk.book("uk-ld4", at(2)).code == 3
    desk.edit("guard: 30m", "guard: 20m")
    desk.apply()
    assert [m["circuits"] for m in listed(desk)] == [["uk-ld7"]]
    assert desk.book("uk-ld4", at(2)).code == 3


def test_mail_of_a_stranger_is_counted_and_not_taken(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)).replace(b"no-reply@equinix.com", b"no-reply@equinix.example"))
    found = imported(desk)["equinix"]
    assert (found["foreign"], found["created"], found["needs_review"]) == (1, [], [])
    assert "1 from unknown senders" in desk.run("calendar", "import", "--source", "equinix").out or not listed(desk)


@pytest.mark.parametrize("location", ["nowhere.ics", "https://calendars.example/feed.ics"])
def test_a_source_that_cannot_be_read_blocks_and_keeps_what_was_known(desk: Desk, location: str) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    desk.edit("from: inbox/", f'from: "{location}"')
    desk.apply()
    found = imported(desk, code=5)
    assert (found["equinix"]["state"], found["carrier"]["state"]) == ("unavailable", "ok")
    assert found["equinix"]["error"]
    assert [m["status"] for m in listed(desk)] == ["CONFIRMED"]
    assert desk.json("calendar", "list")["stale"] == ["equinix"]
    refused = desk.json("window", "check", "--circuit", "uk-ld4", "--start", typed(at(12)), "--duration", "1h", code=3)
    assert [conflict["rule"] for conflict in refused["conflicts"]] == ["STALE"]
    desk.edit(f'from: "{location}"', "from: inbox/")
    desk.apply()
    desk.ok("calendar", "import")
    assert desk.book("uk-ld4", at(12)).code == 0


def test_a_source_that_was_never_read_blocks(empty_desk: Desk) -> None:
    answer = empty_desk.book("uk-ld4", at(2))
    assert answer.code == 3
    assert "STALE" in answer.out
    assert "was never read" in answer.out


def test_a_folder_that_is_suddenly_empty_is_not_believed(desk: Desk) -> None:
    desk.ok("calendar", "import")  # one that always was is
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    (desk.root / "inbox" / "1.eml").unlink()
    assert "suddenly empty" in str(imported(desk, code=5)["equinix"]["error"])
    assert desk.book("uk-ld4", at(12)).code == 3
    assert [m["status"] for m in listed(desk)] == ["CONFIRMED"]


def test_a_freeze_calendar_that_is_suddenly_empty_is_not_believed(desk: Desk) -> None:
    def freeze(*events: str) -> None:
        text = "".join(f"BEGIN:VEVENT\r\n{event}END:VEVENT\r\n" for event in events)
        (desk.root / "freeze.ics").write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{text}END:VCALENDAR\r\n", newline="")

    freeze(f"UID:1\r\nDTSTAMP:{stamp(at(0))}\r\nDTSTART:{stamp(at(0))}\r\nDTEND:{stamp(at(6))}\r\nSUMMARY:payroll\r\n")
    desk.edit("freezes:\n", "freezes:\n  - {name: quiet, from: freeze.ics}\n")
    desk.apply()
    desk.ok("calendar", "import")
    answer = desk.book("uk-ld4", at(2))
    assert answer.code == 3
    assert "during the freeze payroll" in answer.out
    freeze()
    assert "suddenly empty" in str(imported(desk, code=5)["quiet"]["error"])
    assert desk.book("uk-ld4", at(2)).code == 3


def test_the_same_maintenance_from_two_sources_is_one(desk: Desk) -> None:
    event = maintnote("WO-7", at(1))
    desk.carrier("1", event)
    desk.ok("calendar", "import")
    desk.edit("  - {name: carrier", "  - {name: second, from: second/}\n  - {name: carrier")
    shutil.copytree(desk.root / "carrier", desk.root / "second")
    desk.apply()
    assert imported(desk)["second"]["created"] == []
    assert [(m["source"], m["revisions"]) for m in listed(desk)] == [("carrier", 2)]


def test_work_on_a_whole_site_hits_every_circuit_there(desk: Desk) -> None:
    mail = change(1, at(1), site="LD4")
    desk.mail("1", mail.split(b"<table>")[0] + b"</body></html>")
    desk.ok("calendar", "import")
    assert [(m["circuits"], m["sites"]) for m in listed(desk)] == [(["ld4-ld7", "uk-ld4"], ["LD4"])]


def test_a_fact_that_lands_on_a_booking_is_told_and_the_booking_needs_a_review(desk: Desk) -> None:
    assert desk.book("uk-ld4", at(2)).code == 0
    desk.mail("1", change(1, at(1)))
    (conflict,) = desk.json("calendar", "import")["conflicts"]
    assert (conflict["rule"], conflict["with"][0]["kind"]) == ("REDUNDANCY", "maintenance")
    assert conflict["message"].startswith("W-1 'line card': ")
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"
    assert "W-1 needs a review" in desk.ok("status") or at(2) > datetime.now(UTC) + timedelta(days=14)
    assert desk.run("calendar", "import").out.count("breaks") == 1


def test_a_booking_inside_an_outage_needs_a_review_when_the_outage_moves(desk: Desk) -> None:
    both = ("20931177-A", "20931178-A")
    desk.carrier("1", maintnote("WO-7", at(0), hours=8, objects=both))
    desk.ok("calendar", "import")
    inside = desk.book("uk-ld4", at(2), 2, "--circuit", "uk-ld7", "--json")
    assert inside.code == 0, inside
    assert [conflict["rule"] for conflict in inside.json["conflicts"]] == ["INSIDE-OUTAGE"]
    desk.carrier("1", maintnote("WO-7", at(0, day=3), hours=8, objects=both, sequence=1))
    assert desk.json("calendar", "import")["conflicts"]
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"


def test_a_dry_run_shows_the_changes_and_keeps_nothing(desk: Desk) -> None:
    desk.book("uk-ld4", at(2))
    desk.mail("1", change(1, at(1)))
    answer = desk.run("calendar", "import", "--dry-run")
    assert answer.code == 0
    assert "new: CONFIRMED OUTAGE" in answer.out
    assert "nothing was kept" in answer.err
    assert (listed(desk), desk.json("window", "show", "W-1")["state"]) == ([], "requested")
    assert len(imported(desk)["equinix"]["created"]) == 1  # type: ignore[arg-type]


def test_a_file_given_by_hand_says_nothing_of_the_source(desk: Desk, tmp_path: Path) -> None:
    mail = tmp_path / "cancel.eml"
    mail.write_bytes(change(1, at(1)))
    desk.ok("calendar", "import", "--source", "equinix", str(mail))
    assert [m["circuits"] for m in listed(desk)] == [["uk-ld7"]]
    assert desk.run("calendar", "import", "--source", "equinix", str(tmp_path / "nothing.eml")).code == 5
    assert desk.json("calendar", "sources")["stale"] == []


def test_a_notice_of_a_circuit_that_is_added_later_is_found_again(desk: Desk) -> None:
    desk.mail("1", change(1, at(1), serial="20939999-Z"))
    assert imported(desk)["equinix"]["not_ours"] == 1
    assert desk.book("uk-ld4", at(2)).code == 0
    desk.edit("aliases: [20931178-A]", "aliases: [20931178-A, 20939999-Z]")
    desk.apply()
    assert [m["circuits"] for m in listed(desk)] == [["uk-ld7"]]
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"


WEEKLY = "UID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:weekly\r\n"


def test_a_recurring_calendar_that_never_changes_is_expanded_as_time_goes_by(desk: Desk) -> None:
    desk.edit("from: carrier/}", "from: carrier/weekly.ics, groups: [uk-direct]}")
    desk.carrier("weekly", WEEKLY.format(stamp(at(1)), stamp(at(2))))
    desk.apply()

    def known(later: timedelta) -> tuple[int, datetime, datetime]:
        """How many occurrences are known, where the last begins, and what the horizon is."""
        with desk.project() as project:
            import_sources(Later.of(project, later), only="carrier")
            with project.store.read() as tx:
                found = maintenances.maintenances(tx)
                expanded = sources.expanded_until(tx)
            assert expanded is not None
            until = expanded[0]
            starts = [m.maintenance.interval.start for m in found if m.maintenance.interval]
            assert len(set(starts)) == len(starts)
            return len(starts), max(starts), until

    first = known(timedelta())
    assert known(timedelta(days=5)) == first  # not every time
    later = known(timedelta(days=100))
    assert later[0] > first[0]
    assert abs(later[2] - first[2] - timedelta(days=100)) < timedelta(minutes=5)
    for _, last, until in (first, later):
        assert until - timedelta(days=7) <= last < until <= datetime.now(UTC) + timedelta(days=100) + EXPANSION


def test_a_file_that_goes_back_to_an_older_version_is_not_believed(desk: Desk) -> None:
    desk.edit("from: carrier/}", "from: carrier/one.ics}")
    desk.apply()
    for start in (at(1), at(9), at(1)):
        desk.carrier("one", maintnote("WO-7", start, sequence=1 if start == at(9) else 0))
        answer = desk.run("calendar", "import", "--source", "carrier")
    assert answer.code == 0
    assert "with an older revision; what is known is kept" in answer.out
    assert [m["start"] for m in listed(desk)] == [iso(at(9))]
    assert desk.book("uk-ld4", at(2)).code == 3  # it may be as the file says
    desk.carrier("one", maintnote("WO-7", at(9), sequence=1))
    desk.ok("calendar", "import")
    assert desk.book("uk-ld4", at(2)).code == 0


def test_a_file_that_was_broken_for_a_while_is_believed_again(desk: Desk) -> None:
    desk.edit("from: carrier/}", "from: carrier/one.ics}")
    desk.apply()
    desk.carrier("one", maintnote("WO-7", at(1)))
    sound = (desk.root / "carrier" / "one.ics").read_bytes()
    for data in (sound, b"<html>502</html>", sound):
        (desk.root / "carrier" / "one.ics").write_bytes(data)
        answer = desk.run("calendar", "import", "--source", "carrier")
    assert answer.code == 0


def test_nothing_is_imported_with_an_inventory_that_is_not_in_force(desk: Desk) -> None:
    desk.edit("guard: 30m", "guard: 45m")
    assert desk.run("calendar", "import").code == 3


def test_an_unknown_source_is_named_with_those_that_there_are(desk: Desk) -> None:
    answer = desk.run("calendar", "import", "--source", "equinox")
    assert answer.code == 2
    assert "sources of the config: equinix, carrier" in answer.err


CORPUS = (ROOT / os.environ.get("MAINTSCHED_CORPUS", "../shared/corpus")).resolve()


@pytest.mark.corpus
@pytest.mark.parametrize(
    "folder",
    ["equinix", "maintnote", "aws", *(pytest.param(name, marks=pytest.mark.slow) for name in ("plain", "recurring"))],
)
def test_real_inputs_are_imported_to_the_last_file(desk: Desk, folder: str) -> None:
    for path in (CORPUS / folder).iterdir():
        if path.suffix in (".eml", ".ics", ".txt"):
            shutil.copy(path, desk.root / "carrier")
    files = len(list((desk.root / "carrier").iterdir()))
    assert files
    found = imported(desk, "--source", "carrier")["carrier"]
    assert found["notices"] >= files  # type: ignore[operator]
    with desk.project() as project, project.store.read() as tx:
        raws = {each.raw_sha256 for each in notices.notices(tx)}
        for path in (desk.root / "carrier").iterdir():
            data = path.read_bytes()
            assert {piece.sha256 for piece in cut(data) or (whole(data),)} <= raws, path
        assert not [each.reason for each in notices.notices(tx) if "bug" in each.reason]
    assert desk.json("calendar", "import", "--source", "carrier")["sources"][0]["notices"] == 0
