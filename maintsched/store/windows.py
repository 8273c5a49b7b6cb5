"""Booked windows, and their claims: what the database itself defends."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import col, delete, select

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.store.engine import Transaction, numbered
from maintsched.store.tables import ClaimRow, WindowCircuitRow, WindowRow


@dataclass(frozen=True, slots=True)
class Claim:
    """One member of a group taken by a window; `enforced` where the database refuses a second member by itself."""

    group: str
    circuit: str
    enforced: bool


@dataclass(frozen=True, slots=True)
class StoredWindow:
    window: Window
    login: str
    booked_at: datetime
    changed_at: datetime
    sequence: int


def number(window_id: str) -> int | None:
    """The number of `W-12` (or `12`), None where it is no window id."""
    return numbered(window_id, "W-")


def add_window(tx: Transaction, window: Window, claims: Iterable[Claim]) -> Window:
    """Keep a new window with its claims; returns it with its id. Raises OneMemberDown."""
    actor = tx.actor
    assert actor is not None  # a write transaction has one
    row = WindowRow(
        kind=window.kind,
        state=window.state.value,
        starts_at=window.interval.start,
        ends_at=window.interval.end,
        impact=window.impact.value,
        title=window.title,
        change_id=window.change_id,
        rollback=window.rollback,
        shares=json.dumps(window.shares),
        requester=window.requester,
        login=actor.login,
        booked_at=tx.now,
        changed_at=tx.now,
    )
    tx.session.add(row)
    tx.session.flush()
    assert row.id is not None  # flushed
    for circuit in window.circuits:
        tx.session.add(WindowCircuitRow(window_id=row.id, circuit=circuit))
    for claim in claims:
        tx.session.add(
            ClaimRow(
                window_id=row.id,
                group_name=claim.group,
                circuit=claim.circuit,
                starts_at=window.interval.start,
                ends_at=window.interval.end,
                enforced=claim.enforced,
            )
        )
    tx.session.flush()
    return replace(window, id=f"W-{row.id}")


def set_state(tx: Transaction, window_id: str, state: WindowState, *, end: datetime | None = None) -> None:
    """Move a window on. One that no longer counts gives its claims back; `end` is when it really ended."""
    row = tx.session.get_one(WindowRow, number(window_id))
    row.state, row.changed_at, row.sequence = state.value, tx.now, row.sequence + 1
    if end is not None and row.starts_at < end < row.ends_at:
        row.ends_at = end
    if not state.counts:
        tx.session.execute(delete(ClaimRow).where(col(ClaimRow.window_id) == row.id))
    tx.session.flush()


def drill_window(tx: Transaction, run_id: str) -> str | None:
    """The window that a run took, by the run's id in its title."""
    query = select(WindowRow.id).where(
        WindowRow.kind == "drill", col(WindowRow.title).endswith(run_id, autoescape=True)
    )
    found = tx.session.exec(query).first()
    return None if found is None else f"W-{found}"


def get_window(tx: Transaction, window_id: str) -> StoredWindow | None:
    found = number(window_id)
    row = tx.session.get(WindowRow, found) if found is not None else None
    return _stored(tx, [row])[0] if row else None


def windows(
    tx: Transaction, *, near: Interval | None = None, counting: bool = False, states: Iterable[str] | None = None
) -> tuple[StoredWindow, ...]:
    """By start. `near` leaves out what does not overlap it, `counting` what holds no slot."""
    query = select(WindowRow).order_by(col(WindowRow.starts_at), col(WindowRow.id))
    if near is not None:
        query = query.where(WindowRow.starts_at < near.end, WindowRow.ends_at > near.start)
    wanted = [state.value for state in WindowState if state.counts] if counting else states
    if wanted is not None:
        query = query.where(col(WindowRow.state).in_(list(wanted)))
    return tuple(_stored(tx, tx.session.exec(query).all()))


def _stored(tx: Transaction, rows: Iterable[WindowRow]) -> list[StoredWindow]:
    rows = list(rows)
    circuits: dict[int, list[str]] = {}
    ids = [row.id for row in rows]
    for hit in tx.session.exec(
        select(WindowCircuitRow).where(col(WindowCircuitRow.window_id).in_(ids)).order_by(WindowCircuitRow.circuit)
    ):
        circuits.setdefault(hit.window_id, []).append(hit.circuit)
    return [
        StoredWindow(
            window=Window(
                id=f"W-{row.id}",
                state=WindowState(row.state),
                circuits=tuple(circuits.get(row.id or 0, [])),
                interval=Interval(row.starts_at, row.ends_at),
                impact=Impact(row.impact),
                title=row.title,
                requester=row.requester,
                change_id=row.change_id,
                rollback=row.rollback,
                kind=row.kind,
                shares=tuple(json.loads(row.shares)),
            ),
            login=row.login,
            booked_at=row.booked_at,
            changed_at=row.changed_at,
            sequence=row.sequence,
        )
        for row in rows
    ]
