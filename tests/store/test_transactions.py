"""A change is audited or it does not happen; the audit trail shows tampering; times are UTC."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import col, delete, select

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.errors import Unavailable
from maintsched.store import windows
from maintsched.store.engine import OneMemberDown, Store, Transaction
from maintsched.store.tables import AuditRow, ClaimRow, FreezeRow, InventoryRow
from maintsched.store.windows import Claim

from .conftest import ALICE

NIGHT = datetime(2027, 3, 1, 22, tzinfo=UTC)


def window(circuit: str, start: datetime = NIGHT, hours: float = 2) -> Window:
    slot = Interval(start, start + timedelta(hours=hours))
    return Window("", WindowState.REQUESTED, (circuit,), slot, Impact.OUTAGE, "work", "alice")


def add(store: Store, circuit: str, start: datetime = NIGHT, *, group: str = "g", enforced: bool = True) -> Window:
    with store.write(ALICE) as tx:
        added = windows.add_window(tx, window(circuit, start), [Claim(group, circuit, enforced)])
        tx.audit("window.book", added.id, {})
    return added


def change(tx: Transaction) -> None:
    tx.session.add(InventoryRow(revision=1, applied_at=tx.now, sha256="0", canonical="{}", reason="test"))


def test_a_change_without_an_audit_row_is_a_bug_and_is_rolled_back(store: Store) -> None:
    with pytest.raises(RuntimeError, match="without an audit row"), store.write(ALICE) as tx:
        change(tx)
    with store.read() as tx:
        assert tx.session.exec(select(InventoryRow)).all() == []


def test_deleting_rows_in_one_statement_is_a_change_too(store: Store) -> None:
    add(store, "a")
    with pytest.raises(RuntimeError, match="without an audit row"), store.write(ALICE) as tx:
        tx.session.execute(delete(ClaimRow).where(col(ClaimRow.circuit) == "a"))
    with store.read() as tx:
        assert len(tx.session.exec(select(ClaimRow)).all()) == 1


def test_a_failing_transaction_leaves_neither_the_change_nor_the_row(store: Store) -> None:
    def fail() -> None:
        with store.write(ALICE) as tx:
            change(tx)
            tx.audit("inventory.apply", "1", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as tx:
        assert (tx.session.exec(select(InventoryRow)).all(), tx.session.exec(select(AuditRow)).all()) == ([], [])
    assert store.audit_break() == (None, 0)


def test_reading_writes_no_audit_row(store: Store) -> None:
    with store.read() as tx, pytest.raises(RuntimeError, match="read transaction"):
        tx.audit("x", "y", {})


@pytest.mark.parametrize("hours", [0, 1, -5, 5.5])
def test_aware_times_come_back_as_the_same_moment_in_utc(store: Store, hours: float) -> None:
    start = datetime(2027, 6, 1, 23, 30, 15, 123456, tzinfo=timezone(timedelta(hours=hours)))
    with store.write(ALICE) as tx:
        tx.session.add(FreezeRow(calendar="c", starts_at=start, ends_at=start + timedelta(hours=1), name="n"))
        tx.audit("x", "y", {})
    with store.read() as tx:
        kept = tx.session.exec(select(FreezeRow)).one().starts_at
    assert (kept, kept.utcoffset()) == (start, timedelta())


def test_a_time_without_zone_is_refused(store: Store) -> None:
    naive = datetime(2027, 6, 1)  # noqa: DTZ001  # that is the case

    def keep() -> None:
        with store.write(ALICE) as tx:
            tx.session.add(FreezeRow(calendar="c", starts_at=naive, ends_at=NIGHT, name="n"))
            tx.audit("x", "y", {})

    with pytest.raises(StatementError, match="naive"):
        keep()


def test_a_second_member_of_a_group_is_refused_by_the_database_itself(store: Store) -> None:
    add(store, "a")
    with pytest.raises(OneMemberDown):
        add(store, "b", NIGHT + timedelta(hours=1))
    with store.read() as tx:
        assert [each.window.id for each in windows.windows(tx)] == ["W-1"]


FINE = [("a", 1, "g", True), ("b", 2, "g", True), ("b", -2, "g", True), ("b", 1, "h", True), ("b", 1, "g", False)]


@pytest.mark.parametrize(("circuit", "later", "group", "enforced"), FINE)
def test_what_takes_no_second_member_passes(store: Store, circuit: str, later: int, group: str, enforced: bool) -> None:
    """The same circuit again, back to back before and after, another group, and what was accepted knowingly."""
    add(store, "a")
    add(store, circuit, NIGHT + timedelta(hours=later), group=group, enforced=enforced)


@pytest.mark.parametrize("what", ["starts_at", "circuit", "enforced"])
def test_a_claim_cannot_be_changed_into_a_second_member(store: Store, path: Path, what: str) -> None:
    add(store, "a")
    other = add(
        store,
        "a" if what == "circuit" else "b",
        NIGHT + timedelta(hours=9 if what == "starts_at" else 1),
        enforced=what != "enforced",
    )

    def move() -> None:
        with store.write(ALICE) as tx:
            claim = tx.session.exec(select(ClaimRow).where(ClaimRow.window_id == windows.number(other.id))).one()
            setattr(claim, what, {"starts_at": NIGHT, "circuit": "b", "enforced": True}[what])
            tx.audit("x", "y", {})

    with pytest.raises(OneMemberDown):
        move()


def test_a_window_that_is_cancelled_gives_its_claim_back(store: Store) -> None:
    first = add(store, "a")
    with store.write(ALICE) as tx:
        windows.set_state(tx, first.id, WindowState.CANCELLED)
        tx.audit("window.cancel", first.id, {})
    add(store, "b")


def test_a_foreign_key_is_enforced(store: Store) -> None:
    end = NIGHT + timedelta(hours=1)
    orphan = ClaimRow(window_id=9, group_name="g", circuit="a", starts_at=NIGHT, ends_at=end, enforced=True)

    def keep() -> None:
        with store.write(ALICE) as tx:
            tx.session.add(orphan)
            tx.audit("x", "y", {})

    with pytest.raises(Unavailable, match="FOREIGN KEY"):
        keep()


@pytest.fixture
def audited(store: Store) -> Store:
    for number in range(5):
        with store.write(ALICE) as tx:
            tx.audit("test", f"thing {number}", {"number": number})
    return store


def test_the_trail_is_whole(audited: Store) -> None:
    assert audited.audit_break() == (None, 5)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'mallory' WHERE seq = 3", "DELETE FROM audit"])
def test_the_trail_is_append_only(audited: Store, path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="audit_is_append_only"):
        connection.execute(statement)
    connection.close()
    assert audited.audit_break() == (None, 5)


TAMPERED = [
    ("UPDATE audit SET body = replace(body, '\"number\":2', '\"number\":7') WHERE seq = 3", 3, "was changed"),
    ("UPDATE audit SET hash = '00' || substr(hash, 3) WHERE seq = 3", 3, "was changed"),
    ("UPDATE audit SET previous = '00' || substr(previous, 3) WHERE seq = 3", 3, "does not follow"),
    ("DELETE FROM audit WHERE seq = 3", 3, "is missing"),
    ("DELETE FROM audit WHERE seq = 1", 1, "is missing"),
    ("DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3", 3, "does not follow"),
    ("INSERT INTO audit SELECT 6, at, actor, login, action, object, body, hash, hash FROM audit WHERE seq = 5",
     6, "was changed"),
    ("UPDATE audit SET actor = 'mallory' WHERE seq = 3", 3, "columns do not say what its sealed text says"),
    ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE seq = 4", 4, "columns do not say"),
    ("UPDATE audit SET object = 'thing 9' WHERE seq = 5", 5, "columns do not say"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "row", "told"), TAMPERED, ids=[case[0][:50] for case in TAMPERED])
def test_tampering_is_found_even_by_somebody_who_drops_the_triggers(
    audited: Store, path: Path, statement: str, row: int, told: str
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(f"DROP TRIGGER audit_update; DROP TRIGGER audit_delete; {statement};")
    connection.close()
    broken, _ = audited.audit_break()
    assert broken is not None
    assert (broken.seq, told in broken.reason) == (row, True), broken
