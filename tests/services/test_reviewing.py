"""A person settles what could not be placed; what he says is kept, and counts."""

from __future__ import annotations

import pytest

from tests.cli.driving import Desk, at, change, maintnote, typed


def maintenances(desk: Desk) -> list[tuple[str, str, list[str]]]:
    found = desk.json("calendar", "list", "--all")["maintenances"]
    return [(each["id"], each["status"], each["circuits"]) for each in found]


def test_ignoring_all_that_was_said_cancels_the_maintenance(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1)).replace("X-MAINTNOTE-ACCOUNT:A-1\r\n", ""))
    desk.ok("calendar", "import")
    assert maintenances(desk) == [("M-1", "CONFIRMED", ["uk-ld7"])]
    assert desk.book("uk-ld4", at(2)).code == 3
    desk.ok("calendar", "resolve", "N-1", "--ignore", "--reason", "it is a test of theirs")
    assert maintenances(desk) == [("M-1", "CANCELLED", ["uk-ld7"])]
    assert desk.book("uk-ld4", at(2)).code == 0


def test_a_doubtful_notice_that_is_confirmed_keeps_its_maintenance(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1)).replace("X-MAINTNOTE-ACCOUNT:A-1\r\n", ""))
    desk.ok("calendar", "import")
    said = desk.json("calendar", "resolve", "N-1", "--circuit", "uk-ld4", "--reason", "phoned")
    assert said["settled"].startswith("N-1 is M-1: uk-ld4 OUTAGE")
    assert maintenances(desk) == [("M-1", "CONFIRMED", ["uk-ld4"])]
    assert desk.json("calendar", "review")["notices"] == []


def test_what_a_person_settles_lands_on_bookings_too(desk: Desk) -> None:
    desk.book("uk-ld4", at(2))
    (desk.root / "inbox" / "odd.txt").write_text("Tuesday")
    desk.ok("calendar", "import")
    desk.ok("calendar", "resolve", "N-1", "--circuit", "uk-ld7", "--start", typed(at(1)), "--end", typed(at(3)),
            "--reason", "phoned")  # fmt: skip
    assert desk.json("window", "show", "W-1")["state"] == "needs_review"


WRONG = [
    (("--circuit", "uk-ld4", "--start", typed(at(3)), "--end", typed(at(1))), "end before it begins"),
    (("--circuit", "uk-ld4"), "tells no time"),
    (("--circuit", "uk-ld4", "--ignore"), "either --ignore, or --believe, or at least one --circuit"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[told for _, told in WRONG])
def test_half_an_answer_settles_nothing(desk: Desk, words: tuple[str, ...], told: str) -> None:
    (desk.root / "inbox" / "odd.txt").write_text("Tuesday")
    desk.ok("calendar", "import")
    answer = desk.run("calendar", "resolve", "N-1", *words, "--reason", "x")
    assert (answer.code, told in answer.err) == (2, True), answer
    assert len(desk.json("calendar", "review")["notices"]) == 1
    assert desk.run("calendar", "resolve", "N-1", "--ignore", "--reason", " ").code == 2


def test_every_revision_of_a_maintenance_is_shown(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(2), prefix="RESCHEDULED - "))
    desk.ok("calendar", "import")
    found = desk.json("calendar", "show", "CHG0300101")
    assert [(each["id"], each["state"]) for each in found["history"]] == [("N-1", "taken"), ("N-2", "taken")]
    text = desk.ok("calendar", "show", "m-1")
    assert "hits uk-ld7 (OUTAGE, by object)" in text
    assert text.count("sha256") == 2


def test_confirming_a_source_that_was_never_read_says_nothing(empty_desk: Desk) -> None:
    answer = empty_desk.run("calendar", "sources", "--confirm", "equinix")
    assert (answer.code, "was never read" in answer.err) == (3, True)
