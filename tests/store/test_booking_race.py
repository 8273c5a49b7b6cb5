"""Many people book at the same time, each from a process of his own: never two members of a group at once."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.services.booking import BookingRefused, Request, book
from maintsched.services.project import Project, opened
from maintsched.store.engine import Store
from tests.cli.driving import Desk, at, desk, empty_desk, made_once, read_once

__all__ = ["desk", "empty_desk", "made_once", "read_once"]

RACERS, ATTEMPTS = 8, 12
OVERLAPS = """
    SELECT count(*) FROM window_circuit a JOIN "window" x ON x.id = a.window_id
    JOIN "window" y ON y.starts_at < x.ends_at AND x.starts_at < y.ends_at AND y.id <> x.id
    JOIN window_circuit b ON b.window_id = y.id AND b.circuit <> a.circuit
    WHERE x.state = 'requested' AND y.state = 'requested'
"""


def race(path: Path, racer: int, ready: multiprocessing.synchronize.Barrier, told: multiprocessing.Queue[str]) -> None:
    """One of them: books the same few slots as the others, on either circuit, in an order of his own."""
    chance = random.Random(racer)
    name = f"racer-{racer}"
    try:
        with opened(path, Actor(name, name), lambda _: None) as project:
            ready.wait(60)
            for number in range(ATTEMPTS):
                told.put(attempt(project, chance, number))
    except BaseException as error:  # noqa: BLE001  # whatever it is, the test wants to know it
        told.put(f"{type(error).__name__}: {error}")
    told.put("done")


def attempt(project: Project, chance: random.Random, number: int) -> str:
    circuit = chance.choice(["uk-ld4", "uk-ld7"])
    start = at(chance.randrange(4), day=number // 3)
    request = Request((circuit,), Interval(start, start + timedelta(hours=2)), Impact.OUTAGE, "race")
    try:
        book(project, request)
    except BookingRefused as refusal:
        return "refused" if refusal.conflicts else "refused without a reason"
    return "booked"


def raced(path: Path) -> list[str]:
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(RACERS), context.Queue()
    racers = [context.Process(target=race, args=(path, racer, ready, told)) for racer in range(RACERS)]
    for racer in racers:
        racer.start()
    outcomes: list[str] = []
    while outcomes.count("done") < RACERS:
        outcomes.append(told.get(timeout=90))
    for racer in racers:
        racer.join(30)
    return [outcome for outcome in outcomes if outcome != "done"]


def judged(store: Store, outcomes: list[str]) -> None:
    assert set(outcomes) == {"booked", "refused"}, set(outcomes)
    assert len(outcomes) == RACERS * ATTEMPTS
    with store.read() as tx:
        windows = tx.session.execute(text('SELECT count(*) FROM "window"')).scalar()
        assert tx.session.execute(text(OVERLAPS)).scalar() == 0
    assert windows == outcomes.count("booked")
    broken, rows = store.audit_break()
    assert broken is None
    assert rows >= outcomes.count("booked")


@pytest.mark.slow
def test_on_sqlite_nobody_ever_takes_the_second_member(desk: Desk) -> None:
    outcomes = raced(desk.config)
    with desk.project() as project:
        judged(project.store, outcomes)


@pytest.mark.servers
def test_on_postgresql_nobody_ever_takes_the_second_member(empty_desk: Desk, new_database: Callable[[], str]) -> None:
    url = new_database()
    empty_desk.edit("database: sqlite:///maintsched.db", f"database: {url}")
    assert empty_desk.run("status").code == 2
    assert "db upgrade" in empty_desk.run("status").err
    empty_desk.ok("db", "upgrade")
    empty_desk.ok("db", "check")
    empty_desk.apply()
    empty_desk.ok("calendar", "import")
    outcomes = raced(empty_desk.config)
    with empty_desk.project() as project:
        judged(project.store, outcomes)
    assert empty_desk.run("audit", "verify").code == 0
