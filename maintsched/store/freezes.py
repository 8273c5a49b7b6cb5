"""Freezes, as their calendars have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import col, delete

from maintsched.domain.conflict import Freeze
from maintsched.domain.interval import Interval
from maintsched.store.engine import Transaction
from maintsched.store.tables import FreezeRow

_FREEZE: Any = FreezeRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_ALL: Any = select(_FREEZE.c.starts_at, _FREEZE.c.ends_at, _FREEZE.c.name).order_by(_FREEZE.c.starts_at, _FREEZE.c.name)
_NEAR: Any = _ALL.where(_FREEZE.c.starts_at < bindparam("end"), _FREEZE.c.ends_at > bindparam("start"))


def put_freezes(tx: Transaction, calendar: str, freezes: Iterable[tuple[Interval, str]]) -> None:
    """Exchange all freezes of a calendar."""
    tx.session.execute(delete(FreezeRow).where(col(FreezeRow.calendar) == calendar))
    for interval, name in dict(freezes).items():
        tx.session.add(FreezeRow(calendar=calendar, starts_at=interval.start, ends_at=interval.end, name=name))
    tx.session.flush()


def freezes(tx: Transaction, near: Interval | None = None) -> tuple[Freeze, ...]:
    """By start; `near` leaves out what does not overlap it."""
    given = None if near is None else {"start": near.start, "end": near.end}
    rows = tx.rows(_ALL if given is None else _NEAR, given)
    return tuple(Freeze(Interval(row.starts_at, row.ends_at), row.name) for row in rows)
