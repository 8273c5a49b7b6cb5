"""The JSON documents that are not about one window, maintenance or run: lists, states, confirmations, errors.

`DOCUMENTS` names the model of every command's `--json`; a refusal and an error have their own (contract, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from maintsched.domain.interval import iso
from maintsched.services import documents
from maintsched.services.documents import Document, MaintenanceDocument, NoticeDocument, RunDocument
from maintsched.services.reviewing import SourceLine
from maintsched.services.windowdocuments import JudgedWindow, WindowDocument


class Listing(Document):
    """A list is an object too: when it was true, and the sources that are not up to date."""

    as_of: str
    stale: list[str]


class LeftDocument(Document):
    """A time in which members of a group are worked on; `standing` are those that are not."""

    group: str
    start: str
    end: str
    left: int
    size: int
    min_up: int
    standing: list[str]
    because: list[str]


class WindowList(Listing):
    windows: list[JudgedWindow]
    timeline: list[LeftDocument]


class MaintenanceList(Listing):
    maintenances: list[MaintenanceDocument]


class NoticeList(Listing):
    notices: list[NoticeDocument]


class SourceState(Document):
    name: str
    from_: str = Field(alias="from")
    state: str
    last_fetch: str | None
    last_content: str | None
    reason: str | None
    kind: str
    age_s: int | None
    known_until: str | None
    notices: dict[str, int]


class SourceList(Listing):
    sources: list[SourceState]


class EntryDocument(Document):
    id: str
    kind: str
    circuits: list[str]
    start: str
    end: str
    impact: str
    state: str
    title: str


class GroupDocument(Document):
    name: str
    left: int
    size: int
    min_up: int


class StatusDocument(Listing):
    until: str
    groups: list[GroupDocument]
    timeline: list[LeftDocument]
    running: list[EntryDocument]
    next: list[EntryDocument]
    attention: list[str]


class PastDocument(EntryDocument):
    """A work that would explain what is seen, but is cancelled or over."""

    why: str


class HitDocument(Document):
    circuit: str
    what: str
    now: str | None
    left: list[str]
    planned: list[EntryDocument]
    past: list[PastDocument]
    contact: str | None


class FoundList(Listing):
    text: str
    since: str
    until: str
    found: list[HitDocument]


class CallDocument(Document):
    name: str
    role: str
    noc: str | None
    mail: str | None


class GroupCardDocument(Document):
    """A group at 03:00; `left` is null where the database did not answer."""

    name: str
    left: int | None
    size: int
    min_up: int
    timeline: list[LeftDocument]
    running: list[EntryDocument]
    next: list[EntryDocument]
    commands: list[str]


class EmergencyDocument(Listing):
    until: str
    contacts: list[CallDocument]
    steps: list[str]
    reviewed: str | None
    notes: list[str]
    trouble: list[str]
    groups: list[GroupCardDocument]


class AnnouncementDocument(Document):
    """What one partner is told; `sha256` is that of the mail as it was sent."""

    window: str
    partner: str
    to: str | None
    status: str
    sequence: int
    subject: str
    text: str
    calendar: str
    sent: bool
    sha256: str | None
    file: str | None


class AnnouncementList(Document):
    window: str
    announcements: list[AnnouncementDocument]


class MaintenanceHistory(MaintenanceDocument):
    history: list[NoticeDocument]


class Settled(Document):
    notice: str
    settled: str
    breaks: list[documents.BrokenDocument]


class Told(Document):
    """What was entered by hand, and the bookings that it breaks."""

    maintenance: str
    breaks: list[documents.BrokenDocument]


class ProjectMade(Document):
    config: str
    created: list[str]


class InventoryCheck(Document):
    file: str
    valid: bool
    live: bool
    problems: list[str]


class InventoryDifference(Document):
    changes: list[str]


class InventoryApplied(Document):
    revision: int
    changes: list[str]


class InventoryShown(Document):
    revision: int
    applied: str
    sha256: str
    inventory: dict[str, Any]


class FeedWritten(Document):
    file: str
    entries: int


class AuditVerified(Document):
    ok: bool
    rows: int


class DatabaseChecked(Document):
    ok: bool


class DatabaseUpgraded(Document):
    database: str
    before: str | None
    revision: str


class DrillLineDocument(Document):
    drill: str
    group: str
    survivor: str
    verdict: str
    ended: str | None
    due: str
    approval: str


class DrillList(Listing):
    drills: list[DrillLineDocument]


class RunLine(Document):
    id: str
    drill: str
    group: str
    survivor: str
    state: str
    verdict: str | None
    started: str
    ended: str | None


class RunList(Listing):
    runs: list[RunLine]


class Recovered(Document):
    runs: list[RunDocument]


class ErrorBody(Document):
    kind: str
    message: str
    hint: str


class ErrorDocument(Document):
    error: ErrorBody


DOCUMENTS: dict[str, type[Document]] = {
    "init": ProjectMade,
    "status": StatusDocument,
    "find": FoundList,
    "inventory check": InventoryCheck,
    "inventory diff": InventoryDifference,
    "inventory apply": InventoryApplied,
    "inventory show": InventoryShown,
    "calendar import": documents.ImportDocument,
    "calendar sources": SourceList,
    "calendar list": MaintenanceList,
    "calendar show": MaintenanceHistory,
    "calendar review": NoticeList,
    "calendar resolve": Settled,
    "calendar add": Told,
    "calendar update": Told,
    "calendar cancel": Told,
    "window check": documents.WindowCheck,
    "window book": WindowDocument,
    "window suggest": documents.Suggestions,
    "window list": WindowList,
    "window show": JudgedWindow,
    "window announce": AnnouncementList,
    "window approve": WindowDocument,
    "window reject": WindowDocument,
    "window ack": WindowDocument,
    "window move": WindowDocument,
    "window start": WindowDocument,
    "window finish": WindowDocument,
    "window cancel": WindowDocument,
    "drill list": DrillList,
    "drill run": RunDocument,
    "drill runs": RunList,
    "drill show": RunDocument,
    "drill recover": Recovered,
    "emergency": EmergencyDocument,
    "feed export": FeedWritten,
    "audit verify": AuditVerified,
    "db upgrade": DatabaseUpgraded,
    "db check": DatabaseChecked,
}


def source_list(as_of: datetime, rows: Iterable[SourceLine]) -> SourceList:
    """Every source with its state; those that are not ok are the stale ones."""
    lines = list(rows)
    return SourceList(
        as_of=iso(as_of.replace(microsecond=0)),
        stale=[row.name for row in lines if row.state != "ok"],
        sources=[
            SourceState(
                name=row.name,
                state=row.state,
                last_fetch=iso(row.last_fetch) if row.last_fetch else None,
                last_content=iso(row.last_content) if row.last_content else None,
                reason=row.reason or None,
                kind=row.kind,
                age_s=int((as_of - row.last_fetch).total_seconds()) if row.last_fetch else None,
                known_until=iso(row.known_until.replace(microsecond=0)) if row.known_until else None,
                notices=dict(row.counts),
                **{"from": row.location},
            )
            for row in lines
        ],
    )
