"""Nothing is judged with another inventory than the one in force; putting one in force breaks no open work."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlmodel import col, select

from maintsched.store.schema import HEAD
from maintsched.store.tables import AuditRow
from tests.cli.driving import Desk, at, change, command, typed

WHEN = ("--start", typed(at(2)), "--duration", "1h")
JUDGING = [
    ("status",),
    ("find", "uk-ld4"),
    ("calendar", "import"),
    ("window", "check", "--circuit", "uk-ld4", *WHEN),
    ("window", "book", "--circuit", "uk-ld4", *WHEN, "--title", "x", "--rollback", "undo"),
    ("window", "suggest", "--circuit", "uk-ld4", *WHEN),
    ("feed", "export"),
]


@pytest.mark.parametrize("words", JUDGING, ids=[" ".join(words[:2]) for words in JUDGING])
def test_another_inventory_is_refused_and_the_difference_named(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.run(*words).code == 0
    desk.edit("guard: 30m", "guard: 45m")
    answer = desk.run(*words)
    assert (answer.code, answer.raw) == (3, b"")
    assert "is not the inventory in force (revision 2)" in answer.err
    assert "policy.guard: 30m → 45m" in answer.err
    assert "maintsched inventory apply --reason" in answer.err


def test_a_comment_or_another_order_of_keys_is_no_difference(desk: Desk) -> None:
    desk.edit("  guard: 30m\n  lead_time: 14d\n", "  lead_time: 14d\n  guard: 30m # as ever\n\n")
    assert desk.run("status").code == 0
    assert desk.json("inventory", "diff")["changes"] == []


def test_applying_is_audited_with_its_reason_and_changes(desk: Desk) -> None:
    desk.edit("guard: 30m", "guard: 45m")
    assert desk.json("inventory", "diff")["changes"] == ["policy.guard: 30m → 45m"]
    done = desk.json("inventory", "apply", "--reason", "the carrier is slow")
    assert done == {"revision": 3, "changes": ["policy.guard: 30m → 45m"]}
    with desk.project() as project, project.store.read() as tx:
        last = list(tx.session.exec(select(AuditRow).order_by(col(AuditRow.seq))))[-1]
        tx.session.expunge(last)
    assert (last.actor, last.action, last.object) == ("alice", "inventory.apply", "inventory 3")
    assert "the carrier is slow" in last.body
    assert "45m" in last.body
    assert desk.json("inventory", "apply", "--reason", "again") == {"revision": 3, "changes": []}
    assert desk.run("inventory", "apply", "--reason", "  ").code == 2


def dropped(desk: Desk) -> None:
    """Without uk-ld7: renamed everywhere."""
    desk.edit("uk-ld7", "uk-new")


def test_a_circuit_of_an_open_window_cannot_be_dropped_or_renamed(desk: Desk) -> None:
    desk.book("uk-ld7", at(2))
    dropped(desk)
    answer = desk.run("inventory", "apply", "--reason", "renamed")
    assert (answer.code, "uk-ld7 cannot be dropped or renamed: window W-1 names it" in answer.err) == (3, True)
    assert desk.run("window", "cancel", "W-1").code == 0
    desk.apply()


def test_a_circuit_of_an_open_maintenance_cannot_be_dropped(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    dropped(desk)
    answer = desk.run("inventory", "apply", "--reason", "renamed")
    assert (answer.code, "maintenance M-1 names it" in answer.err) == (3, True)


def test_open_maintenances_are_matched_again(desk: Desk) -> None:
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    desk.edit("aliases: [20931178-A]", "aliases: [20931179-A]")
    desk.edit('aliases: [20931177-A, "PP', 'aliases: [20931177-A, 20931178-A, "PP')
    desk.apply()
    (found,) = desk.json("calendar", "list")["maintenances"]
    assert found["circuits"] == ["uk-ld4"]


def test_a_project_may_be_moved_as_all_its_paths_are_relative_to_its_config(desk: Desk, tmp_path: Path) -> None:
    desk.mail("1", change(1, at(1)))
    shutil.copytree(desk.root, tmp_path / "elsewhere")
    moved = Desk(tmp_path / "elsewhere")
    shutil.rmtree(desk.root)
    assert moved.json("inventory", "diff")["changes"] == []
    assert moved.json("calendar", "import")["sources"][0]["created"] == ["M-1"]


def test_the_config_is_found_by_option_then_environment_then_here(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    answer = command("status")
    assert (answer.code, "there is no config file maintsched.yaml" in answer.err) == (2, True)
    assert "maintsched init DIR" in answer.err
    monkeypatch.setenv("MAINTSCHED_CONFIG", str(desk.config))
    assert command("status").code == 0
    monkeypatch.setenv("MAINTSCHED_CONFIG", str(here / "no.yaml"))
    assert command("status").code == 2
    assert command("--config", str(desk.config), "status").code == 0
    assert command("--config", str(desk.root), "status").code == 0
    monkeypatch.delenv("MAINTSCHED_CONFIG")
    monkeypatch.chdir(desk.root)
    assert command("status").code == 0


def test_without_a_database_every_command_stops_and_says_how_to_make_one(desk: Desk) -> None:
    (desk.root / "maintsched.db").unlink()
    for words in (("status",), ("window", "list"), ("audit", "verify"), ("db", "check"), ("inventory", "apply",
                  "--reason", "x")):  # fmt: skip
        answer = desk.run(*words)
        assert (answer.code, "there is no database" in answer.err, "db upgrade" in answer.err) == (2, True, True)
    assert not (desk.root / "maintsched.db").exists()
    assert desk.json("db", "upgrade") == {"database": desk.url, "before": None, "revision": HEAD}
    answer = desk.run("status")
    assert (answer.code, "no inventory is in force" in answer.err) == (3, True)
    desk.apply()
    assert desk.run("status").code == 0


def test_init_never_overwrites(desk: Desk) -> None:
    before = {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()}
    answer = command("init", str(desk.root))
    assert (answer.code, "exists; nothing was changed" in answer.err) == (3, True)
    assert {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()} == before


def test_init_into_a_folder_with_a_database_of_another_project_is_refused(desk: Desk, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(desk.root / "maintsched.db", there)
    answer = command("init", str(there))
    assert (answer.code, "is in use already" in answer.err) == (3, True)


@pytest.mark.parametrize("layout", ["pair", "single"])
def test_what_init_makes_works_at_once(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = command("init", str(tmp_path / "p"), "--layout", layout, "--json")
    assert made.code == 0
    assert {os.path.relpath(name, tmp_path / "p").split("/")[0] for name in made.json["created"]} == {
        "maintsched.yaml",
        "playbooks",
        "calendars",
    }
    desk = Desk(tmp_path / "p")
    for words in (("inventory", "check"), ("calendar", "import"), ("status",), ("drill", "list"), ("db", "check"),
                  ("audit", "verify"), ("feed", "export")):  # fmt: skip
        desk.ok(*words)
    assert desk.json("calendar", "list")["stale"] == []
    assert desk.json("calendar", "review")["notices"] == []


def test_every_error_of_a_wrong_config_is_told_with_its_line(desk: Desk) -> None:
    desk.edit("primary: uk-ld4", "primary: uk-ld9")
    desk.edit("speed: 1G", "sped: 1G")
    answer = desk.run("status")
    assert answer.code == 2
    assert answer.err.count(f"{desk.config}:") == 3
    assert "did you mean" in answer.err
    assert desk.run("status", "--json").json["error"]["kind"] == "config-invalid"
