"""Many people book at the same time, each from a process of his own: never two members of a group at once."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.services.booking import BookingRefused, Request, book
from maintsched.services.project import Project, opened
from maintsched.store import windows
from maintsched.store.engine import Store
from tests.cli.driving import Desk, at, desk, empty_desk, made_once, read_once

__all__ = ["desk", "empty_desk", "made_once", "read_once"]

RACERS, ATTEMPTS = 8, 125  # 1,000 in all
NIGHTS = 42
GUARD = timedelta(minutes=30)


def race(path: Path, racer: int, ready: multiprocessing.synchronize.Barrier, told: multiprocessing.Queue[str]) -> None:
    """One of them: books the same few slots as the others, on either circuit, in an order of his own."""
    chance = random.Random(racer)
    name = f"racer-{racer}"
    try:
        with opened(path, Actor(name, name), lambda _: None) as project:
            ready.wait(60)
            for number in range(ATTEMPTS):
                told.put(attempt(project, chance, number * NIGHTS // ATTEMPTS))
    except BaseException as error:  # noqa: BLE001  # whatever it is, the test wants to know it
        told.put(f"{type(error).__name__}: {error}")
    told.put("done")


def attempt(project: Project, chance: random.Random, night: int) -> str:
    circuit = chance.choice(["uk-ld4", "uk-ld7"])
    start = at(chance.randrange(12) / 2, day=night)
    slot = Interval(start, start + timedelta(hours=chance.choice([1, 2])))
    try:
        book(project, Request((circuit,), slot, Impact.OUTAGE, "race", rollback="take it back"))
    except BookingRefused as refusal:
        return "refused" if refusal.conflicts and refusal.exit_code == 3 else "refused without a reason"
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


def taken(store: Store) -> list[tuple[Interval, str]]:
    """What was booked, by start."""
    with store.read() as tx:
        found = windows.windows(tx, counting=True)
    return sorted((each.window.interval, each.window.circuits[0]) for each in found)


def judged(store: Store, outcomes: list[str]) -> None:
    assert Counter(outcomes).keys() == {"booked", "refused"}, Counter(outcomes)
    assert len(outcomes) == RACERS * ATTEMPTS
    there = taken(store)
    assert len(there) == outcomes.count("booked") > NIGHTS
    for (one, circuit), (other, its) in combinations(there, 2):
        if circuit == its:
            assert not one.overlaps(other), f"{circuit}: {one} and {other}"  # nobody asked to share it
        else:
            assert one.end + GUARD <= other.start, f"{circuit} {one} and {its} {other}"
    broken, rows = store.audit_break()
    assert broken is None
    assert rows >= outcomes.count("booked")


@pytest.mark.slow
def test_on_sqlite_nobody_ever_takes_the_second_member(desk: Desk) -> None:
    outcomes = raced(desk.config)
    with desk.project() as project:
        judged(project.store, outcomes)


@pytest.mark.servers
@pytest.mark.slow
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
