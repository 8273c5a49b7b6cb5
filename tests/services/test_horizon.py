"""Where a freeze calendar ends nothing is known, and nothing is booked."""

from __future__ import annotations

import pytest

from tests.cli.driving import Desk, at, stamp, typed

FREEZE = "UID:{0}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{1}\r\nDTEND:{2}\r\nSUMMARY:{0}\r\n{3}"


def listed(desk: Desk, name: str, *days: int, rule: str = "", more: str = "") -> None:
    """A freeze calendar of that name with a freeze on each of these days, in the config."""
    events = [FREEZE.format(f"day {day}", stamp(at(20, day)), stamp(at(21, day)), rule) for day in days]
    body = "".join(f"BEGIN:VEVENT\r\n{event}END:VEVENT\r\n" for event in events)
    (desk.root / f"{name}.ics").write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n", newline="")
    desk.edit("freezes:\n", f"freezes:\n  - {{name: {name}, from: {name}.ics{more}}}\n")
    desk.apply()


def rules(desk: Desk, day: int) -> list[str]:
    """What speaks against two hours of work in the first hours of that day."""
    answer = desk.run(
        "window", "check", "--circuit", "uk-ld4", "--start", typed(at(2, day)), "--duration", "2h", "--json"
    )
    return [conflict["rule"] for conflict in answer.json["conflicts"]]


def test_a_booking_behind_the_last_entry_is_refused_and_names_the_calendar(desk: Desk) -> None:
    listed(desk, "news", 3, 9)
    desk.ok("calendar", "import")
    assert (rules(desk, 9), rules(desk, 10)) == ([], ["HORIZON"])
    answer = desk.book("uk-ld4", at(2, 10))
    assert answer.code == 3
    assert "known only until" in answer.out
    assert "in news" in answer.out


def test_the_list_that_ends_first_counts(desk: Desk) -> None:
    listed(desk, "news", 3, 9)
    listed(desk, "holidays", 3, 5)
    desk.ok("calendar", "import")
    assert (rules(desk, 5), rules(desk, 6)) == ([], ["HORIZON"])


def test_one_that_recurs_for_ever_has_no_end(desk: Desk) -> None:
    listed(desk, "weekly", 3, rule="RRULE:FREQ=WEEKLY\r\n")
    desk.ok("calendar", "import")
    assert (rules(desk, 200), rules(desk, 399)) == ([], ["HORIZON"])


def test_a_person_may_say_that_a_list_is_complete_for_longer(desk: Desk) -> None:
    until = at(0, 30)
    listed(desk, "news", 3, more=f", known_until: {until:%Y-%m-%d}")
    desk.ok("calendar", "import")
    assert (rules(desk, 29), rules(desk, 31)) == ([], ["HORIZON"])


@pytest.mark.parametrize("days", [(), (-60,)])
def test_a_list_of_nothing_or_of_the_past_lets_nothing_be_booked(desk: Desk, days: tuple[int, ...]) -> None:
    listed(desk, "news", *days)
    desk.ok("calendar", "import")
    assert rules(desk, 2) == ["HORIZON"]
    assert desk.json("calendar", "sources")["sources"][-1]["known_until"] is not None


def test_free_slots_end_there_too(desk: Desk) -> None:
    listed(desk, "news", 1)
    desk.ok("calendar", "import")
    slots = desk.json("window", "suggest", "--circuit", "uk-ld4", "--start", typed(at(22, 1)), "--duration", "2h")
    assert slots["suggestions"] == []
