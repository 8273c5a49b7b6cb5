"""However a drill ends, the session comes back: aborted, killed, without its database, journal, terminal or router."""

from __future__ import annotations

import json
import signal
import sqlite3

import pytest

from tests.drills.rehearsal import Rehearsal, wait_for

pytestmark = pytest.mark.lab

NEIGHBOR = "10.210.4.2"


def test_ctrl_c_in_the_hold_restores_and_a_second_one_changes_nothing(single: Rehearsal) -> None:
    single.playbook("60s")
    single.approve()
    before = single.configuration()
    running = single.start()
    running.reached("hold started")
    assert single.session() != "Established"
    running.process.send_signal(signal.SIGINT)
    running.reached("restore started")
    running.process.send_signal(signal.SIGINT)
    code, run = running.end()
    assert (code, run["verdict"], run["restored"]) == (5, "ABORTED", True), run["reason"]
    assert "SIGINT" in run["reason"]
    assert single.configuration() == before
    assert single.session() == "Established"


def test_sigterm_restores_also_when_the_database_is_gone(single: Rehearsal) -> None:
    single.playbook("60s")
    single.approve()
    running = single.start()
    running.reached("hold started")
    held = sqlite3.connect(single.root / "maintsched.db")
    held.execute("BEGIN EXCLUSIVE")  # nobody can write any more
    running.process.send_signal(signal.SIGTERM)
    code, run = running.end()
    assert (code, run["verdict"], run["restored"]) == (5, "ABORTED", True), run["reason"]
    assert single.session() == "Established"
    held.rollback()
    held.close()
    # The record waited beside the journal; the next recover brings it in as it was.
    assert single.json("drill", "runs")["runs"][0]["state"] == "running"
    closed = single.json("drill", "recover")["runs"]
    assert [(each["id"], each["verdict"]) for each in closed] == [(run["id"], "ABORTED")]
    assert single.json("drill", "runs")["runs"][0]["state"] == "ended"


def test_a_drill_killed_while_the_primary_is_shut_is_restored_by_the_router_itself(single: Rehearsal) -> None:
    single.approve()
    before = single.configuration()
    running = single.start()
    running.reached("shut done")
    running.kill()
    assert single.session() != "Established"
    said = single.cli("status")
    assert "died" in said.stderr
    assert "dead-man" in said.stderr
    # The timer is 32 s: every step, hold, restore and margin; then at most 5 s to be Established again.
    wait_for(lambda: single.session() == "Established", "the router to restore itself", seconds=37)
    assert single.configuration() == before
    recovered = single.cli("drill", "recover", "--json")
    run = json.loads(recovered.stdout)["runs"][0]
    assert (recovered.returncode, run["verdict"], run["restored"]) == (0, "ERROR", True)
    assert "dead-man had restored the router" in run["reason"]
    assert "died" not in single.cli("status").stderr


def test_recover_restores_before_the_dead_man_does(single: Rehearsal) -> None:
    single.playbook("60s")
    single.approve()
    running = single.start()
    running.reached("hold started")
    running.kill()
    assert single.session() != "Established"
    run = single.json("drill", "recover")["runs"][0]
    assert (run["verdict"], run["restored"]) == ("ERROR", True), run["reason"]
    assert "restored by `drill recover`" in run["reason"]
    assert single.session() == "Established"
    assert f"{_token(single, run['id'])}.cancelled" in single.timers()


def _token(rehearsal: Rehearsal, run_id: str) -> str:
    names = [name for name in rehearsal.timers() if name.startswith(run_id)]
    return names[0].partition(".")[0]


def test_a_terminal_that_is_gone_stops_no_restore(single: Rehearsal) -> None:
    """The operator's own SSH session drops in the hold: SIGHUP, and every print fails."""
    single.playbook("60s")
    single.approve()
    running = single.start(watched=True)
    running.watch("hold started")
    running.process.send_signal(signal.SIGHUP)
    code, run = running.end()
    assert (code, run["verdict"], run["restored"]) == (5, "ABORTED", True), run["reason"]
    assert single.session() == "Established"


def _killed_in_the_hold(rehearsal: Rehearsal) -> None:
    rehearsal.playbook("60s")
    rehearsal.approve()
    running = rehearsal.start()
    running.reached("hold started")
    running.kill()
    assert rehearsal.session() != "Established"


def test_recover_without_the_journal_goes_by_the_audit_trail(single: Rehearsal) -> None:
    _killed_in_the_hold(single)
    for path in (single.state / "maintsched" / "journal").glob("R-*"):
        path.unlink()
    said = single.cli("drill", "recover", "--json")
    run = json.loads(said.stdout)["runs"][0]
    assert (run["verdict"], run["restored"]) == ("ERROR", True), run["reason"]
    assert single.session() == "Established"


def test_recover_needs_nothing_of_the_config_but_the_login(single: Rehearsal) -> None:
    """Somebody broke the playbook meanwhile: the journal holds all that restoring needs."""
    _killed_in_the_hold(single)
    (single.root / "playbooks" / "lab-shut-primary.yaml").write_text("version: 2\n")
    done = single.cli("drill", "recover", "--json")
    assert done.returncode == 2  # the config is judged first, and says what is wrong
    (single.root / "playbooks" / "lab-shut-primary.yaml").unlink()
    single.playbook("1s")
    run = single.json("drill", "recover")["runs"][0]
    assert run["restored"] is True, run["reason"]
    assert single.session() == "Established"


def test_a_router_that_cannot_be_reached_stays_open_until_it_was_seen(single: Rehearsal) -> None:
    _killed_in_the_hold(single)
    pins = single.lab / "known_hosts"
    kept = pins.read_text()
    pins.write_text("")
    for _ in range(2):  # asking again does not make it better, nor forgotten
        done = single.cli("drill", "recover", "--json")
        run = json.loads(done.stdout)["runs"][0]
        assert (done.returncode, run["our_change_left"]) == (6, True)
        assert any(NEIGHBOR in line for line in run["to_type"])
    assert single.json("drill", "runs")["runs"][0]["state"] == "lost"
    assert "drill recover" in single.cli("status").stderr
    pins.write_text(kept)
    run = single.json("drill", "recover")["runs"][0]
    assert (run["restored"], run["our_change_left"]) == (True, False), run["reason"]
    assert single.session() == "Established"
    assert single.json("drill", "runs")["runs"][0]["state"] == "ended"


def test_a_colleague_s_shutdown_is_kept_and_told(single: Rehearsal) -> None:
    single.playbook("60s")
    single.approve()
    running = single.start()
    running.reached("hold started")
    lines = ("configure terminal", "router bgp 64620")
    theirs = f"neighbor {NEIGHBOR} shutdown message CHG-77"
    single.on("edge1", "vtysh", *(word for line in (*lines, theirs) for word in ("-c", line)))
    running.process.send_signal(signal.SIGINT)
    code, run = running.end()
    kept = theirs in single.configuration()
    single.on("edge1", "vtysh", *(w for line in (*lines, f"no neighbor {NEIGHBOR} shutdown") for w in ("-c", line)))
    assert kept
    assert (code, run["verdict"], run["restored"], run["our_change_left"]) == (4, "ABORTED", False, False)
    assert "somebody else's shutdown" in run["reason"]
