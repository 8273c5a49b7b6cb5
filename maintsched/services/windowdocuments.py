"""The JSON documents of a window (contract, section 4): as it was booked, and as it is judged now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from maintsched.domain.conflict import Conflict
from maintsched.domain.interval import iso
from maintsched.services.documents import ConflictDocument, Document, conflicts
from maintsched.services.windowing import Judged
from maintsched.store.windows import StoredWindow


class ApprovalDocument(Document):
    by: str
    at: str
    signed: bool


class WindowDocument(Document):
    id: str
    kind: str
    state: str
    circuits: list[str]
    start: str
    end: str
    impact: str
    title: str
    change_id: str | None
    rollback: str | None
    requester: str
    emergency: bool
    override: bool
    accept_outage: bool
    reason: str | None
    partner_ref: str | None
    approvals: list[ApprovalDocument]
    conflicts: list[ConflictDocument]


class RetroDocument(Document):
    """Until when an emergency must have got its approval."""

    until: str
    overdue: bool


class JudgedWindow(WindowDocument):
    """A window as it is listed and shown: what it waits for, and what people have to know of it."""

    waits_for: str | None
    overrun_since: str | None
    retro_approval: RetroDocument | None


class Statement(Document):
    """What a signed approval signs."""

    window: str
    statement: str


def window(stored: StoredWindow, found: Iterable[Conflict] = ()) -> WindowDocument:
    return WindowDocument(**_window_fields(stored, found))


def judged(each: Judged) -> JudgedWindow:
    """A window as it is listed and shown."""
    retro = each.retro
    return JudgedWindow(
        **_window_fields(each.stored, each.conflicts),
        waits_for=each.waits_for or None,
        overrun_since=iso(each.overrun_since) if each.overrun_since else None,
        retro_approval=RetroDocument(until=_second(retro.until), overdue=retro.overdue) if retro else None,
    )


def _window_fields(stored: StoredWindow, found: Iterable[Conflict]) -> dict[str, Any]:
    booked = stored.window
    return {
        "id": booked.id,
        "kind": booked.kind,
        "state": booked.state.value,
        "circuits": list(booked.circuits),
        "start": iso(booked.interval.start),
        "end": iso(booked.interval.end),
        "impact": booked.impact.value,
        "title": booked.title,
        "change_id": booked.change_id,
        "rollback": booked.rollback,
        "requester": booked.requester,
        "emergency": booked.emergency,
        "override": booked.override,
        "accept_outage": booked.accept_outage,
        "reason": booked.reason or None,
        "partner_ref": booked.partner_ref,
        "approvals": [
            ApprovalDocument(by=given.by, at=_second(given.at), signed=given.signed) for given in booked.approvals
        ],
        "conflicts": conflicts(found),
    }


def _second(moment: datetime) -> str:
    return iso(moment.replace(microsecond=0))
