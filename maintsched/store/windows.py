"""Booked windows, and their claims: what the database itself defends."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_
from sqlalchemy import select as core_select
from sqlmodel import col, delete, select

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval, iso
from maintsched.domain.life import LONGEST, expires_at
from maintsched.domain.notice import Impact
from maintsched.domain.window import Approved, Window, WindowState
from maintsched.store.engine import Transaction, numbered
from maintsched.store.tables import ClaimRow, WindowApprovalRow, WindowCircuitRow, WindowRow

_WINDOW: Any = WindowRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_DUE = core_select(_WINDOW.c.id).where(_WINDOW.c.expires_at <= bindparam("now"))
_ADD_WINDOW = insert(_WINDOW)
_ADD_CIRCUIT = insert(WindowCircuitRow.__table__)  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_ADD_CLAIM = insert(ClaimRow.__table__)  # type: ignore[attr-defined]  # a table, to SQLAlchemy


@dataclass(frozen=True, slots=True)
class Claim:
    """One member of a group taken by a window; `enforced` where the database refuses a second member by itself."""

    group: str
    circuit: str
    enforced: bool


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """`booked_at`: when this slot was asked for; `moved_by`: who asked for it, where it was moved.

    `revision` grows with whatever makes approvals void, `approved_at` is since when there are enough of them.
    """

    window: Window
    login: str
    booked_at: datetime
    changed_at: datetime
    sequence: int
    revision: int = 1
    moved_by: Actor | None = None
    approved_at: datetime | None = None

    @property
    def askers(self) -> tuple[Actor, ...]:
        """Who asked for it as it stands: none of them may approve it."""
        return (Actor(self.window.requester, self.login), *((self.moved_by,) if self.moved_by else ()))


def number(window_id: str) -> int | None:
    """The number of `W-12` (or `12`), None where it is no window id."""
    return numbered(window_id, "W-")


def add_window(tx: Transaction, window: Window, claims: Iterable[Claim]) -> Window:
    """Keep a new window with its claims; returns it with its id. Raises OneMemberDown."""
    actor = tx.actor
    assert actor is not None  # a write transaction has one
    expire_due(tx)
    start, end = window.interval.start, window.interval.end
    values = {
        "kind": window.kind,
        "state": window.state.value,
        "starts_at": start,
        "ends_at": end,
        "impact": window.impact.value,
        "title": window.title,
        "change_id": window.change_id,
        "rollback": window.rollback,
        "shares": json.dumps(window.shares),
        "requester": window.requester,
        "login": actor.login,
        "booked_at": tx.now,
        "changed_at": tx.now,
        "sequence": 0,
        "emergency": window.emergency,
        "override": window.override,
        "accept_outage": window.accept_outage,
        "reason": window.reason,
        "expires_at": expires_at(window, tx.now),
    }
    key = tx.change(_ADD_WINDOW, values).inserted_primary_key
    assert key is not None  # one row was added
    slot = {"window_id": key[0], "starts_at": start, "ends_at": end}
    tx.change(_ADD_CIRCUIT, [{**slot, "circuit": circuit} for circuit in window.circuits])
    _add_claims(tx, slot, claims)
    return replace(window, id=f"W-{key[0]}")


def _add_claims(tx: Transaction, slot: dict[str, Any], claims: Iterable[Claim]) -> None:
    """`slot`: the window's number and times, as columns."""
    rows = [
        {**slot, "group_name": claim.group, "circuit": claim.circuit, "enforced": claim.enforced} for claim in claims
    ]
    if rows:
        tx.change(_ADD_CLAIM, rows)


def expire_due(tx: Transaction) -> None:
    """Store what every reader knows already: windows past their expiry are expired, and claim nothing any more."""
    due = tx.rows(_DUE, {"now": tx.now})  # not in order: SQLite would go through all windows for it
    for row in [tx.session.get_one(WindowRow, key) for key in sorted(each.id for each in due)]:
        assert row.expires_at is not None  # the query asked for it
        before, at = row.state, row.expires_at
        row.state, row.changed_at, row.sequence, row.expires_at = "expired", at, row.sequence + 1, None
        _free(tx, row)
        tx.session.flush()
        tx.audit("window.expire", f"W-{row.id}", {"before": before, "expired": iso(at)})


def _free(tx: Transaction, row: WindowRow) -> None:
    tx.session.execute(delete(ClaimRow).where(col(ClaimRow.window_id) == row.id))


def set_state(tx: Transaction, window_id: str, state: WindowState, *, end: datetime | None = None) -> None:
    """Move a window on. One that no longer counts gives its claims back; `end` is when it really ended.

    One that needs a review loses its approvals and the partner's word: they were given to another situation.
    """
    row = _row(tx, window_id)
    row.state = state.value
    if end is not None and end > row.starts_at:
        row.ends_at = min(end, row.starts_at + LONGEST)
    if state is WindowState.NEEDS_REVIEW:
        _void(tx, row)
    if not state.counts:
        _free(tx, row)
    _changed(tx, row)


def start_window(tx: Transaction, window_id: str) -> None:
    """The work begins: now, where that is before the slot's own start. Raises OneMemberDown."""
    row = _row(tx, window_id)
    row.state = WindowState.IN_PROGRESS.value
    if tx.now < row.starts_at:
        row.starts_at = tx.now
        for claim in tx.session.exec(select(ClaimRow).where(ClaimRow.window_id == row.id)):
            claim.starts_at = tx.now
    _changed(tx, row)


def move_window(tx: Transaction, window_id: str, interval: Interval, claims: Iterable[Claim]) -> None:
    """Another slot, asked for anew by who acts; the old one is free in the same instant. Raises OneMemberDown."""
    actor = tx.actor
    assert actor is not None  # a write transaction has one
    row = _row(tx, window_id)
    _free(tx, row)
    row.state, row.booked_at = WindowState.REQUESTED.value, tx.now
    row.starts_at, row.ends_at = interval.start, interval.end
    row.moved_by, row.moved_login = actor.name, actor.login
    _void(tx, row)
    _changed(tx, row)
    _add_claims(tx, {"window_id": row.id, "starts_at": interval.start, "ends_at": interval.end}, claims)


def add_approval(
    tx: Transaction, window_id: str, *, reason: str, statement: str | None, enough: bool, state: WindowState | None
) -> None:
    """Keep somebody's yes, with what he signed where he did; `enough`: it is the last one that was missing."""
    actor = tx.actor
    assert actor is not None  # a write transaction has one
    row = _row(tx, window_id)
    assert row.id is not None  # it is kept
    tx.session.add(
        WindowApprovalRow(
            window_id=row.id, by=actor.name, login=actor.login, at=tx.now, reason=reason, statement=statement
        )
    )
    if enough:
        row.approved_at = tx.now
    if state is not None:
        row.state = state.value
    _changed(tx, row)


def set_partner_ref(tx: Transaction, window_id: str, reference: str, state: WindowState) -> None:
    row = _row(tx, window_id)
    row.partner_ref, row.state = reference, state.value
    _changed(tx, row)


def _row(tx: Transaction, window_id: str) -> WindowRow:
    return tx.session.get_one(WindowRow, number(window_id))


def _void(tx: Transaction, row: WindowRow) -> None:
    tx.session.execute(delete(WindowApprovalRow).where(col(WindowApprovalRow.window_id) == row.id))
    row.approved_at, row.partner_ref, row.revision = None, None, row.revision + 1


def _changed(tx: Transaction, row: WindowRow) -> None:
    row.changed_at, row.sequence = tx.now, row.sequence + 1
    tx.session.flush()
    row.expires_at = expires_at(_stored(tx, [row], as_kept=True)[0].window, row.booked_at)
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


def unapproved_emergencies(tx: Transaction) -> tuple[StoredWindow, ...]:
    """Emergency windows that never had enough approvals, whatever became of them, by start."""
    query = select(WindowRow).where(col(WindowRow.emergency).is_(True), col(WindowRow.approved_at).is_(None))
    return tuple(_stored(tx, tx.session.exec(query.order_by(col(WindowRow.starts_at), col(WindowRow.id))).all()))


def earliest_start(near: Interval) -> datetime:
    """No window that overlaps `near` starts earlier: a CHECK bounds their length, on SQLite in floating point."""
    return near.start - LONGEST - timedelta(minutes=1)


def windows(
    tx: Transaction, *, near: Interval | None = None, counting: bool = False, states: Iterable[str] | None = None
) -> tuple[StoredWindow, ...]:
    """By start. `near` leaves out what does not overlap it (work that overruns goes on until now), `counting` what
    holds no slot."""
    query = select(WindowRow).order_by(col(WindowRow.starts_at), col(WindowRow.id))
    if near is not None:
        begins = and_(col(WindowRow.starts_at) < near.end, col(WindowRow.starts_at) > earliest_start(near))
        overlaps = and_(begins, col(WindowRow.ends_at) > near.start)
        if near.start <= tx.now < near.end:
            overlaps = or_(overlaps, and_(col(WindowRow.state) == "in_progress", col(WindowRow.ends_at) <= tx.now))
        query = query.where(overlaps)
    wanted = {state.value for state in WindowState if state.counts} if counting else states
    if wanted is not None:
        wanted, gone = set(wanted), col(WindowRow.expires_at) <= tx.now
        held = and_(col(WindowRow.state).in_(sorted(wanted)), or_(col(WindowRow.expires_at).is_(None), ~gone))
        query = query.where(or_(held, gone) if "expired" in wanted else held)
    return tuple(_stored(tx, tx.session.exec(query).all()))


def _stored(tx: Transaction, rows: Iterable[WindowRow], *, as_kept: bool = False) -> list[StoredWindow]:
    """As they are at the transaction's moment: what is past its expiry is expired, though the row does not say so."""
    rows = list(rows)
    ids = [row.id for row in rows]
    circuits: dict[int, list[str]] = {}
    approvals: dict[int, list[Approved]] = {}
    for some in (ids[start : start + 400] for start in range(0, len(ids), 400)):  # so many values fit in one question
        for window_id, circuit in tx.session.exec(
            select(WindowCircuitRow.window_id, WindowCircuitRow.circuit)
            .where(col(WindowCircuitRow.window_id).in_(some))
            .order_by(WindowCircuitRow.circuit)
        ):
            circuits.setdefault(window_id, []).append(circuit)
        for given in tx.session.exec(
            select(WindowApprovalRow)
            .where(col(WindowApprovalRow.window_id).in_(some))
            .order_by(col(WindowApprovalRow.at), WindowApprovalRow.by)
        ):
            approvals.setdefault(given.window_id, []).append(
                Approved(given.by, given.login, given.at, given.statement is not None)
            )
    return [_read(tx, row, circuits, approvals, as_kept=as_kept) for row in rows]


def _read(
    tx: Transaction,
    row: WindowRow,
    circuits: dict[int, list[str]],
    approvals: dict[int, list[Approved]],
    *,
    as_kept: bool,
) -> StoredWindow:
    assert row.id is not None  # it is kept
    expired = None if as_kept or row.expires_at is None or row.expires_at > tx.now else row.expires_at
    return StoredWindow(
        window=Window(
            id=f"W-{row.id}",
            state=WindowState.EXPIRED if expired else WindowState(row.state),
            circuits=tuple(circuits.get(row.id, [])),
            interval=Interval(row.starts_at, row.ends_at),
            impact=Impact(row.impact),
            title=row.title,
            requester=row.requester,
            change_id=row.change_id,
            rollback=row.rollback,
            kind=row.kind,
            shares=tuple(json.loads(row.shares)),
            emergency=row.emergency,
            override=row.override,
            accept_outage=row.accept_outage,
            reason=row.reason,
            partner_ref=row.partner_ref,
            approvals=tuple(approvals.get(row.id, [])),
        ),
        login=row.login,
        booked_at=row.booked_at,
        changed_at=expired or row.changed_at,
        sequence=row.sequence + 1 if expired else row.sequence,
        revision=row.revision,
        moved_by=Actor(row.moved_by, row.moved_login or "") if row.moved_by else None,
        approved_at=row.approved_at,
    )
