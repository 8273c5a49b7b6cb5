"""What is taken near a time, by circuit and as plain rows: every booking asks for it, at any size of the database.

Our windows are found by circuit and start. A CHECK of the table bounds their length, so the search is bounded at both
ends, and does not grow with what is kept. A fact may be of any length: it is found by its end, as little is to come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import cache
from json import loads
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, func, select, union_all

from maintsched.domain.conflict import Occupation, OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, Status
from maintsched.domain.overrun import held, overran, overrun_review
from maintsched.domain.window import Window, WindowState
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import fact
from maintsched.store.tables import MaintenanceCircuitRow, MaintenanceRow, WindowCircuitRow, WindowRow
from maintsched.store.windows import earliest_start

_WINDOW: Any = WindowRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_TAKEN: Any = WindowCircuitRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_FACT: Any = MaintenanceRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_HIT: Any = MaintenanceCircuitRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy


# The queries are made once for each number of circuits: making and filling in a list of any length takes longer.
def _count(circuits: Collection[str] | None) -> int | None:
    return None if circuits is None else len(circuits)


def _names(count: int) -> list[Any]:
    return [bindparam(f"circuit_{number}") for number in range(count)]


def _named(circuits: Collection[str] | None) -> dict[str, Any]:
    return {f"circuit_{number}": name for number, name in enumerate(circuits or ())}


def booked(
    tx: Transaction, near: Interval, circuits: Collection[str] | None, now: datetime, guard: timedelta
) -> Iterable[Occupation]:
    """What our windows and drills take of `circuits` (None: of all) near a time; what overruns is taken till now."""
    given: dict[str, Any] = {"start": near.start, "end": near.end, "since": earliest_start(near)}
    given |= {"now": now, **_named(circuits)}
    found: dict[Occupation, None] = {}
    for row in tx.rows(_windows(_count(circuits)), given):
        if row.expires_at is not None and row.expires_at <= now:
            continue
        window = Window(
            id=f"W-{row.id}",
            state=WindowState(row.state),
            circuits=(row.circuit,),
            interval=Interval(row.starts_at, row.ends_at),
            impact=Impact(row.impact),
            title=row.title,
            requester="",
            change_id=row.change_id,
            kind=row.kind,
            shares=tuple(loads(row.shares)) if row.shares != "[]" else (),
        )
        found.update(dict.fromkeys(window.occupations(now, guard)))
    return found


@cache
def _windows(circuits: int | None) -> CompoundSelect[Any]:
    times = _WINDOW if circuits is None else _TAKEN  # the one that has an index which begins like the search
    names = ("id", "state", "starts_at", "ends_at", "expires_at", "impact", "title", "change_id", "kind", "shares")
    every: Select[Any] = select(*(_WINDOW.c[name] for name in names), _TAKEN.c.circuit).where(
        _TAKEN.c.window_id == _WINDOW.c.id
    )
    if circuits is not None:
        every = every.where(_TAKEN.c.circuit.in_(_names(circuits)))
    there = every.where(
        times.c.starts_at < bindparam("end"),
        times.c.starts_at > bindparam("since"),
        times.c.ends_at > bindparam("start"),
    )
    late = every.where(_WINDOW.c.state == WindowState.IN_PROGRESS.value, _WINDOW.c.ends_at <= bindparam("now"))
    return union_all(there, late)


def facts(
    tx: Transaction,
    near: Interval,
    circuits: Collection[str] | None,
    now: datetime,
    guard: timedelta,
    *,
    without: Collection[int] = (),
) -> tuple[list[Occupation], list[OpenReview]]:
    """What the providers' works take of `circuits` (None: of all) during `near`; and those that overran, whenever."""
    given: dict[str, Any] = {"start": near.start, "end": near.end, **_named(circuits)}
    taken: list[Occupation] = []
    over: dict[int, tuple[Interval, list[str]]] = {}
    for row in tx.rows(_maintenances(_count(circuits)), given):
        if row.id in without:
            continue
        status, planned = Status(row.status), Interval(row.starts_at, row.ends_at)
        if overran(status, planned, now, guard):
            over.setdefault(row.id, (planned, []))[1].append(row.circuit)
        elif interval := held(status, planned, now, guard):
            key = (row.provider, row.account, row.maintenance_id)
            taken.append(fact(row.id, key, row.source, row.title, status, interval, row.circuit, row.impact, row.how))
    return taken, [overrun_review(f"M-{number}", *what) for number, what in sorted(over.items())]


@cache
def _maintenances(circuits: int | None) -> CompoundSelect[Any]:
    names = ("id", "source", "provider", "account", "maintenance_id", "title", "status", "starts_at", "ends_at")
    every: Select[Any] = select(*(_FACT.c[name] for name in names), _HIT.c.circuit, _HIT.c.impact, _HIT.c.how).where(
        _HIT.c.maintenance_id == _FACT.c.id
    )
    # What is computed has no index: the search must go by the end, not by what was before or ever hit a circuit.
    if circuits is not None:
        every = every.where(func.coalesce(_HIT.c.circuit, "").in_(_names(circuits)))
    begins = func.coalesce(_FACT.c.starts_at, _FACT.c.ends_at)
    others = [status.value for status in Status if status.counts and status is not Status.IN_PROCESS]
    to_come = every.where(
        _FACT.c.ends_at > bindparam("start"),
        begins < bindparam("end"),
        func.coalesce(_FACT.c.status, "").in_(others),
    )
    return union_all(to_come, every.where(_FACT.c.status == Status.IN_PROCESS.value))
