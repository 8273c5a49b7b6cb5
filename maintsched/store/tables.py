"""The tables. Times are aware UTC (SQLModel's plain `datetime`); what is stored as JSON text is canonical."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

# No slot of ours is longer: so a lookup needs not begin earlier than that. SQLite counts days in floats; PostgreSQL's
# own text stands in the migration.
_NOT_ENDLESS = "julianday(ends_at) - julianday(starts_at) < 31.00001"
_FALSE = {"server_default": false()}


class AuditRow(SQLModel, table=True):
    """`body` is the exact text that the chain hashes; the other columns repeat it for queries."""

    __tablename__ = "audit"
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime
    actor: str
    login: str
    action: str = Field(index=True)
    object: str = Field(index=True)
    body: str
    previous: str
    hash: str


class InventoryRow(SQLModel, table=True):
    __tablename__ = "inventory"
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    applied_at: datetime
    sha256: str
    canonical: str
    reason: str


class SourceRow(SQLModel, table=True):
    """State of a calendar source; `content_sha256` is over what was read last."""

    __tablename__ = "source"
    name: str = Field(primary_key=True)
    state: str
    last_try: datetime
    last_fetch: datetime | None = None
    last_content: datetime | None = None
    known_until: datetime | None = None
    confirmed_at: datetime | None = None
    content_sha256: str | None = None
    error: str | None = None
    validators: str = Field(default="", sa_column_kwargs={"server_default": ""})


class EntryRow(SQLModel, table=True):
    """What a source that is replaced as a whole held last, piece by piece.

    `mark` and `raw_sha256` are of the bytes that were taken; `missing` counts the polls since it was there last;
    `settings` is a hash of the source's settings
    with which it was read, `known_until` how far in time one that recurs was expanded.
    """

    __tablename__ = "entry"
    source: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    mark: str
    raw_sha256: str
    settings: str = ""
    known_until: datetime | None = Field(default=None, index=True)
    missing: int = 0
    missing_since: datetime | None = None


class NotOursRow(SQLModel, table=True):
    """Objects and places of a source that a person said are not ours, by name or shell pattern."""

    __tablename__ = "not_ours"
    source: str = Field(primary_key=True)
    pattern: str = Field(primary_key=True)
    by: str
    at: datetime
    reason: str


class RawRow(SQLModel, table=True):
    """A message exactly as received."""

    __tablename__ = "raw"
    sha256: str = Field(primary_key=True)
    data: bytes
    received_at: datetime


class NoticeRow(SQLModel, table=True):
    """One notice of a raw message; state is taken, review, not_ours, foreign, ignored, resolved or superseded.

    `ref` is of the ticket that it belongs to; only where it `counts` it makes a difference to the ticket's
    maintenances. `settles`: what ends its review: the next sound revision, its source, or a person alone.
    """

    __tablename__ = "notice"
    id: int | None = Field(default=None, primary_key=True)
    raw_sha256: str = Field(foreign_key="raw.sha256", index=True)
    position: int
    source: str = Field(index=True)
    origin: str
    received_at: datetime
    state: str = Field(index=True)
    reason: str = ""
    title: str
    parsed: str
    concerns: str
    resolution: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    maintenance_id: int | None = Field(default=None, foreign_key="maintenance.id", index=True)
    ref: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    counts: bool = Field(default=True, sa_column_kwargs={"server_default": "1"})
    settles: str = Field(default="next", sa_column_kwargs={"server_default": "next"})


class MaintenanceRow(SQLModel, table=True):
    """`version` grows, from 0, with every change that can be seen, at `changed_at`: a feed's SEQUENCE.

    `ref` is provider and id without regard to case, the same for each `part` of a ticket with several windows.
    `vanished_at`: since when its source does not have it any more, although nobody cancelled it.
    """

    __tablename__ = "maintenance"
    __table_args__ = (
        UniqueConstraint("provider", "account", "maintenance_id", name="one_maintenance_per_key"),
        CheckConstraint("starts_at < ends_at", name="maintenance_ends_after_it_starts"),
    )
    id: int | None = Field(default=None, primary_key=True)
    source: str
    provider: str
    account: str
    maintenance_id: str
    ref: str = Field(index=True, sa_column_kwargs={"server_default": ""})
    part: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    uid: str = Field(index=True)
    status: str = Field(index=True)
    impact: str
    starts_at: datetime = Field(index=True)
    ends_at: datetime = Field(index=True)
    sequence: int | None = None
    title: str
    needs_review: str = ""
    sites: str
    objects: str
    revisions: int
    version: int
    changed_at: datetime
    vanished_at: datetime | None = None


class AliasRow(SQLModel, table=True):
    """What else a maintenance is called, as `ref` of MaintenanceRow is."""

    __tablename__ = "alias"
    ref: str = Field(primary_key=True)
    maintenance_id: int = Field(primary_key=True, foreign_key="maintenance.id", index=True)


class MaintenanceCircuitRow(SQLModel, table=True):
    __tablename__ = "maintenance_circuit"
    maintenance_id: int = Field(primary_key=True, foreign_key="maintenance.id")
    circuit: str = Field(primary_key=True, index=True)
    impact: str
    how: str


class FreezeRow(SQLModel, table=True):
    """One freeze of a freeze calendar, expanded up to the source's horizon."""

    __tablename__ = "freeze"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="freeze_ends_after_it_starts"),)
    calendar: str = Field(primary_key=True)
    starts_at: datetime = Field(primary_key=True)
    ends_at: datetime = Field(primary_key=True)
    name: str


class WindowRow(SQLModel, table=True):
    """A slot that we booked; `kind` is window or drill.

    `booked_at`: when this slot was asked for (moving asks anew, as `moved_by`). `revision` grows with whatever makes
    the approvals void. `approved_at`: since when there are enough of them. From `expires_at` on the window is expired,
    whatever `state` says, which the next writer corrects.
    """

    __tablename__ = "window"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="window_ends_after_it_starts"),
        Index("ix_window_times", "id", "starts_at", "ends_at", unique=True),
        Index("ix_window_state_ends_at", "state", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    state: str = Field(index=True)
    starts_at: datetime = Field(index=True)
    ends_at: datetime = Field(index=True)
    impact: str
    title: str
    change_id: str | None = None
    rollback: str | None = None
    shares: str = "[]"
    requester: str
    login: str
    booked_at: datetime
    changed_at: datetime
    sequence: int = 0
    emergency: bool = Field(default=False, index=True, sa_column_kwargs=_FALSE)
    override: bool = Field(default=False, sa_column_kwargs=_FALSE)
    accept_outage: bool = Field(default=False, sa_column_kwargs=_FALSE)
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    partner_ref: str | None = None
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    moved_by: str | None = None
    moved_login: str | None = None
    approved_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, index=True)


class WindowCircuitRow(SQLModel, table=True):
    """The circuits of a window, with its times: the database keeps them equal to the window's."""

    __tablename__ = "window_circuit"
    __table_args__ = (
        ForeignKeyConstraint(
            ["window_id", "starts_at", "ends_at"],
            ["window.id", "window.starts_at", "window.ends_at"],
            onupdate="CASCADE",
        ),
        CheckConstraint(_NOT_ENDLESS, name="window_is_not_endless"),
        Index("ix_window_circuit_slot", "circuit", "starts_at", "ends_at"),
    )
    window_id: int = Field(primary_key=True)
    circuit: str = Field(primary_key=True)
    starts_at: datetime
    ends_at: datetime


class WindowApprovalRow(SQLModel, table=True):
    """Somebody's yes to a window as it stands; `statement` is what a signed one signs."""

    __tablename__ = "window_approval"
    window_id: int = Field(primary_key=True, foreign_key="window.id")
    by: str = Field(primary_key=True)
    login: str
    at: datetime
    reason: str
    statement: str | None = None


class ClaimRow(SQLModel, table=True):
    """What a booking takes from a group, its bare interval. Where `enforced`, the database refuses a second member."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="claim_ends_after_it_starts"),
        CheckConstraint(_NOT_ENDLESS, name="claim_is_not_endless"),
        Index("ix_claim_slot", "group_name", "starts_at", "ends_at", "circuit"),
    )
    window_id: int = Field(primary_key=True, foreign_key="window.id")
    group_name: str = Field(primary_key=True)
    circuit: str = Field(primary_key=True)
    starts_at: datetime
    ends_at: datetime
    enforced: bool


class ApprovalRow(SQLModel, table=True):
    """Somebody's yes to a drill's plan, bound to its hash, for `runs` runs until `until`."""

    __tablename__ = "approval"
    id: int | None = Field(default=None, primary_key=True)
    drill: str = Field(index=True)
    plan_hash: str
    by: str
    login: str
    at: datetime
    until: datetime | None = None
    runs: int
    used: int = 0
    statement: str | None = None


class RunRow(SQLModel, table=True):
    """A run: `state` is running, ended or lost (its runner died). `document` is its record, once there is one."""

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    drill: str = Field(index=True)
    group_name: str
    survivor: str
    state: str
    verdict: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    host: str
    pid: int
    pid_started: str
    journal: str
    document: str | None = None


class RunLockRow(SQLModel, table=True):
    """At most one run per group: inserting the row is the start."""

    __tablename__ = "run_lock"
    group_name: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")


class JournalRow(SQLModel, table=True):
    """The database's copy of a run's local journal."""

    __tablename__ = "journal"
    run_id: str = Field(primary_key=True, foreign_key="run.id")
    n: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime
    step: str
    state: str
    detail: str
