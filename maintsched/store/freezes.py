"""Freezes, as their calendars have them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, delete, select

from maintsched.domain.conflict import Freeze
from maintsched.domain.interval import Interval
from maintsched.store.engine import Transaction
from maintsched.store.tables import FreezeRow


def put_freezes(tx: Transaction, calendar: str, freezes: Iterable[tuple[Interval, str]]) -> None:
    """Exchange all freezes of a calendar."""
    tx.session.execute(delete(FreezeRow).where(col(FreezeRow.calendar) == calendar))
    for interval, name in dict(freezes).items():
        tx.session.add(FreezeRow(calendar=calendar, starts_at=interval.start, ends_at=interval.end, name=name))
    tx.session.flush()


def freezes(tx: Transaction, near: Interval | None = None) -> tuple[Freeze, ...]:
    query = select(FreezeRow).order_by(col(FreezeRow.starts_at), col(FreezeRow.name))
    if near is not None:
        query = query.where(FreezeRow.starts_at < near.end, FreezeRow.ends_at > near.start)
    return tuple(Freeze(Interval(row.starts_at, row.ends_at), row.name) for row in tx.session.exec(query))
