"""Imports beside others: a far end that does not answer, a PostgreSQL, a database of an older version."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from maintsched.domain.interval import iso
from maintsched.store import schema
from maintsched.store.engine import open_store
from tests.cli.driving import Desk, at, change, maintnote, stamp
from tests.services.test_feeds import weekly
from tests.store.conftest import cluster, new_database

__all__ = ["cluster", "new_database"]


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        for connection in kept:
            connection.close()


def until(met: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.05)
    return True


def test_a_far_end_that_does_not_answer_keeps_no_other_source_waiting(desk: Desk) -> None:
    with silent_server() as port:
        url = f"https://127.0.0.1:{port}/feed.ics"
        desk.edit("  - {name: equinix", f"  - {{name: silent, from: '{url}', private: true}}\n  - {{name: equinix")
        desk.apply()
        desk.carrier("1", maintnote("WO-7", at(1)))
        words = [sys.executable, "-m", "maintsched", "--config", str(desk.config), "calendar", "import"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert until(lambda: len(desk.json("calendar", "list")["maintenances"]) == 1)
            assert process.poll() is None
        finally:
            process.kill()
            process.communicate()


@pytest.mark.servers
def test_an_import_does_the_same_on_postgresql(desk: Desk, new_database: Callable[[], str]) -> None:
    desk.edit("database: sqlite:///maintsched.db", f'database: "{new_database()}"')
    desk.ok("db", "upgrade")
    desk.apply()
    events = [maintnote(f"WO-{number}", at(1, day=number % 30)) for number in range(300)]
    desk.carrier("1", *events)
    desk.mail("1", change(1, at(1)))
    first = {each["name"]: each for each in desk.json("calendar", "import")["sources"]}
    assert (len(first["carrier"]["created"]), len(first["equinix"]["created"])) == (300, 1)
    desk.carrier("2", maintnote("WO-3", at(9), sequence=1), maintnote("WO-9", at(1, 9), sequence=1, status="CANCELLED"))
    second = {each["name"]: each for each in desk.json("calendar", "import")["sources"]}
    assert (len(second["carrier"]["updated"]), second["carrier"]["unchanged"]) == (2, 300)
    found = {each["maintenance_id"]: each for each in desk.json("calendar", "list", "--all")["maintenances"]}
    assert (found["WO-9"]["status"], found["WO-3"]["revisions"], found["WO-4"]["circuits"]) == (
        "CANCELLED",
        2,
        ["uk-ld7"],
    )
    assert desk.run("audit", "verify").code == 0
    assert desk.run("db", "check").code == 0


@pytest.mark.servers
def test_an_occurrence_that_is_taken_out_of_a_series_is_off_on_postgresql_too(
    desk: Desk, new_database: Callable[[], str]
) -> None:
    desk.edit("database: sqlite:///maintsched.db", f'database: "{new_database()}"')
    desk.edit("from: carrier/}", "from: carrier/feed.ics, groups: [uk-direct]}")
    desk.ok("db", "upgrade")
    desk.apply()
    for more in ((), (f"EXDATE:{stamp(at(1, day=7))}", "SEQUENCE:1")):
        desk.carrier("feed", weekly(*more), weekly().replace("UID:weekly", "UID:Weekly-2"))
        desk.ok("calendar", "import")
    found = desk.json("calendar", "list", "--all")["maintenances"]
    assert [each["start"] for each in found if each["status"] == "CANCELLED"] == [iso(at(1, day=7))]
    assert len(found) == 8


def migrated_to(path: Path, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_database_of_the_first_version_keeps_what_it_knew(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    migrated_to(path, "0001")
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        for statement in (
            "INSERT INTO raw VALUES ('abc', x'00', '2026-01-01 00:00:00')",
            "INSERT INTO maintenance (id, source, provider, account, maintenance_id, uid, status, impact, starts_at,"
            " ends_at, title, needs_review, sites, objects, revisions, version, changed_at) VALUES (1, 'equinix',"
            " 'Équinix', '', 'CHG1', 'u', 'CONFIRMED', 'OUTAGE', '2026-12-01 00:00:00', '2026-12-01 04:00:00', 't', '',"
            " '[]', '[]', 1, 0, '2026-01-01 00:00:00')",
            "INSERT INTO notice (raw_sha256, position, source, origin, received_at, state, reason, title, parsed,"
            " concerns, resolution, maintenance_id) VALUES ('abc', 0, 'equinix', 'o', '2026-01-01 00:00:00', 'taken',"
            " '', 't', '', '[]', '', 1)",
        ):
            connection.execute(text(statement))
    old.dispose()
    said: list[str] = []
    store = open_store(f"sqlite:///{path}", said.append)
    assert store.check() == ()
    store.close()
    assert f"from revision 0001 to {schema.HEAD}" in said[0]
    with contextlib.closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT ref, part, vanished_at FROM maintenance").fetchall() == [
            ("équinix\nchg1", 1, None)
        ]
        assert found.execute("SELECT source, key, mark, missing FROM entry").fetchall() == [("equinix", "abc", "", 0)]


HEADERS = {
    "passes": ("mx.example; dmarc=pass header.from=equinix.com", "CANCELLED", 0),
    "fails": ("mx.example; dmarc=fail header.from=equinix.com; spf=fail", "CONFIRMED", 1),
    "is of another server": ("mx.elsewhere; dmarc=pass header.from=equinix.com", "CONFIRMED", 1),
}


@pytest.mark.parametrize(("header", "status", "waiting"), HEADERS.values(), ids=HEADERS)
def test_a_cancellation_counts_only_where_the_own_server_vouches_for_its_sender(
    desk: Desk, header: str, status: str, waiting: int
) -> None:
    desk.edit(", trust: senders", ", authserv: mx.example")
    desk.apply()
    stamped = b"Authentication-Results: mx.example; dmarc=pass header.from=equinix.com\r\n"
    desk.mail("1", stamped + change(1, at(1)))
    desk.mail("2", f"Authentication-Results: {header}\r\n".encode() + change(2, at(1), prefix="CANCELLED - "))
    (equinix,) = [each for each in desk.json("calendar", "import")["sources"] if each["name"] == "equinix"]
    assert len(equinix["needs_review"]) == waiting, json.dumps(equinix)
    assert [each["status"] for each in desk.json("calendar", "list", "--all")["maintenances"]] == [status]


def test_new_work_of_a_sender_that_is_not_authenticated_waits_and_blocks(desk: Desk) -> None:
    desk.edit(", trust: senders", ", authserv: mx.example")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.mail("2", change(2, at(1), change="CHG0300777", serial="30044055-B", site="SG1"))  # nothing of ours anyway
    (equinix,) = [each for each in desk.json("calendar", "import")["sources"] if each["name"] == "equinix"]
    (waiting,) = equinix["needs_review"]
    assert "its sender is not authenticated" in waiting["reason"]
    assert equinix["not_ours"] == 1
    assert desk.book("uk-ld4", at(2)).code == 3
    assert desk.book("uk-ld4", at(12)).code == 0
