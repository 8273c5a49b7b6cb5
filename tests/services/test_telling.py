"""What came by phone or chat counts as what came by mail; what is never ours stays out of the queue."""

from __future__ import annotations

import pytest

from maintsched.domain.interval import iso
from tests.cli.driving import Desk, at, change, maintnote, typed
from tests.services.test_reviewing import maintenances

NIGHT = ("--start", typed(at(1)), "--end", "+4h")
PHONED = ("--provider", "Equinix", "--ref", "CHG0300101", "--note", "Mia of the NOC, by phone")


def test_what_was_told_by_phone_blocks_and_its_words_are_kept(desk: Desk) -> None:
    assert "M-1: uk-ld7 OUTAGE" in desk.ok("calendar", "add", *PHONED, "--circuit", "20931178-A", *NIGHT)
    assert maintenances(desk) == [("M-1", "CONFIRMED", ["uk-ld7"])]
    assert desk.book("uk-ld4", at(2)).code == 3
    raw = desk.run("calendar", "review", "--raw", "N-1").out
    assert '"note": "Mia of the NOC, by phone"' in raw
    assert '"by": "alice"' in raw


def test_the_mail_that_follows_is_a_revision_of_what_was_told(desk: Desk) -> None:
    desk.ok("calendar", "add", *PHONED, "--circuit", "uk-ld7", *NIGHT)
    desk.mail("1", change(1, at(3)))
    desk.ok("calendar", "import")
    # The mail was sent before the call, and has no sequence: the call is what counts.
    assert [(m["id"], m["start"], m["revisions"]) for m in desk.json("calendar", "list")["maintenances"]] == [
        ("M-1", iso(at(1)), 2)
    ]


@pytest.mark.parametrize(
    ("words", "circuits"),
    [
        (("--group", "uk-direct"), ["uk-ld4", "uk-ld7"]),
        (("--site", "LD4"), ["ld4-ld7", "uk-ld4"]),
        (("--circuit", "uk-ld7", "--group", "uk-direct"), ["uk-ld4", "uk-ld7"]),
    ],
)
def test_a_group_or_a_site_stands_for_all_its_circuits(desk: Desk, words: tuple[str, ...], circuits: list[str]) -> None:
    desk.ok("calendar", "add", *PHONED, *words, *NIGHT)
    assert maintenances(desk) == [("M-1", "CONFIRMED", circuits)]


def test_an_update_moves_it_and_tells_what_that_breaks(desk: Desk) -> None:
    desk.ok("calendar", "add", *PHONED, "--circuit", "uk-ld7", *NIGHT)
    assert desk.book("uk-ld4", at(12)).code == 0
    said = desk.ok("calendar", "update", "CHG0300101", "--start", typed(at(11)), "--end", "+4h", "--note", "Mia again")
    assert "Equinix CHG0300101 (M-1): breaks W-1 'line card' on" in said
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert (found["start"], found["end"], found["revisions"]) == (iso(at(11)), iso(at(15)), 2)


def test_a_milder_impact_counts_for_the_circuits_that_were_told(desk: Desk) -> None:
    desk.ok("calendar", "add", *PHONED, "--circuit", "uk-ld7", *NIGHT)
    desk.ok("calendar", "update", "M-1", "--impact", "NO-IMPACT")
    assert desk.book("uk-ld4", at(2)).code == 0


def test_what_was_told_to_be_off_frees_the_slot_and_the_mails_of_before_do_not_bring_it_back(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1), sequence=4))
    desk.ok("calendar", "import")
    assert "CANCELLED" in desk.ok("calendar", "cancel", "WO-7", "--note", "Ben of the carrier called")
    assert desk.book("uk-ld4", at(2)).code == 0
    desk.carrier("2", maintnote("WO-7", at(1), sequence=3))
    desk.ok("calendar", "import")
    assert maintenances(desk) == [("M-1", "CANCELLED", ["uk-ld7"])]
    desk.carrier("3", maintnote("WO-7", at(1), sequence=5))
    assert "breaks W-1" in desk.ok("calendar", "import")
    assert maintenances(desk) == [("M-1", "CONFIRMED", ["uk-ld7"])]


WRONG = [
    (("add", *PHONED, "--circuit", "uk-ld7", "--start", typed(at(1))), 2, "its time is needed"),
    (
        ("add", *PHONED, "--circuit", "uk-ld7", "--start", typed(at(3)), "--end", typed(at(1))),
        2,
        "end before it begins",
    ),
    (("add", *PHONED, *NIGHT), 2, "it is not said what is worked on"),
    (("add", *PHONED, "--circuit", "uk-ld9", *NIGHT), 2, "there is no circuit 'uk-ld9'"),
    (("add", *PHONED, "--group", "uk-dirct", *NIGHT), 2, "there is no group 'uk-dirct'"),
    (("update", "CHG1", "--impact", "OUTAGE"), 2, "there is no maintenance CHG1"),
    (("cancel", "CHG1", "--note", "x"), 2, "there is no maintenance CHG1"),
    (("cancel", "CHG1"), 2, "--note"),
]


@pytest.mark.parametrize(("words", "code", "told"), WRONG, ids=[" ".join(words[:2]) + told for words, _, told in WRONG])
def test_half_a_message_is_not_taken(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    answer = desk.run("calendar", *words)
    assert (answer.code, told in answer.err) == (code, True), answer
    assert maintenances(desk) == []


def test_what_is_known_is_not_added_again_nor_cancelled_twice(desk: Desk) -> None:
    desk.ok("calendar", "add", *PHONED, "--circuit", "uk-ld7", *NIGHT)
    twice = desk.run("calendar", "add", *PHONED, "--circuit", "uk-ld7", *NIGHT)
    assert (twice.code, "calendar update M-1" in twice.err) == (3, True)
    assert desk.run("calendar", "update", "M-1", "--note", "nothing").code == 2
    desk.ok("calendar", "cancel", "M-1", "--note", "off")
    assert desk.run("calendar", "cancel", "M-1", "--note", "off").code == 3


def test_what_is_ignored_for_ever_stays_out_of_the_queue_from_then_on(desk: Desk) -> None:
    odd = maintnote("WO-7", at(1), objects=("IC-99",)).replace("X-MAINTNOTE-IMPACT:OUTAGE", "X-MAINTNOTE-IMPAIR:X")
    broken = odd.replace("X-MAINTNOTE-OBJECT-ID:IC-99\r\n", "X-MAINTNOTE-OBJECT-ID:IC-99\r\nand more\r\n")
    desk.carrier("1", broken)
    assert desk.json("calendar", "import")["sources"][1]["needs_review"]
    said = desk.ok("calendar", "resolve", "N-1", "--ignore", "--always", "--reason", "another customer's")
    assert "never ours from now on: IC-99" in said
    desk.carrier("2", broken.replace("WO-7", "WO-8"))
    found = desk.json("calendar", "import")["sources"][1]
    assert (found["needs_review"], found["not_ours"]) == ([], 1)


def test_what_is_ours_cannot_be_ignored_for_ever(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1)).replace("X-MAINTNOTE-ACCOUNT:A-1\r\n", ""))
    desk.ok("calendar", "import")
    answer = desk.run("calendar", "resolve", "N-1", "--ignore", "--always", "--reason", "x")
    assert (answer.code, "is ours (uk-ld7)" in answer.err) == (3, True)
    assert len(desk.json("calendar", "review")["notices"]) == 1


def test_known_patterns_of_others_are_counted_and_not_named(desk: Desk) -> None:
    desk.edit("from: carrier/}", 'from: carrier/, not_ours: ["2077*"]}')
    desk.apply()
    desk.carrier("1", maintnote("WO-7", at(1), objects=("20770001-A",)))
    desk.carrier("2", maintnote("WO-8", at(1), objects=("20780001-A",)))
    said = desk.ok("calendar", "import")
    assert "2 not ours" in said
    assert "not ours, as the inventory does not name it: 20780001-A\n" in said
    listed = desk.json("calendar", "review", "--not-ours")["notices"]
    assert [each["reason"] for each in listed] == ["it names nothing of ours: 20780001-A", "known not to be ours"]
    (carrier,) = [each for each in desk.json("calendar", "sources")["sources"] if each["name"] == "carrier"]
    assert carrier["notices"] == {"not_ours": 2}


def test_what_a_person_settled_outlives_the_next_reminder(desk: Desk) -> None:
    doubtful = maintnote("WO-7", at(1), hours=30)
    desk.carrier("1", doubtful)
    desk.ok("calendar", "import")
    desk.ok("calendar", "resolve", "N-1", "--circuit", "uk-ld7", "--end", typed(at(9)), "--reason", "asked them")
    assert desk.json("calendar", "review")["notices"] == []
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert (found["end"], found["needs_review"]) == (iso(at(9)), False)
    desk.edit("guard: 30m", "guard: 20m")
    desk.apply()
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert (found["end"], found["needs_review"], found["circuits"]) == (iso(at(9)), False, ["uk-ld7"])


def test_an_end_of_something_unknown_that_may_mean_work_of_ours_waits(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), change="CHG0300999", prefix="CANCELLED - "))
    found = desk.json("calendar", "import")["sources"][0]
    (waiting,) = found["needs_review"]
    assert "nothing is known by its id; CHG0300101 may be what is meant" in waiting["reason"]
    assert desk.book("uk-ld4", at(2)).code == 3


def test_a_dry_run_tells_what_would_break(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    assert desk.book("uk-ld4", at(12)).code == 0
    desk.mail("2", change(2, at(11), prefix="RESCHEDULED - "))
    said = desk.ok("calendar", "import", "--dry-run")
    assert "Equinix CHG0300101 (M-1) moved: breaks W-1 'line card' on" in said
    assert desk.json("window", "show", "W-1")["state"] == "requested"
    breaks = desk.json("calendar", "import", "--dry-run")["breaks"]
    assert [(each["window"], each["maintenances"]) for each in breaks] == [("W-1", ["M-1"])]
    desk.ok("calendar", "import")
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"


def test_maintenances_are_listed_by_circuit_source_and_time(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.carrier("1", maintnote("WO-7", at(1, day=5), objects=("20931177-A",)))
    desk.ok("calendar", "import")

    def listed(*words: str) -> list[str]:
        return [each["maintenance_id"] for each in desk.json("calendar", "list", *words)["maintenances"]]

    assert listed() == ["CHG0300101", "WO-7"]
    assert listed("--circuit", "20931177-A") == ["WO-7"]
    assert listed("--source", "equinix") == ["CHG0300101"]
    assert listed("--from", typed(at(12))) == ["WO-7"]
    assert listed("--to", typed(at(12))) == ["CHG0300101"]
    assert desk.run("calendar", "list", "--circuit", "uk-ld9").code == 2
