"""The runbook for 03:00: it names people, steps and commands whatever the database and the config file are like."""

from __future__ import annotations

import re
import shlex
import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from maintsched.cli import cli
from maintsched.domain.actor import Actor
from maintsched.domain.inventory import Emergency, Inventory
from maintsched.services.emergency import STEPS, notes, runbook
from tests.cli.driving import Desk, maintnote, typed

NOW = datetime.now(UTC).replace(microsecond=0)


def printed(desk: Desk, *more: str) -> dict[str, Any]:
    return desk.json("emergency", *more)


def test_it_names_everybody_who_matters_with_a_number(empty_desk: Desk) -> None:
    found = {each["name"]: each for each in printed(empty_desk)["contacts"]}
    assert found["Spotware"] == {
        "name": "Spotware",
        "role": "partner of uk-direct",
        "noc": "+44 20 7946 0001",
        "mail": "noc@example.net",
    }
    assert found["Equinix"]["role"] == "uk-ld4, site LD4, uk-ld7, site LD7, ld4-ld7"


def test_who_has_no_number_is_named_all_the_same(empty_desk: Desk) -> None:
    empty_desk.edit("provider: Equinix, speed: 10G", "provider: Zayo, speed: 10G")
    empty_desk.apply()
    [zayo] = [each for each in printed(empty_desk)["contacts"] if each["name"] == "Zayo"]
    assert (zayo["noc"], zayo["role"]) == (None, "ld4-ld7")
    assert "no number in `contacts:`" in empty_desk.ok("emergency")


def test_our_own_steps_are_printed_in_order(empty_desk: Desk) -> None:
    today = datetime.now(UTC).date()
    empty_desk.edit("emergency:\n", f"emergency: {{reviewed: {today}, steps: [call the lead, open the bridge]}}\n")
    empty_desk.apply()
    found = printed(empty_desk)
    assert (found["steps"], found["reviewed"], found["notes"]) == (
        ["call the lead", "open the bridge"],
        str(today),
        [],
    )
    assert re.search(r"1\. call the lead\n +2\. open the bridge\n", empty_desk.ok("emergency"))


def test_without_steps_of_our_own_there_are_some_and_that_is_said(empty_desk: Desk) -> None:
    found = printed(empty_desk)
    assert found["steps"] == list(STEPS)
    assert "nobody has written or reviewed these steps" in found["notes"][0]


TODAY = date(2026, 11, 22)
REVIEWS = {
    "today": ("2026-11-22", ""),
    "180 days ago": ("2026-05-26", ""),
    "181 days ago": ("2026-05-25", "last reviewed on 2026-05-25, 181 days ago; allowed 180"),
    "never": (None, "nobody has reviewed these steps"),
    "tomorrow": ("2026-11-23", "which is still to come"),
}


@pytest.mark.parametrize(("reviewed", "told"), REVIEWS.values(), ids=REVIEWS.keys())
def test_a_review_is_good_for_180_days(reviewed: str | None, told: str) -> None:
    emergency = Emergency(("call",), reviewed)
    inventory = Inventory("B", "sqlite:////x.db", "UTC", {}, {}, {}, {}, emergency=emergency)
    found = notes(inventory, TODAY)
    assert [told in note for note in found] == ([True] if told else [])


def test_what_is_up_now_and_what_comes(desk: Desk) -> None:
    desk.carrier("1", maintnote("WO-1", NOW - timedelta(hours=1)))
    desk.carrier("2", maintnote("WO-2", NOW + timedelta(hours=20), objects=("20931177-A",)))
    desk.ok("calendar", "import")
    [group] = printed(desk)["groups"]
    assert (group["name"], group["left"], group["size"], group["min_up"]) == ("uk-direct", 1, 2, 1)
    assert [entry["title"] for entry in group["running"]] == ["carrier.example WO-1: Work WO-1"]
    assert [entry["title"] for entry in group["next"]] == ["carrier.example WO-2: Work WO-2"]
    assert [(row["left"], row["standing"]) for row in group["timeline"]] == [(1, ["uk-ld4"]), (1, ["uk-ld7"])]
    text = desk.ok("emergency")
    assert "uk-direct: 1 of 2 circuits free of work, 1 needed" in text
    assert re.search(r"1 of 2  until .*\d\d:\d\dZ", text)


def test_sources_that_are_not_up_to_date_are_said_first(empty_desk: Desk) -> None:
    answer = empty_desk.run("emergency")
    assert answer.code == 0
    assert "source equinix was never read" in answer.err
    assert printed(empty_desk)["stale"] == ["equinix", "carrier"]


def test_one_group_alone(empty_desk: Desk) -> None:
    empty_desk.edit("calendars:", "  uk-second: {partner: Bridge, circuits: [uk-ld7], primary: uk-ld7}\ncalendars:")
    empty_desk.apply()
    found = printed(empty_desk, "--group", "uk-second")
    assert [group["name"] for group in found["groups"]] == ["uk-second"]
    assert [each["name"] for each in found["contacts"]] == ["Bridge", "Equinix"]
    answer = empty_desk.run("emergency", "--group", "nothing")
    assert (answer.code, "groups: uk-direct, uk-second" in answer.err) == (2, True)


def test_every_command_that_it_prints_is_one_of_ours(empty_desk: Desk) -> None:
    """With options that exist, and the names of this inventory."""
    lines = [line for group in printed(empty_desk)["groups"] for line in group["commands"]]
    assert any(
        line.startswith("maintsched window book --emergency --reason REASON --circuit uk-ld7 ") for line in lines
    )
    for line in lines:
        words = shlex.split(line, comments=True)
        command: click.Command = cli
        context = click.Context(cli)
        assert words.pop(0) == "maintsched"
        while isinstance(command, click.Group):
            inner = command.get_command(context, words.pop(0))
            assert inner is not None, line
            command = inner
        known = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in words if word.startswith("--") and word not in known] == [], line


def test_a_window_can_be_booked_with_what_is_printed(desk: Desk) -> None:
    [line] = [
        line
        for group in printed(desk)["groups"]
        for line in group["commands"]
        if "--emergency" in line and "--circuit uk-ld4" in line
    ]
    assert desk.run(*shlex.split(line)[1:]).code == 0
    waiting = [each for each in printed(desk)["trouble"] if "retro-approval" in each]
    assert len(waiting) == 1


def test_without_a_database_it_prints_what_the_file_says(empty_desk: Desk) -> None:
    (empty_desk.root / "maintsched.db").unlink()
    found = printed(empty_desk)
    assert "what is planned is NOT known: there is no database" in found["trouble"][0]
    [group] = found["groups"]
    assert (group["left"], group["size"]) == (None, 2)
    assert found["contacts"]
    assert group["commands"]
    assert "NOT KNOWN how many are free of work" in empty_desk.ok("emergency")
    assert not (empty_desk.root / "maintsched.db").exists()


def test_a_database_that_is_none_does_not_hide_the_contacts(empty_desk: Desk) -> None:
    (empty_desk.root / "maintsched.db").write_bytes(b"no database at all" * 100)
    found = printed(empty_desk)
    assert "what is planned is NOT known" in found["trouble"][0]
    assert found["contacts"]


def test_a_locked_database_holds_it_up_for_a_moment_only(empty_desk: Desk) -> None:
    with closing(sqlite3.connect(empty_desk.root / "maintsched.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        found = runbook(empty_desk.config, Actor("alice", "alice"), seconds=0.5)
        assert time.monotonic() - began < 5
    assert found.trouble == ("what is planned is NOT known: the database did not answer within 0.5 s",)
    assert found.groups[0].left is None


def test_while_somebody_writes_it_knows_everything(empty_desk: Desk) -> None:
    with closing(sqlite3.connect(empty_desk.root / "maintsched.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert printed(empty_desk)["groups"][0]["left"] == 2
        writer.execute("ROLLBACK")


def test_a_file_that_is_not_in_force_is_printed_with_a_warning(empty_desk: Desk) -> None:
    empty_desk.edit("+44 20 7946 0000", "+44 20 7946 9999")
    answer = empty_desk.run("emergency")
    assert answer.code == 0
    assert "the config file is not the inventory in force: contacts.Equinix.noc" in answer.err
    assert "+44 20 7946 9999" in answer.out


def test_a_file_with_an_error_leaves_the_inventory_in_force(empty_desk: Desk) -> None:
    empty_desk.edit("speed: 10G", "sped: 10G")
    answer = empty_desk.run("emergency")
    assert answer.code == 0
    assert "the config file has errors, so this is the inventory in force:" in answer.err
    assert "sped: unknown key" in answer.err
    assert "+44 20 7946 0000" in answer.out


def test_a_file_with_an_error_and_no_database_is_an_error(empty_desk: Desk) -> None:
    empty_desk.edit("speed: 10G", "sped: 10G")
    (empty_desk.root / "maintsched.db").unlink()
    answer = empty_desk.run("emergency")
    assert (answer.code, "sped: unknown key" in answer.err) == (2, True)


def test_it_changes_nothing(empty_desk: Desk) -> None:
    def rows() -> list[Any]:
        with closing(sqlite3.connect(empty_desk.root / "maintsched.db")) as database:
            return database.execute("SELECT * FROM audit").fetchall()

    before = rows()
    printed(empty_desk)
    assert rows() == before


@pytest.mark.parametrize("columns", [80, 200])
def test_it_fits_the_terminal_but_for_what_is_copied(desk: Desk, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.carrier("1", maintnote("WO-1", NOW - timedelta(hours=1), 30))
    desk.ok("calendar", "import")
    desk.ok("calendar", "add", "--provider", "Equinix", "--ref", "5-1", "--circuit", "uk-ld4", "--impact", "OUTAGE",
            "--start", typed(NOW + timedelta(hours=2)), "--end", typed(NOW + timedelta(hours=30)))  # fmt: skip
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [line for line in desk.ok("emergency").splitlines() if not line.startswith("    maintsched ")]
    assert max(map(len, lines)) <= columns
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_relative_path_of_the_config_is_enough(empty_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(empty_desk.root)
    found = runbook(Path("maintsched.yaml"), Actor("alice", "alice"))
    assert found.groups[0].left == 2
