"""`status`: what stands, what the coming days leave, what needs a person; on narrow and on wide terminals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.services.overview import overview
from maintsched.services.timeline import AHEAD, timeline
from tests.cli.driving import Desk, Later, at, maintnote, typed

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MEMBERS = {"uk-ld4": "20931177-A", "uk-ld7": "20931178-A"}


def hours(count: float) -> datetime:
    return NOW + timedelta(hours=count)


def works(desk: Desk, *given: tuple[str, float, float]) -> None:
    """Maintenances of a carrier: (circuit, from, to), in hours from now."""
    for number, (circuit, start, end) in enumerate(given, 1):
        note = maintnote(f"WO-{number}", hours(start), end - start, objects=(MEMBERS[circuit],))
        desk.carrier(str(number), note)
    desk.ok("calendar", "import")


def test_nothing_planned_is_said_with_the_horizon(desk: Desk) -> None:
    text = desk.ok("status")
    assert "uk-direct: 2 of 2 circuits free of work, 1 needed" in text
    assert "left of each group, the next 14 days (until " in text
    assert "uk-direct  2 of 2 all the time" in text
    assert re.search(r"(?m)^next, until \d{4}-\d\d-\d\d \d\d:\d\dZ: nothing$", text)
    until = datetime.fromisoformat(desk.json("status")["until"])
    assert abs(until - datetime.now(UTC) - AHEAD) < timedelta(minutes=1)


def test_the_coming_days_of_a_group(desk: Desk) -> None:
    works(desk, ("uk-ld4", -1, 4), ("uk-ld7", 30, 34))
    found = desk.json("status")
    assert [(row["group"], row["left"], row["size"], row["standing"]) for row in found["timeline"]] == [
        ("uk-direct", 1, 2, ["uk-ld7"]),
        ("uk-direct", 1, 2, ["uk-ld4"]),
    ]
    text = desk.ok("status")
    assert re.search(rf"uk-direct  1 of 2  until (\d{{4}}-\d\d-\d\d )?{hours(4):%H:%MZ}  ", text)
    assert re.search(rf"uk-direct  1 of 2  {hours(30):%Y-%m-%d %H:%MZ} – .*  because of M-2 uk-ld7 OUTAGE", text)


def test_the_end_of_what_runs_is_told_by_the_clock_alone_where_it_is_today(desk: Desk) -> None:
    end = NOW.replace(hour=23, minute=59)
    if end - NOW < timedelta(minutes=2):
        pytest.skip("the day is over")
    desk.carrier("1", maintnote("WO-1", hours(-1), (end - hours(-1)) / timedelta(hours=1)))
    desk.ok("calendar", "import")
    assert "uk-direct  1 of 2  until 23:59Z  " in desk.ok("status")


def test_times_are_told_in_the_site_s_zone(desk: Desk) -> None:
    desk.edit("LD4: {operator: Equinix, metro: London, campus: Slough, timezone: Europe/London}",
              "LD4: {operator: Equinix, metro: London, campus: Slough, timezone: Asia/Tokyo}")  # fmt: skip
    desk.apply()
    works(desk, ("uk-ld4", 30, 34))
    [line] = [line for line in desk.ok("status").splitlines() if "because of" in line]
    assert "JST)" in line
    assert "GMT)" in line or "BST)" in line


def test_too_little_left_needs_a_person(desk: Desk) -> None:
    works(desk, ("uk-ld4", 20, 24), ("uk-ld7", 22, 26))
    found = desk.json("status")
    assert [row["left"] for row in found["timeline"]] == [1, 0, 1]
    [told] = [line for line in found["attention"] if line.startswith("uk-direct: 0 of 2 left ")]
    assert told.endswith("1 needed (M-1, M-2)")
    assert "0 of 2, 1 needed" in desk.ok("status")


def test_what_lies_beyond_the_horizon_is_not_listed_but_its_reviews_are(desk: Desk) -> None:
    desk.book("uk-ld4", at(1))
    desk.carrier("1", maintnote("WO-1", at(1), objects=("20931178-A",)))
    desk.ok("calendar", "import")
    found = desk.json("status")
    assert (found["timeline"], found["next"]) == ([], [])
    assert [line for line in found["attention"] if "W-1" in line and "review" in line]


def test_a_window_that_overruns_needs_a_person(desk: Desk) -> None:
    when = ("--start", typed(hours(0) + timedelta(minutes=5)), "--duration", "1h")
    words = ("--title", "optics", "--rollback", "old ones", "--emergency", "--reason", "light is low")
    desk.ok("window", "book", "--circuit", "uk-ld4", *when, *words)
    desk.ok("window", "start", "W-1")
    with desk.project() as project:
        found = overview(Later.of(project, timedelta(hours=3)))
    end = hours(1) + timedelta(minutes=5)
    [told] = [line for line in found.attention if "should have ended" in line]
    assert told == f"W-1 should have ended at {end:%Y-%m-%d %H:%MZ}: optics (`maintsched window finish W-1`)"
    assert [entry.id for entry in found.running] == ["W-1"]
    assert [group.left for group in found.groups] == [1]


def test_an_emergency_that_nobody_approved_needs_a_person(desk: Desk) -> None:
    when = ("--start", typed(hours(1)), "--duration", "1h")
    words = ("--title", "optics", "--rollback", "old ones", "--emergency", "--reason", "light is low")
    desk.ok("window", "book", "--circuit", "uk-ld4", *when, *words)
    assert [line for line in desk.json("status")["attention"] if "retro-approval" in line and "W-1" in line]


def test_a_drill_that_is_overdue_needs_a_person(desk: Desk) -> None:
    told = [line for line in desk.json("status")["attention"] if line.startswith("drill ")]
    assert told == ["drill uk-shut-primary over uk-ld7 has never passed (`maintsched drill list`)"]


@pytest.mark.parametrize("columns", [80, 200])
def test_it_fits_the_terminal(desk: Desk, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    works(desk, ("uk-ld4", -1, 30), ("uk-ld7", 22, 60))
    desk.book("uk-ld4", at(1))
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (("status",), ("find", "uk-ld4"), ("find", "uk-ld7")):
        lines = desk.ok(*words).splitlines()
        assert max(map(len, lines)) <= columns, words
        assert [line for line in lines if line != line.rstrip()] == []


def test_in_a_pipe_every_entry_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    works(desk, ("uk-ld4", -1, 30), ("uk-ld7", 22, 60))
    monkeypatch.delenv("COLUMNS", raising=False)
    text = desk.ok("status")
    assert len([line for line in text.splitlines() if "because of M-" in line and "uk-direct  " in line]) == 3


def test_what_starts_soon_and_is_not_ready_needs_a_person(desk: Desk) -> None:
    """Two weeks ahead nothing is late; two days ahead somebody has to approve."""
    desk.book("uk-ld4", at(1))
    ahead = [line for line in desk.json("status")["attention"] if line.startswith("W-1 ")]
    with desk.project() as project:
        later = Later.of(project, timedelta(days=4))  # it expires after seven
        assert [line for line in overview(later).attention if line.startswith("W-1 ")] == ahead == []
    desk.ok("window", "book", "--circuit", "uk-ld4", "--start", typed(hours(30)), "--duration", "1h",
            "--title", "optics", "--rollback", "old ones")  # fmt: skip
    [told] = [line for line in desk.json("status")["attention"] if line.startswith("W-2 ")]
    assert told == f"W-2 starts at {hours(30):%Y-%m-%d %H:%MZ} and waits for approval 1 of 1: optics"


SPANS = [
    ((None, None), timedelta(days=14)),
    ((hours(48), None), timedelta(days=14)),
    ((hours(48), hours(60)), timedelta(hours=12)),
    ((hours(48), hours(40)), timedelta(days=14)),
]


@pytest.mark.parametrize(("given", "length"), SPANS)
def test_a_timeline_of_other_days(
    desk: Desk, given: tuple[datetime | None, datetime | None], length: timedelta
) -> None:
    works(desk, ("uk-ld4", 50, 54))
    with desk.project() as project:
        found = timeline(project, *given)
    assert found.span.duration == length
    assert [(row.interval.start, row.left) for row in found.rows] == [(hours(50), 1)]


def test_the_list_of_windows_ends_with_what_is_left(desk: Desk) -> None:
    works(desk, ("uk-ld7", 50, 54))
    desk.book("uk-ld4", at(1))
    found = desk.json("window", "list")
    assert [each["id"] for each in found["windows"]] == ["W-1"]
    assert [(row["left"], row["because"]) for row in found["timeline"]] == [(1, ["M-1"])]
    until = desk.json("window", "list", "--to", typed(at(30)))
    assert [(row["left"], row["because"]) for row in until["timeline"]] == [(1, ["M-1"]), (1, ["W-1"])]
    text = desk.ok("window", "list", "--to", typed(at(30)))
    assert re.search(rf"uk-direct  1 of 2  {at(1):%Y-%m-%d %H:%MZ} – .*because of W-1 uk-ld4 OUTAGE", text)
    later = desk.ok("window", "list", "--from", typed(at(0)), "--to", typed(at(30)))
    assert f"left of each group, {at(0):%Y-%m-%d %H:%MZ} to {at(30):%Y-%m-%d %H:%MZ}:" in later
    assert "left of each group" not in desk.ok("window", "list", "--all")


def test_the_list_of_windows_fits_a_narrow_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.book("uk-ld4", at(1))
    monkeypatch.setenv("COLUMNS", "80")
    narrow = desk.ok("window", "list").splitlines()
    assert max(map(len, narrow)) <= 80
    assert narrow[0].startswith("W-1  ")
    monkeypatch.setenv("COLUMNS", "200")
    assert desk.ok("window", "list").startswith("id ")
