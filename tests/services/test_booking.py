"""Booking: refused with the reason and the exact next free slots, or kept; the same answer whoever asks."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maintsched.domain.interval import iso
from tests.cli.driving import Answer, Desk, at, change, maintnote, typed


def asked(desk: Desk, verb: str, start: datetime, hours: float, *more: str, circuit: str = "uk-ld4") -> Answer:
    when = ("--start", typed(start), "--end", typed(start + timedelta(hours=hours)))
    back = ("--rollback", "undo") if verb == "book" else ()
    return desk.run("window", verb, "--circuit", circuit, *when, *back, *more, "--json")


def rules(answer: Answer) -> list[tuple[str, str]]:
    return [(conflict["rule"], conflict["severity"]) for conflict in answer.json["conflicts"]]


def slots(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(slot["start"], slot["end"]) for slot in document["suggestions"]]


def slot(start: datetime, hours: float) -> tuple[str, str]:
    return iso(start), iso(start + timedelta(hours=hours))


def test_a_refusal_names_what_it_collides_with_and_the_exact_next_free_slots(desk: Desk) -> None:
    desk.mail("1", change(1, at(1), hours=4))
    desk.mail("2", change(1, at(9), hours=1, change="CHG0300102"))
    desk.ok("calendar", "import")
    answer = asked(desk, "book", at(2), 2.5, "--title", "x")
    assert (answer.code, rules(answer)) == (3, [("REDUNDANCY", "block")])
    (conflict,) = answer.json["conflicts"]
    assert (conflict["group"], conflict["available"], conflict["required"]) == ("uk-direct", 0, 1)
    (cause,) = conflict["with"]
    assert (cause["id"], cause["reference"], cause["circuits"]) == ("M-1", "Equinix CHG0300101", ["uk-ld7"])
    assert (cause["start"], cause["end"]) == (iso(at(1)), iso(at(5)))
    # one guard after the first, and not into the guard before the second; then after that one
    assert slots(answer.json) == [slot(at(5.5), 2.5), slot(at(10.5), 2.5)]
    for start, _ in slots(answer.json):
        taken = desk.book("uk-ld4", datetime.fromisoformat(start), 2.5)
        assert taken.code == 0
        assert desk.run("window", "cancel", taken.out.split()[0]).code == 0
        earlier = datetime.fromisoformat(start) - timedelta(minutes=1)
        assert asked(desk, "check", earlier, 2.5).code == 3


def test_check_suggest_and_book_say_the_same(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    check = asked(desk, "check", at(2), 2)
    suggest = asked(desk, "suggest", at(2), 2)
    book = asked(desk, "book", at(2), 2, "--title", "x")
    assert (check.code, suggest.code, book.code) == (3, 0, 3)
    assert check.json == {**book.json, "refused": True}
    assert suggest.json["suggestions"] == book.json["suggestions"]


GUARD = [(4.0, 3), (4.49, 3), (4.5, 0), (-1.5, 0), (-1.49, 3), (0.0, 3)]


@pytest.mark.parametrize(("start", "code"), GUARD)
def test_one_guard_lies_between_works_on_different_members_whichever_comes_first(
    desk: Desk, start: float, code: int
) -> None:
    assert desk.book("uk-ld7", at(1), 3).code == 0
    moment = at(0, day=0) + timedelta(minutes=round(start * 60))
    assert desk.book("uk-ld4", moment, 2).code == code


def test_two_jobs_on_one_circuit_need_to_be_told_of_each_other(desk: Desk) -> None:
    assert desk.book("uk-ld4", at(1), 3).code == 0
    second = asked(desk, "book", at(2), 1, "--title", "second")
    assert (second.code, rules(second)) == (3, [("CLASH", "block")])
    assert asked(desk, "book", at(2), 1, "--title", "second", "--share", "w-1").code == 0
    unknown = asked(desk, "book", at(6), 1, "--title", "third", "--share", "W-77")
    assert (unknown.code, "W-77" in unknown.json["error"]["message"]) == (2, True)


def test_work_without_impact_meets_nothing(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    assert asked(desk, "book", at(2), 1, "--title", "look", "--impact", "NO-IMPACT").code == 0
    assert asked(desk, "book", at(12), 1, "--title", "work", circuit="uk-ld7").code == 0


MEANT = [
    (("--circuit", "uk-ld4"), ["uk-ld4"]),
    (("--circuit", "20931177-a"), ["uk-ld4"]),
    (("--circuit", "PP:0101:1100001"), ["uk-ld4"]),
    (("--circuit", "uk-ld4", "--circuit", "20931177-A"), ["uk-ld4"]),
    (("--router", "edge2"), ["uk-ld7"]),
    (("--site", "LD4"), ["uk-ld4", "ld4-ld7"]),
]


@pytest.mark.parametrize(("words", "circuits"), MEANT, ids=[" ".join(words) for words, _ in MEANT])
def test_circuits_are_named_in_any_of_their_ways(desk: Desk, words: tuple[str, ...], circuits: list[str]) -> None:
    made = desk.run("window", "book", *words, "--start", typed(at(2)), "--duration", "1h", "--title", "x",
                    "--impact", "NO-IMPACT", "--json")  # fmt: skip
    assert made.code == 0, made
    assert made.json["circuits"] == circuits


UNKNOWN = [
    (("--circuit", "uk-ld5"), "there is no circuit 'uk-ld5'; did you mean 'uk-ld7'?"),
    (("--router", "edge9"), "there is no router 'edge9'; did you mean"),
    (("--site", "LD44"), "there is no site 'LD44'; did you mean 'LD4'?"),
    ((), "it is not said what is worked on"),
]


@pytest.mark.parametrize(("words", "told"), UNKNOWN, ids=[" ".join(words) or "nothing" for words, _ in UNKNOWN])
def test_what_is_not_in_the_inventory_cannot_be_booked(desk: Desk, words: tuple[str, ...], told: str) -> None:
    answer = desk.run("window", "book", *words, "--start", typed(at(2)), "--duration", "1h", "--title", "x")
    assert (answer.code, told in answer.err, answer.out) == (2, True, ""), answer


WRONG = [
    (("--start", "2020-01-01T00:00Z", "--duration", "1h"), "is over"),
    (("--start", "+30d"), "give either --end or --duration"),
    (("--start", "+30d", "--end", "+1h", "--duration", "1h"), "give either --end or --duration"),
    (("--start", "2027-01-02T00:00Z", "--end", "2027-01-01T00:00Z"), "not after its start"),
    (("--start", "+30d", "--duration", "0m"), "is no time at all"),
    (("--start", "+30d", "--duration", "1 hour"), "is no duration"),
    (("--start", "tomorrow", "--duration", "1h"), "is no time"),
    (("--start", "+999999999d", "--duration", "1h"), "is too long"),
    (("--start", "9999-12-31T23:59Z", "--duration", "1h"), "is out of range"),
    (("--start", "0001-01-01T00:00Z", "--duration", "1h"), "is out of range"),
    (("--start", "+30d", "--duration", "1h", "--title", "  "), "a title is needed"),
    (("--start", "+30d", "--duration", "1h", "--impact", "BAD"), "'BAD' is not one of"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_times_are_told_and_book_nothing(desk: Desk, words: tuple[str, ...], told: str) -> None:
    answer = desk.run("window", "book", "--circuit", "uk-ld4", "--title", "x", "--rollback", "undo", *words)
    assert (answer.code, told in answer.err, answer.out) == (2, True, ""), answer
    assert desk.json("window", "list", "--all")["windows"] == []


def test_a_window_longer_than_the_policy_allows_is_refused(desk: Desk) -> None:
    answer = asked(desk, "book", at(0), 25, "--title", "x")
    assert (answer.code, rules(answer)) == (3, [("LENGTH", "block")])


@pytest.mark.parametrize(("severity", "code"), [("warn", 0), ("block", 3)])
def test_short_notice_is_judged_as_the_policy_says(desk: Desk, severity: str, code: int) -> None:
    desk.edit("  guard: 30m", f"  severity: {{LEAD-TIME: {severity}}}\n  guard: 30m")
    desk.apply()
    answer = asked(desk, "check", datetime.now(UTC) + timedelta(days=2), 1)
    assert (answer.code, rules(answer)) == (code, [("LEAD-TIME", severity)])


def test_nothing_is_known_beyond_the_horizon(desk: Desk) -> None:
    answer = asked(desk, "check", datetime.now(UTC) + timedelta(days=401), 1)
    assert ("HORIZON", "block") in rules(answer)


def test_a_suggestion_that_begins_now_can_be_typed(desk: Desk) -> None:
    found = desk.run("window", "suggest", "--circuit", "uk-ld4", "--start", "now", "--duration", "1h", "--json").json
    for each in found["suggestions"]:
        moment = datetime.fromisoformat(each["start"])
        assert (moment.second, moment.microsecond) == (0, 0)
        assert moment > datetime.now(UTC)


def test_a_cancelled_window_gives_its_slot_back_once(desk: Desk) -> None:
    desk.book("uk-ld7", at(2))
    assert desk.book("uk-ld4", at(2)).code == 3
    assert desk.json("window", "cancel", "W-1", "--note", "not needed")["state"] == "cancelled"
    assert desk.book("uk-ld4", at(2)).code == 0
    again = desk.run("window", "cancel", "1")
    assert (again.code, "W-1 is cancelled: it cannot be cancelled" in again.err) == (3, True)
    assert [w["id"] for w in desk.json("window", "list")["windows"]] == ["W-2"]
    assert [w["id"] for w in desk.json("window", "list", "--all")["windows"]] == ["W-1", "W-2"]


LISTS = [
    (("--circuit", "uk-ld4"), ["W-1"]),
    (("--circuit", "20931178-A"), ["W-2"]),
    (("--from", typed(at(12))), ["W-2"]),
    (("--to", typed(at(12))), ["W-1"]),
    (("--state", "requested"), ["W-1", "W-2"]),
    (("--state", "cancelled"), []),
]


@pytest.mark.parametrize(("words", "ids"), LISTS, ids=[" ".join(words) for words, _ in LISTS])
def test_lists_are_cut_down(desk: Desk, words: tuple[str, ...], ids: list[str]) -> None:
    desk.book("uk-ld4", at(2))
    desk.book("uk-ld7", at(20))
    assert [w["id"] for w in desk.json("window", "list", *words)["windows"]] == ids


@pytest.mark.parametrize("words", [("--circuit", "nothing"), ("--state", "done")])
def test_a_list_of_what_does_not_exist_is_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.run("window", "list", *words).code == 2


@pytest.mark.parametrize("name", ["W-9", "9", "W-", "x", "99999999999999999999999", "٣"])
@pytest.mark.parametrize("verb", ["show", "cancel"])
def test_an_unknown_window_is_not_found(desk: Desk, verb: str, name: str) -> None:
    answer = desk.run("window", verb, name, "--json")
    assert (answer.code, answer.json["error"]["kind"]) == (2, "not-found")


def test_who_books_is_kept_with_the_login(desk: Desk) -> None:
    desk.book("uk-ld4", at(2))
    assert desk.json("window", "show", "W-1")["requester"] == "alice"
    with desk.project() as project, project.store.read() as tx:
        from sqlmodel import select

        from maintsched.store.tables import AuditRow

        rows = [(row.actor, row.action, row.object) for row in tx.session.exec(select(AuditRow))]
    assert rows[-1] == ("alice", "window.book", "W-1")


def test_nothing_is_booked_where_the_databases_own_guards_are_gone(desk: Desk) -> None:
    connection = sqlite3.connect(desk.root / "maintsched.db")
    connection.execute("DROP TRIGGER claim_insert")
    connection.commit()
    connection.close()
    answer = desk.book("uk-ld4", at(2))
    assert (answer.code, "claim_insert" in answer.err) == (4, True)
    assert desk.json("window", "list", "--all")["windows"] == []


def test_a_claim_that_the_evaluator_cannot_see_is_still_a_refusal_with_a_reason(desk: Desk) -> None:
    """The database's guard is the last word: whatever was left in it by hand."""
    desk.book("uk-ld7", at(2))
    connection = sqlite3.connect(desk.root / "maintsched.db")
    connection.execute("UPDATE window SET state = 'completed'")
    connection.commit()
    connection.close()
    answer = asked(desk, "book", at(2), 1, "--title", "x")
    assert answer.code == 3
    assert "the database holds another member" in answer.json["conflicts"][-1]["message"]


def test_a_tentative_maintenance_counts_unless_the_policy_only_warns(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-7", at(1), status="TENTATIVE"))
    desk.ok("calendar", "import")
    assert rules(asked(desk, "check", at(2), 1)) == [("REDUNDANCY", "block")]
    desk.edit("  guard: 30m", "  tentative: warn\n  guard: 30m")
    desk.apply()
    assert rules(asked(desk, "check", at(2), 1)) == [("REDUNDANCY", "warn")]


def test_what_must_be_approved_first_cannot_begin_at_once(desk: Desk) -> None:
    words = (
        "window",
        "book",
        "--circuit",
        "uk-ld4",
        "--start",
        "now",
        "--duration",
        "2h",
        "--title",
        "x",
        "--rollback",
        "y",
    )
    late = desk.run(*words)
    assert (late.code, "must be approved before that" in late.err, "--emergency" in late.err) == (2, True, True)
    assert desk.json("window", "list")["windows"] == []
    assert desk.run(*words, "--emergency", "--reason", "the optics are dying").code == 0


@pytest.mark.parametrize("option", ["--title", "--change-id"])
def test_a_title_cannot_write_lines_of_its_own(desk: Desk, option: str) -> None:
    words = ["window", "book", "--circuit", "uk-ld4", "--start", typed(at(2)), "--duration", "2h", "--rollback", "y"]
    words += [option, "optics\x1b[31m\nW-9 booked"] + ([] if option == "--title" else ["--title", "x"])
    answer = desk.run(*words)
    assert (answer.code, f"{option} holds characters" in answer.err) == (2, True)
