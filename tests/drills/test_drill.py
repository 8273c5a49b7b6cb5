"""Drills on real routers, by the command line: what passes, what fails, and what is refused."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from maintsched import lab
from tests.drills.rehearsal import DRILL, Rehearsal, wait_for

pytestmark = pytest.mark.lab


def test_a_drill_moves_the_traffic_and_brings_it_back(either: Rehearsal) -> None:
    before = either.configuration()
    either.approve()
    code, run = either.start().end()
    assert (code, run["verdict"], run["restored"]) == (0, "PASS", True), run["reason"]
    assert {gate["id"] for gate in run["gates"]} == {
        "approved", "calendar", "management-path", "primary-carries", "secondary-ready", "dead-man",
    }  # fmt: skip
    assert all(gate["state"] == "open" for gate in run["gates"])
    judged = {check["id"] for check in run["checks"] if check["verdict"] == "PASS"}
    proved = ("session", "best-path", "forward", "return", "quiet", "probe:path", "probe:api")
    assert {f"survivor/{name}" for name in proved} <= judged
    assert {f"restored/{name}" for name in proved} <= judged
    assert run["outage"]["sent"] > 20
    assert 0 <= run["outage"]["lost"] < 20
    assert run["outage"]["forward_ms"] is None  # ICMP cannot tell the directions apart
    assert either.session() == "Established"
    assert either.configuration() == before
    assert [name for name in either.timers() if name.endswith(".cancelled")]
    assert not [name for name in either.timers() if name.endswith(".fired")]


def test_a_run_leaves_its_report_its_audit_rows_and_a_feed_entry(either: Rehearsal, tmp_path: Path) -> None:
    run_id = either.json("drill", "runs")["runs"][0]["id"]
    page = tmp_path / "report.html"
    assert either.cli("drill", "report", run_id, "-o", str(page)).returncode == 0
    assert "PASS" in page.read_text()
    assert "<svg" in page.read_text()
    full = json.loads(either.cli("drill", "report", run_id, "--format", "json").stdout)
    assert len(full["samples"]["path"]) > 20
    with contextlib.closing(sqlite3.connect(either.root / "maintsched.db")) as database:
        rows = database.execute("SELECT action FROM audit WHERE action LIKE 'router.%' ORDER BY seq").fetchall()
    actions = [action for (action,) in rows]
    armed_and_shut = ["router.intend", "router.result"] * 2
    assert actions[:4] == armed_and_shut
    assert set(actions[4:]) == {"router.undo"}
    assert either.json("audit", "verify")["ok"] is True
    feed = either.cli("feed", "export").stdout
    assert f"drill {DRILL} {run_id}" in feed.replace("\n ", "")


def test_an_approval_is_used_up_by_its_run(either: Rehearsal) -> None:
    before = either.configuration()
    done = either.cli("--by", "alice", "drill", "run", DRILL, "--json")
    run = json.loads(done.stdout)
    assert (done.returncode, run["verdict"], run["restored"]) == (3, "SKIPPED", None)
    assert [gate["id"] for gate in run["gates"] if gate["state"] != "open"] == ["approved"]
    assert either.configuration() == before


def test_nobody_approves_his_own_drill(single: Rehearsal) -> None:
    assert single.cli("--by", "alice", "drill", "approve", DRILL).returncode == 0
    done = single.cli("--by", "alice", "drill", "run", DRILL)
    assert done.returncode == 3
    assert "another person" in done.stdout


def test_a_signature_of_somebody_else_or_used_before_is_refused(single: Rehearsal) -> None:
    until = single.approve()
    given = ("drill", "approve", DRILL, "--until", until, "--signature", str(single.lab / "bob.sig"))
    done = single.cli("--by", "mallory", *given)
    assert done.returncode == 3
    assert "is no signature of mallory" in done.stderr
    again = single.cli("--by", "bob", *given)
    assert again.returncode == 3  # else one signature would be as good as standing approval
    assert "was given before" in again.stderr
    more = single.cli("--by", "bob", *given, "--runs", "100")
    assert more.returncode == 3
    assert "is no signature of bob" in more.stderr


@pytest.mark.parametrize(
    ("fault", "gate", "words"),
    [
        ("circuit", "secondary-ready", "uk-ld7"),
        ("session", "secondary-ready", "10.210.7.2"),
    ],
)
def test_a_secondary_that_is_broken_closes_the_gate_and_nothing_is_touched(
    single: Rehearsal, fault: str, gate: str, words: str
) -> None:
    single.approve()
    before, timers = single.configuration(), single.timers()
    lab.break_(single.lab, fault, "uk-ld7", lambda _: None)
    code, run = single.start().end()
    closed = {found["id"]: found["evidence"] for found in run["gates"] if found["state"] != "open"}
    assert (code, run["verdict"]) == (3, "SKIPPED"), run["reason"]
    assert words in closed[gate]
    assert single.configuration() == before
    assert single.timers() == timers
    assert not run["commands"]


def test_a_survivor_that_drops_packets_behind_the_session_fails_and_is_restored(single: Rehearsal) -> None:
    """Session and link look fine; only moving the traffic shows it."""
    single.approve()
    before = single.configuration()
    lab.break_(single.lab, "forwarding", "uk-ld7", lambda _: None)
    code, run = single.start().end()
    assert (code, run["verdict"], run["restored"]) == (4, "FAIL", True), run["reason"]
    assert "return" in run["reason"]
    assert single.configuration() == before
    assert single.session() == "Established"


def test_a_way_back_that_stays_on_the_primary_fails_by_name(single: Rehearsal) -> None:
    single.approve()
    lab.break_(single.lab, "way-back", "uk-ld4", lambda _: None)
    code, run = single.start().end()
    assert (code, run["verdict"]) == (4, "FAIL"), run["reason"]
    assert "the way back has not moved" in run["reason"]
    assert single.session() == "Established"


def test_of_two_starters_one_runs_and_one_is_told_so(single: Rehearsal) -> None:
    single.approve()
    first, second = single.start(), single.start()
    (won, run), (lost, refusal) = sorted((first.end(), second.end()), key=lambda end: end[0])
    assert (won, run["verdict"], lost) == (0, "PASS", 3)
    assert "is under way" in refusal["error"]["message"]


def test_the_lab_refuses_a_drill_when_traffic_is_not_on_the_primary(single: Rehearsal) -> None:
    single.approve()
    lab.break_(single.lab, "session", "uk-ld4", lambda _: None)
    wait_for(lambda: single.session() != "Established", "the primary down")
    code, run = single.start().end()
    assert (code, run["verdict"]) == (3, "SKIPPED")
    assert "nothing to move" in run["reason"]


def test_a_report_needs_no_lab(single: Rehearsal, tmp_path: Path) -> None:
    """Evidence outlives the routers: a copy of the database is enough."""
    run_id = next(row["id"] for row in single.json("drill", "runs")["runs"] if row["state"] == "ended")
    for name in ("maintsched.yaml", "maintsched.db"):
        shutil.copy(single.root / name, tmp_path / name)
    for name in ("playbooks", "calendars"):
        shutil.copytree(single.root / name, tmp_path / name)
    done = single.cli("--config", str(tmp_path / "maintsched.yaml"), "drill", "show", run_id)
    assert done.returncode == 0, done.stderr
    assert run_id in done.stdout
