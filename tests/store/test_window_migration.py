"""Databases of every past revision come up with what they held; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.errors import InvalidInput
from maintsched.store import schema, windows
from maintsched.store.engine import OneMemberDown, Store, upgrade_store
from maintsched.store.windows import Claim

from .conftest import ALICE

NOW = datetime.now(UTC).replace(microsecond=0)
STATES = {1: "requested", 2: "requested", 3: "approved", 4: "needs_review", 5: "cancelled", 6: "in_progress"}
PAST = ["0001", "0002"]


def brought_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def starts(number: int) -> datetime:
    """The second lies near, and was not approved; the others a month ahead, on days of their own."""
    return NOW + (timedelta(days=2) if number == 2 else timedelta(days=30 + number))


def filled(connection: Connection, hours: int = 2) -> None:
    """A window in every state that there was, a year after it was booked, each with its claim."""
    sqlite = connection.dialect.name == "sqlite"

    def told(moment: datetime) -> object:
        return f"{moment:%Y-%m-%d %H:%M:%S}.000000" if sqlite else moment

    for number, state in STATES.items():
        times = {"start": told(starts(number)), "end": told(starts(number) + timedelta(hours=hours))}
        row = {"state": state, "booked": told(NOW - timedelta(days=365)), **times}
        connection.execute(
            text(
                'INSERT INTO "window" (kind, state, starts_at, ends_at, impact, title, shares, requester, login,'
                " booked_at, changed_at, sequence) VALUES ('window', :state, :start, :end, 'OUTAGE', 'work', '[]',"
                " 'alice', 'alice', :booked, :booked, 3)"
            ),
            row,
        )
        for circuit in ("a", "a2"):
            connection.execute(
                text("INSERT INTO window_circuit (window_id, circuit) VALUES (:id, :c)"), {"id": number, "c": circuit}
            )
        if state != "cancelled":
            connection.execute(
                text(
                    "INSERT INTO claim (window_id, group_name, circuit, starts_at, ends_at, enforced)"
                    " VALUES (:id, 'g', 'a', :start, :end, :yes)"
                ),
                {"id": number, "yes": True, **times},
            )


def upgraded(url: str, revision: str, hours: int = 2) -> Store:
    engine = create_engine(url)
    with engine.begin() as connection:
        brought_to(connection, revision)
        filled(connection, hours)
    engine.dispose()
    store, before = upgrade_store(url)
    assert before == revision
    return store


def judged(store: Store) -> None:
    """Nothing is lost, nothing is wrong, and the guards work."""
    assert store.check() == ()
    with store.read() as tx:
        found = windows.windows(tx)
        later = {each.window.id: each.window.state.value for each in windows.windows(tx)}
    assert {each.window.id: each.window.interval.start for each in found} == {f"W-{n}": starts(n) for n in STATES}
    assert later == {f"W-{number}": state for number, state in STATES.items()}
    assert {each.window.circuits for each in found} == {("a", "a2")}
    assert {(each.sequence, each.revision, each.window.emergency, each.window.reason) for each in found} == {
        (3, 1, False, "")
    }
    expiries(store)
    with pytest.raises(OneMemberDown):
        takes_the_other_member(store)


def takes_the_other_member(store: Store) -> None:
    with store.write(ALICE) as tx:
        windows.add_window(tx, other(starts(3)), [Claim("g", "b", enforced=True)])
        tx.audit("window.book", "W-7", {})


def other(start: datetime) -> Window:
    slot = Interval(start, start + timedelta(hours=1))
    return Window("", WindowState.REQUESTED, ("b",), slot, Impact.OUTAGE, "other", "bob")


def expiries(store: Store) -> None:
    """What could not be approved before has seven days from the upgrade, or till its start; the rest till its end."""
    states = {}
    for moment in (NOW + timedelta(days=2), NOW + timedelta(days=6), NOW + timedelta(days=8), NOW + timedelta(days=60)):
        with store.read(moment) as tx:
            states[moment] = [
                each.window.state.value for each in sorted(windows.windows(tx), key=lambda w: w.window.id)
            ]
    rest = ["approved", "needs_review", "cancelled", "in_progress"]
    assert list(states.values()) == [
        ["requested", "expired", *rest],
        ["requested", "expired", *rest],
        ["expired", "expired", *rest],
        ["expired", "expired", "expired", "expired", "cancelled", "in_progress"],
    ]


@pytest.mark.parametrize("revision", PAST)
def test_sqlite_comes_up_with_what_it_held(tmp_path: Path, revision: str) -> None:
    store = upgraded(f"sqlite:///{tmp_path / 'old.db'}", revision)
    judged(store)
    store.close()


@pytest.mark.servers
@pytest.mark.parametrize("revision", PAST)
def test_postgresql_comes_up_with_what_it_held(new_database: Callable[[], str], revision: str) -> None:
    store = upgraded(new_database(), revision)
    judged(store)
    store.close()


def test_a_window_that_is_too_long_to_be_found_stops_the_upgrade_and_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with pytest.raises(InvalidInput, match="window W-1 lasts longer than 31 days"):
        upgraded(url, "0002", hours=31 * 24 + 1)
    store = Store(url)
    with store.read() as tx:
        found = tx.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    store.close()
    assert found == "0002"


def moved(store: Store) -> None:
    with store.write(ALICE) as tx:
        kept = windows.add_window(tx, other(NOW), [Claim("g", "b", enforced=True)])
        windows.move_window(tx, kept.id, Interval(NOW + timedelta(days=1), NOW + timedelta(days=31)), [])
        tx.audit("window.move", kept.id, {})
    with store.read() as tx:
        times = tx.session.execute(text("SELECT starts_at, ends_at FROM window_circuit")).one()
        assert times == tx.session.execute(text('SELECT starts_at, ends_at FROM "window"')).one()


def test_the_times_of_the_circuits_follow_those_of_the_window(store: Store) -> None:
    moved(store)


@pytest.mark.servers
def test_the_times_of_the_circuits_follow_those_of_the_window_on_postgresql(postgres: Store) -> None:
    moved(postgres)


def exactly(store: Store) -> None:
    """31 days fit, at any time of the day: SQLite counts them in floats."""
    with store.write(ALICE) as tx:
        for minutes in range(0, 1440, 7):
            start = NOW + timedelta(days=100, minutes=minutes)
            slot = Interval(start, start + timedelta(days=31))
            windows.add_window(tx, Window("", WindowState.REQUESTED, ("b",), slot, Impact.OUTAGE, "x", "bob"), ())
        tx.audit("window.book", "W-1", {})


def test_the_longest_window_fits_whenever_it_begins(store: Store) -> None:
    exactly(store)


@pytest.mark.servers
def test_the_longest_window_fits_whenever_it_begins_on_postgresql(postgres: Store) -> None:
    exactly(postgres)
