"""Readers never wait for writers, nor writers for readers; and a reader sees one moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.services.booking import Request, check
from maintsched.store import windows
from maintsched.store.engine import Store, Transaction
from tests.cli.driving import Desk, at, desk, empty_desk, made_once, read_once

from .conftest import ALICE

__all__ = ["desk", "empty_desk", "made_once", "read_once"]

NIGHT = datetime(2027, 3, 1, 22, tzinfo=UTC)
AT_ONCE = 5  # seconds; whoever waits for a lock waits for 15


@pytest.fixture(params=["store", pytest.param("postgres", marks=pytest.mark.servers)], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@contextmanager
def at_once() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < AT_ONCE


def add(tx: Transaction) -> None:
    slot = Interval(NIGHT, NIGHT + timedelta(hours=2))
    window = Window("", WindowState.REQUESTED, ("a",), slot, Impact.OUTAGE, "work", "alice")
    added = windows.add_window(tx, window, [windows.Claim("g", "a", True)])
    tx.audit("window.book", added.id, {})


def kept(tx: Transaction) -> int:
    return len(windows.windows(tx))


def test_a_reader_answers_while_a_writer_holds_the_lock(either: Store) -> None:
    with either.write(ALICE) as tx:
        add(tx)
        with at_once(), either.read() as reader:
            assert kept(reader) == 0
    with either.read() as reader:
        assert kept(reader) == 1


def test_a_writer_commits_while_somebody_reads_and_the_reader_still_sees_the_moment_before(either: Store) -> None:
    with either.read() as reader:
        assert kept(reader) == 0
        with at_once(), either.write(ALICE) as tx:
            add(tx)
        assert kept(reader) == 0
    with either.read() as reader:
        assert kept(reader) == 1


def test_what_a_booking_would_meet_is_told_while_somebody_else_books(desk: Desk) -> None:
    request = Request(("uk-ld7",), Interval(at(1), at(2)), Impact.OUTAGE, "look")
    with desk.project() as project, desk.project("bob") as other, other.store.write(other.actor) as tx:
        tx.audit("test", "held", {})
        with at_once():
            assert check(project, request) == ((), ())
