"""The JSON documents of the commands (contract, section 4): pydantic models, from the domain's values.

Times are ISO text in UTC, ids are text, what could not be measured is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from maintsched.domain.conflict import Conflict
from maintsched.domain.drill import Run
from maintsched.domain.interval import Interval, iso
from maintsched.services.records import run_document
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.notices import StoredNotice

if TYPE_CHECKING:  # a booking prints a document, and need not load what reads calendars
    from maintsched.services.breaking import Broken
    from maintsched.services.reporting import Imported


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class Slot(Document):
    start: str
    end: str


class Collision(Document):
    kind: str
    id: str
    title: str
    circuits: list[str]
    start: str | None
    end: str | None
    reference: str


class ConflictDocument(Document):
    rule: str
    severity: str
    group: str | None
    start: str
    end: str
    message: str
    available: int | None
    required: int | None
    with_: list[Collision] = Field(alias="with")


class Refusal(Document):
    refused: bool = True
    conflicts: list[ConflictDocument]
    suggestions: list[Slot]


class WindowCheck(Document):
    """`window check`: what would collide, and the next free slots where it would be refused."""

    refused: bool
    conflicts: list[ConflictDocument]
    suggestions: list[Slot]


class Suggestions(Document):
    suggestions: list[Slot]


class MaintenanceDocument(Document):
    id: str
    source: str
    provider: str
    account: str
    maintenance_id: str
    status: str
    impact: str
    start: str
    end: str
    circuits: list[str]
    sites: list[str]
    sequence: int | None
    title: str
    needs_review: bool
    revisions: int
    vanished: str | None


class NoticeDocument(Document):
    id: str
    source: str
    origin: str
    received: str
    state: str
    reason: str
    title: str
    concerns: list[str]


class ReviewItem(Document):
    notice: str
    reason: str


class SourceDocument(Document):
    """What an import of one source brought."""

    name: str
    state: str
    error: str
    notices: int
    created: list[str]
    updated: list[str]
    unchanged: int
    not_ours: int
    foreign: int
    needs_review: list[ReviewItem]
    changes: list[str]


class BrokenDocument(Document):
    """A booking that a new fact speaks against; `maintenances` are those that do it."""

    window: str
    kind: str
    title: str
    start: str
    end: str
    maintenances: list[str]
    message: str


class ImportDocument(Document):
    sources: list[SourceDocument]
    conflicts: list[ConflictDocument]
    breaks: list[BrokenDocument]


class OutageDocument(Document):
    method: str
    what: str
    forward_ms: float | None
    reverse_ms: float | None
    round_trip_ms: float | None
    longest_gap_ms: float | None
    lost: int | None
    sent: int | None
    accuracy_ms: float | None


class GateDocument(Document):
    id: str
    state: str
    evidence: str


class CheckDocument(Document):
    id: str
    verdict: str
    value: str | None
    limit: str | None
    evidence: str


class TimelineDocument(Document):
    at: str
    step: str
    state: str
    detail: str


class FindingDocument(Document):
    id: str
    severity: str
    message: str


class RunDocument(Document):
    id: str
    drill: str
    group: str
    primary: str
    survivor: str
    playbook: str
    plan_hash: str
    mode: str
    verdict: str
    reason: str
    started: str
    ended: str
    restored: bool | None
    our_change_left: bool
    requester: str
    approvals: list[str]
    outage: OutageDocument | None
    gates: list[GateDocument]
    checks: list[CheckDocument]
    timeline: list[TimelineDocument]
    findings: list[FindingDocument]
    commands: list[str]
    to_type: list[str]


def slots(found: Iterable[Interval]) -> list[Slot]:
    return [Slot(start=iso(slot.start), end=iso(slot.end)) for slot in found]


def conflict(found: Conflict) -> ConflictDocument:
    collisions = [
        Collision(
            kind=each.kind,
            id=each.id,
            title=each.title,
            circuits=list(each.circuits),
            start=iso(each.interval.start) if each.interval else None,
            end=iso(each.interval.end) if each.interval else None,
            reference=each.reference,
        )
        for each in found.with_
    ]
    fields: dict[str, Any] = {
        name: getattr(found, name) for name in ("rule", "severity", "group", "message", "available", "required")
    }
    fields |= {"start": iso(found.interval.start), "end": iso(found.interval.end), "with": collisions}
    return ConflictDocument(**fields)


def conflicts(found: Iterable[Conflict]) -> list[ConflictDocument]:
    return [conflict(each) for each in found]


def maintenance(stored: StoredMaintenance) -> MaintenanceDocument:
    found = stored.maintenance
    assert found.interval is not None  # it is kept, so it has one
    return MaintenanceDocument(
        id=f"M-{stored.id}",
        source=stored.source,
        provider=found.key[0],
        account=found.key[1],
        maintenance_id=found.key[2],
        status=found.status.value,
        impact=found.impact.value,
        start=iso(found.interval.start),
        end=iso(found.interval.end),
        circuits=[hit.circuit for hit in stored.circuits],
        sites=list(found.sites),
        sequence=found.sequence,
        title=found.title,
        needs_review=bool(found.needs_review),
        revisions=stored.revisions,
        vanished=iso(stored.vanished_at.replace(microsecond=0)) if stored.vanished_at else None,
    )


def notice(stored: StoredNotice) -> NoticeDocument:
    return NoticeDocument(
        id=f"N-{stored.id}",
        source=stored.source,
        origin=stored.origin,
        received=iso(stored.received_at),
        state=stored.state,
        reason=stored.reason,
        title=stored.title,
        concerns=list(stored.concerns),
    )


def imported(results: Iterable[Imported], found: Iterable[Broken]) -> ImportDocument:
    found = tuple(found)
    return ImportDocument(
        sources=[
            SourceDocument(
                name=each.name,
                state=each.state,
                error=each.error,
                notices=each.notices,
                created=each.created,
                updated=each.updated,
                unchanged=each.unchanged,
                not_ours=each.not_ours,
                foreign=each.foreign,
                needs_review=[ReviewItem(notice=n, reason=reason) for n, reason in each.needs_review],
                changes=each.changes,
            )
            for each in results
        ],
        conflicts=conflicts(conflict for each in found for conflict in each.told),
        breaks=broken(found),
    )


def broken(found: Iterable[Broken]) -> list[BrokenDocument]:
    """What new facts speak against, booking by booking."""
    return [
        BrokenDocument(
            window=each.window.id,
            kind=each.window.kind,
            title=each.window.title,
            start=iso(each.window.interval.start),
            end=iso(each.window.interval.end),
            maintenances=[number for number, _ in each.by],
            message=each.name,
        )
        for each in found
    ]


def run(found: Run) -> RunDocument:
    return RunDocument.model_validate(run_document(found))


def listing(as_of: datetime, stale: Iterable[str], **rows: list[Any]) -> dict[str, Any]:
    """A list is an object too: `as_of`, the stale sources, and the rows under their name."""
    plain = {name: [row.plain() if isinstance(row, Document) else row for row in found] for name, found in rows.items()}
    return {"as_of": iso(as_of.replace(microsecond=0)), "stale": list(stale), **plain}
