"""The feed: a calendar to subscribe to, the same bytes while nothing changes, readable by another maintsched."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Secret
from maintsched.domain.maintenance import merge
from maintsched.errors import InvalidInput
from maintsched.readers import Origin, read
from maintsched.state import RedactingFilter, redact, reveal
from tests.cli.driving import Desk, at, change, maintnote

HORIZON = Interval(datetime.now(UTC) - timedelta(days=60), datetime.now(UTC) + timedelta(days=300))


def exported(desk: Desk) -> bytes:
    answer = desk.run("feed", "export")
    assert answer.code == 0, answer
    return answer.raw


def events(data: bytes) -> dict[str, Any]:
    """The entries by their UID, as icalendar reads them."""
    calendar = icalendar.Calendar.from_ical(data)
    assert not calendar.errors
    found = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    assert not [event.errors for event in found.values() if event.errors]
    return found


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A fact on each circuit, a window, and one that was cancelled."""
    desk.mail("1", change(1, at(1)))
    desk.carrier("1", maintnote("WO-9", at(1, 3), objects=("20931177-A",), impact="DEGRADED"))
    desk.ok("calendar", "import")
    assert desk.book("uk-ld4", at(12), 2).code == 0
    assert desk.book("uk-ld4", at(15), 2).code == 0
    desk.ok("window", "cancel", "W-2")
    return desk


def test_it_is_a_valid_calendar_with_everything_that_is_planned(busy: Desk) -> None:
    found = events(exported(busy))
    assert sorted(found) == [
        "maintenance-1@maintsched", "maintenance-2@maintsched", "window-1@maintsched", "window-2@maintsched",
    ]  # fmt: skip
    fact = found["maintenance-1@maintsched"]
    assert (fact["DTSTART"].dt, fact["DTEND"].dt) == (at(1), at(5))
    assert str(fact["SUMMARY"]) == "uk-ld7 OUTAGE, uk-direct: 1 of 2 left (Equinix)"
    assert {name: str(event["STATUS"]) for name, event in found.items() if name.startswith("window")} == {
        "window-1@maintsched": "TENTATIVE",
        "window-2@maintsched": "CANCELLED",
    }
    assert {str(event["TRANSP"]) for event in found.values()} == {"TRANSPARENT"}


def test_the_bytes_are_the_same_while_nothing_changes(busy: Desk) -> None:
    first = exported(busy)
    assert exported(busy) == first
    busy.ok("calendar", "import")
    busy.edit("guard: 30m", "guard: 25m")
    busy.apply()  # matches every maintenance again, with the same result
    assert exported(busy) == first


def test_the_sequence_grows_with_every_change_and_never_falls(busy: Desk) -> None:
    def sequences() -> dict[str, int]:
        return {name.partition("@")[0]: int(event["SEQUENCE"]) for name, event in events(exported(busy)).items()}

    first = sequences()
    assert (first["window-1"], first["window-2"], first["maintenance-1"]) == (0, 1, 0)
    busy.mail("2", change(2, at(2), prefix="RESCHEDULED - "))
    busy.ok("calendar", "import")
    busy.ok("window", "cancel", "W-1")
    moved = sequences()
    assert (moved["window-1"], moved["maintenance-1"], moved["maintenance-2"]) == (1, 1, 0)
    busy.edit("aliases: [20931178-A]", "aliases: [20931179-A]")
    busy.edit('aliases: [20931177-A, "PP', 'aliases: [20931177-A, 20931178-A, "PP')
    busy.apply()
    assert sequences()["maintenance-1"] == 2


def test_ignoring_a_revision_is_a_change_too(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-9", at(1)))
    desk.ok("calendar", "import")
    desk.carrier("1", maintnote("WO-9", at(1), sequence=1, more="X-MAINTNOTE-OBJECT-ID:\r\n").replace("DTEND", "DTAND"))
    desk.ok("calendar", "import")
    before = int(events(exported(desk))["maintenance-1@maintsched"]["SEQUENCE"])
    (waiting,) = desk.json("calendar", "review")["notices"]
    desk.ok("calendar", "resolve", waiting["id"], "--ignore", "--reason", "broken")
    assert int(events(exported(desk))["maintenance-1@maintsched"]["SEQUENCE"]) > before
    assert desk.json("calendar", "show", "M-1")["needs_review"] is False


def test_our_own_reader_understands_it(busy: Desk) -> None:
    notices = {notice.maintenance_id: notice for notice in read(exported(busy), Origin("partner", HORIZON))}
    assert {name: (n.interval, n.impact.value, n.status and n.status.value) for name, n in notices.items()} == {
        "CHG0300101": (Interval(at(1), at(5)), "OUTAGE", "CONFIRMED"),
        "WO-9": (Interval(at(1, 3), at(5, 3)), "DEGRADED", "CONFIRMED"),
        "W-1": (Interval(at(12), at(14)), "OUTAGE", "TENTATIVE"),
        "W-2": (Interval(at(15), at(17)), "OUTAGE", "CANCELLED"),
    }
    assert [notice.problems for notice in notices.values()] == [()] * 4
    assert [item.object_id for item in notices["W-1"].objects] == ["uk-ld4"]


def test_a_title_that_tells_of_other_work_is_no_contradiction(busy: Desk) -> None:
    """What is left changes with every other booking, while the entry itself stays what it was."""
    busy.mail("3", change(1, at(11), hours=4, change="CHG0300103"))
    first = {n.maintenance_id: n for n in read(exported(busy), Origin("partner", HORIZON))}["W-1"]
    busy.ok("calendar", "import")
    second = {n.maintenance_id: n for n in read(exported(busy), Origin("partner", HORIZON))}["W-1"]
    assert first.title != second.title
    assert merge((first, second)).needs_review == ()


def test_it_is_written_into_a_file(busy: Desk, tmp_path: Path) -> None:
    path = tmp_path / "team.ics"
    assert busy.json("feed", "export", "-o", str(path)) == {"file": str(path), "entries": 4}
    assert path.read_bytes() == exported(busy)
    answer = busy.run("feed", "export", "-o", str(tmp_path / "no" / "team.ics"))
    assert (answer.code, "No such file" in answer.err) == (2, True)
    assert busy.run("feed", "export", "--json").code == 2


@pytest.mark.parametrize("how", ["env", "file"])
def test_a_secret_that_was_read_reaches_no_log(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = f"Tr0ub4dor-{how}"
    (tmp_path / "secret").write_text(value + "\n")
    monkeypatch.setenv("NOC_PASSWORD", value)
    secret = Secret(env="NOC_PASSWORD") if how == "env" else Secret(file=str(tmp_path / "secret"))
    assert reveal(secret, "routers.edge1.password") == value
    assert redact(f"login with {value} failed") == "login with [redacted] failed"
    record = logging.LogRecord("x", logging.INFO, "x", 1, "password %s", (value,), None)
    assert RedactingFilter().filter(record)
    assert record.getMessage() == "password [redacted]"


def test_a_secret_that_is_not_there_is_named_by_its_place(tmp_path: Path) -> None:
    for secret, told in (
        (Secret(env="NO_SUCH_VARIABLE"), "environment variable NO_SUCH_VARIABLE is empty or not set"),
        (Secret(file=str(tmp_path / "none")), "cannot be read: No such file"),
    ):
        with pytest.raises(InvalidInput, match=told):
            reveal(secret, "routers.edge1.password")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="text"):
        reveal(Secret(file=str(tmp_path / "binary")), "routers.edge1.password")
