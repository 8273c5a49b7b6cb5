"""A window and the people around it, at any moment: alice books, bob and carol approve, the partner acknowledges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.services import approving, booking, working
from maintsched.services.project import Project, opened
from maintsched.store import windows
from maintsched.store.tables import AuditRow, ClaimRow
from tests.cli.driving import Desk, Later, at

ACTIONS: dict[str, Any] = {
    "approve": approving.approve,
    "reject": lambda project, name: approving.reject(project, name, reason="no"),
    "ack": lambda project, name: working.acknowledge(project, name, "SW-77"),
    "start": working.start,
    "finish": working.finish,
    "cancel": working.cancel,
}


def patient(desk: Desk) -> Desk:
    """Calendars may be old: these tests go to the night of the work, and nothing new arrives until then."""
    desk.edit("  guard: 30m", "  severity: {STALE: warn}\n  guard: 30m")
    desk.apply()
    return desk


@contextmanager
def person(desk: Desk, name: str = "alice", moment: datetime | None = None, login: str = "") -> Iterator[Project]:
    """The project as this person has it at that moment."""
    with opened(desk.config, Actor(name, login or name), lambda _: None) as project:
        yield project if moment is None else Later.at(project, moment)


def asking(circuit: str = "uk-ld4", start: float = 2, hours: float = 2, **more: Any) -> booking.Request:
    slot = Interval(at(start), at(start + hours))
    return booking.Request((circuit,), slot, **{"impact": Impact.OUTAGE, "title": "optics", "rollback": "undo", **more})


def booked(desk: Desk, circuit: str = "uk-ld4", start: float = 2, hours: float = 2, *, by: str = "alice",
           moment: datetime | None = None, **more: Any) -> str:  # fmt: skip
    with person(desk, by, moment) as project:
        return booking.book(project, asking(circuit, start, hours, **more))[0].id


def does(desk: Desk, action: str, window_id: str = "W-1", *, by: str = "alice", moment: datetime | None = None) -> None:
    with person(desk, by, moment) as project:
        ACTIONS[action](project, window_id)


def approved(desk: Desk, window_id: str = "W-1") -> None:
    does(desk, "approve", window_id, by="bob")


def ready(desk: Desk, **more: Any) -> str:
    """Booked, approved, and acknowledged."""
    window_id = booked(desk, **more)
    approved(desk, window_id)
    does(desk, "ack", window_id)
    return window_id


def window(desk: Desk, window_id: str = "W-1", moment: datetime | None = None) -> Window:
    with person(desk) as project, project.store.read(moment) as tx:
        found = windows.get_window(tx, window_id)
    assert found is not None
    return found.window


def state(desk: Desk, window_id: str = "W-1", moment: datetime | None = None) -> WindowState:
    return window(desk, window_id, moment).state


def audit(desk: Desk, window_id: str = "W-1") -> list[tuple[str, dict[str, Any]]]:
    with person(desk) as project, project.store.read() as tx:
        rows = tx.session.exec(select(AuditRow).where(AuditRow.object == window_id).order_by(col(AuditRow.seq)))
        return [(row.action, json.loads(row.body)["payload"]) for row in rows]


def claimed(desk: Desk) -> list[tuple[int, str, bool]]:
    """(window, circuit, enforced) of every claim."""
    with person(desk) as project, project.store.read() as tx:
        rows = tx.session.exec(select(ClaimRow).order_by(col(ClaimRow.window_id)))
        return [(row.window_id, row.circuit, row.enforced) for row in rows]
