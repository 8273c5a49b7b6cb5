"""Sources, raw messages, notices and maintenances."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, delete, or_, select

from maintsched.domain.conflict import Occupation, OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import Key, Maintenance
from maintsched.domain.matching import CircuitImpact
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.domain.noticetext import notice_from_text, notice_text, objects_from
from maintsched.store.engine import Transaction
from maintsched.store.tables import (
    MaintenanceCircuitRow,
    MaintenanceRow,
    NoticeRow,
    RawRow,
    SourceRow,
)

REVIEW = "review"
TOLD = "person"  # how a circuit is hit: a person said so; no later matching takes that back


@dataclass(frozen=True, slots=True)
class SourceState:
    """`state` is ok or unavailable; `known_until` bounds the expansion of its recurring entries."""

    name: str
    state: str
    last_try: datetime
    last_fetch: datetime | None
    last_content: datetime | None
    confirmed_at: datetime | None
    content_sha256: str | None
    known_until: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as kept. `state`: taken, review, not_ours, foreign, ignored, resolved or matched_again."""

    id: int
    raw_sha256: str
    source: str
    origin: str
    received_at: datetime
    state: str
    reason: str
    title: str
    concerns: tuple[str, ...]
    interval: Interval | None
    notice: Notice | None
    maintenance: int | None
    resolution: str


@dataclass(frozen=True, slots=True)
class StoredMaintenance:
    """A maintenance as kept, with the circuits of ours that it hits."""

    id: int
    source: str
    maintenance: Maintenance
    circuits: tuple[CircuitImpact, ...]
    revisions: int
    version: int
    changed_at: datetime

    @property
    def told(self) -> tuple[CircuitImpact, ...]:
        """The hits that a person has told."""
        return tuple(hit for hit in self.circuits if hit.how == TOLD)

    @property
    def reference(self) -> str:
        """What its provider calls it."""
        return reference_of(self.maintenance.key, self.source)


def reference_of(key: Key, source: str) -> str:
    """Provider and ticket; the provider alone where the ticket is a UID that its source made up."""
    return key[0] if key[2].startswith(f"{source}:") else f"{key[0]} {key[2]}"


def source_states(tx: Transaction) -> dict[str, SourceState]:
    rows = tx.session.exec(select(SourceRow))
    return {row.name: SourceState(**row.model_dump()) for row in rows}


def put_source(tx: Transaction, state: SourceState) -> None:
    tx.session.merge(SourceRow(**asdict(state)))


def has_raw(tx: Transaction, sha256: str, source: str) -> bool:
    """Whether this source's message was taken before, byte for byte."""
    query = select(NoticeRow.id).where(NoticeRow.raw_sha256 == sha256, NoticeRow.source == source).limit(1)
    return tx.session.exec(query).first() is not None


def add_raw(tx: Transaction, sha256: str, data: bytes) -> None:
    if tx.session.get(RawRow, sha256) is None:
        tx.session.add(RawRow(sha256=sha256, data=data, received_at=tx.now))
        tx.session.flush()


def raw(tx: Transaction, sha256: str) -> bytes:
    return tx.session.get_one(RawRow, sha256).data


def add_notice(
    tx: Transaction,
    *,
    sha256: str,
    position: int,
    source: str,
    origin: str,
    state: str,
    reason: str,
    title: str,
    notice: Notice | None,
    concerns: Iterable[str],
    maintenance: int | None,
) -> int:
    """Keep one notice of a raw message; returns its id."""
    interval = notice.interval if notice else None
    row = NoticeRow(
        raw_sha256=sha256,
        position=position,
        source=source,
        origin=origin,
        received_at=tx.now,
        state=state,
        reason=reason,
        title=title,
        parsed=notice_text(notice) if notice else "",
        concerns=json.dumps(sorted(concerns)),
        starts_at=interval.start if interval else None,
        ends_at=interval.end if interval else None,
        maintenance_id=maintenance,
    )
    tx.session.add(row)
    tx.session.flush()
    assert row.id is not None  # flushed
    return row.id


def notices(tx: Transaction, *, state: str | None = None, maintenance: int | None = None) -> tuple[StoredNotice, ...]:
    """Oldest first."""
    query = select(NoticeRow).order_by(col(NoticeRow.id))
    if state is not None:
        query = query.where(NoticeRow.state == state)
    if maintenance is not None:
        query = query.where(NoticeRow.maintenance_id == maintenance)
    return tuple(_stored_notice(row) for row in tx.session.exec(query))


def get_notice(tx: Transaction, notice_id: int) -> StoredNotice | None:
    row = tx.session.get(NoticeRow, notice_id)
    return _stored_notice(row) if row else None


def settle_notice(tx: Transaction, notice_id: int, state: str, resolution: str, maintenance: int | None = None) -> None:
    """A person's decision about a notice in review."""
    row = tx.session.get_one(NoticeRow, notice_id)
    row.state, row.resolution = state, resolution
    row.maintenance_id = maintenance if maintenance is not None else row.maintenance_id


def settle_earlier(tx: Transaction, maintenance: int, newest: int) -> None:
    """A sound later revision leaves no doubt about the earlier ones."""
    query = select(NoticeRow).where(
        NoticeRow.maintenance_id == maintenance, NoticeRow.state == REVIEW, col(NoticeRow.id) < newest
    )
    for row in tx.session.exec(query):
        row.state, row.resolution = "taken", f"settled by revision {newest}"


def _stored_notice(row: NoticeRow) -> StoredNotice:
    return StoredNotice(
        id=row.id or 0,
        raw_sha256=row.raw_sha256,
        source=row.source,
        origin=row.origin,
        received_at=row.received_at,
        state=row.state,
        reason=row.reason,
        title=row.title,
        concerns=tuple(json.loads(row.concerns)),
        interval=Interval(row.starts_at, row.ends_at) if row.starts_at and row.ends_at else None,
        notice=notice_from_text(row.parsed) if row.parsed else None,
        maintenance=row.maintenance_id,
        resolution=row.resolution,
    )


class KnownKeys:
    """Every maintenance's key, with its id; read once, as an import asks for each of its notices."""

    def __init__(self, tx: Transaction) -> None:
        self._by_name: dict[tuple[str, str], dict[Key, int]] = {}
        row = MaintenanceRow
        for provider, account, name, number in tx.session.exec(
            select(row.provider, row.account, row.maintenance_id, row.id)
        ):
            self.note((provider, account, name), number or 0)

    def like(self, notice: Notice) -> dict[Key, int]:
        """Those that this may be a revision of: of its provider and id, whatever the case, under any account."""
        return self._by_name.get((notice.provider.casefold(), notice.maintenance_id.casefold()), {})

    def note(self, key: Key, number: int) -> None:
        """It is called so now."""
        same = self._by_name.setdefault((key[0].casefold(), key[2].casefold()), {})
        for old in [each for each, known in same.items() if known == number]:
            del same[old]
        same[key] = number


def revisions_of(tx: Transaction, maintenance: int) -> tuple[Notice, ...]:
    """The notices that add up to it; what a person ignored does not count."""
    found = notices(tx, maintenance=maintenance)
    return tuple(stored.notice for stored in found if stored.notice is not None and stored.state != "ignored")


def put_maintenance(
    tx: Transaction,
    maintenance: Maintenance,
    *,
    source: str,
    circuits: Iterable[CircuitImpact],
    revisions: int,
    known: int | None,
) -> int:
    """Insert or update; returns its id. The interval must be known. Only what can be seen makes a new version."""
    values = _maintenance_values(maintenance)
    hits = {hit.circuit: (hit.impact.value, hit.how) for hit in circuits}
    if known is None:
        row = MaintenanceRow(source=source, revisions=revisions, version=0, changed_at=tx.now, **values)
        tx.session.add(row)
        tx.session.flush()
        assert row.id is not None  # flushed
        _put_hits(tx, row.id, hits)
        return row.id
    row = tx.session.get_one(MaintenanceRow, known)
    was = tx.session.exec(select(MaintenanceCircuitRow).where(MaintenanceCircuitRow.maintenance_id == known))
    row.revisions = revisions
    same_hits = hits == {hit.circuit: (hit.impact, hit.how) for hit in was}
    if same_hits and all(getattr(row, name) == value for name, value in values.items()):
        return known
    for name, value in values.items():
        setattr(row, name, value)
    row.version, row.changed_at = row.version + 1, tx.now
    tx.session.flush()
    if not same_hits:
        tx.session.execute(delete(MaintenanceCircuitRow).where(col(MaintenanceCircuitRow.maintenance_id) == known))
        _put_hits(tx, known, hits)
    return known


def _put_hits(tx: Transaction, maintenance: int, hits: dict[str, tuple[str, str]]) -> None:
    for circuit, (impact, how) in hits.items():
        tx.session.add(MaintenanceCircuitRow(maintenance_id=maintenance, circuit=circuit, impact=impact, how=how))
    tx.session.flush()


def _maintenance_values(maintenance: Maintenance) -> dict[str, Any]:
    if maintenance.interval is None:
        raise ValueError("a maintenance without a time is not kept; its notice goes to review")
    return {
        "provider": maintenance.key[0],
        "account": maintenance.key[1],
        "maintenance_id": maintenance.key[2],
        "uid": maintenance.uid,
        "status": maintenance.status.value,
        "impact": maintenance.impact.value,
        "starts_at": maintenance.interval.start,
        "ends_at": maintenance.interval.end,
        "sequence": maintenance.sequence,
        "title": maintenance.title,
        "needs_review": "; ".join(maintenance.needs_review),
        "sites": json.dumps(maintenance.sites),
        "objects": json.dumps([asdict(item) for item in maintenance.objects]),
    }


def maintenances(
    tx: Transaction, *, near: Interval | None = None, ids: Iterable[int] | None = None
) -> tuple[StoredMaintenance, ...]:
    """By start; `near` leaves out what does not overlap it and is not in process."""
    query = select(MaintenanceRow).order_by(col(MaintenanceRow.starts_at), col(MaintenanceRow.id))
    if near is not None:
        running = MaintenanceRow.status == Status.IN_PROCESS.value  # it may overrun: its planned end says nothing
        query = query.where(MaintenanceRow.starts_at < near.end, or_(MaintenanceRow.ends_at > near.start, running))
    if ids is not None:
        query = query.where(col(MaintenanceRow.id).in_(list(ids)))
    rows = tx.session.exec(query).all()
    hits: dict[int, list[CircuitImpact]] = {}
    wanted = [row.id for row in rows]
    for hit in tx.session.exec(
        select(MaintenanceCircuitRow)
        .where(col(MaintenanceCircuitRow.maintenance_id).in_(wanted))
        .order_by(MaintenanceCircuitRow.circuit)
    ):
        hits.setdefault(hit.maintenance_id, []).append(CircuitImpact(hit.circuit, Impact(hit.impact), hit.how))
    return tuple(_stored_maintenance(row, hits.get(row.id or 0, [])) for row in rows)


def _stored_maintenance(row: MaintenanceRow, circuits: list[CircuitImpact]) -> StoredMaintenance:
    return StoredMaintenance(
        id=row.id or 0,
        source=row.source,
        maintenance=Maintenance(
            key=(row.provider, row.account, row.maintenance_id),
            uid=row.uid,
            title=row.title,
            interval=Interval(row.starts_at, row.ends_at),
            status=Status(row.status),
            impact=Impact(row.impact),
            objects=objects_from(json.loads(row.objects)),
            sites=tuple(json.loads(row.sites)),
            sequence=row.sequence,
            stamp=None,
            needs_review=tuple(filter(None, row.needs_review.split("; "))),
        ),
        circuits=tuple(circuits),
        revisions=row.revisions,
        version=row.version,
        changed_at=row.changed_at,
    )


def occupations(stored: StoredMaintenance, guard: timedelta, now: datetime) -> tuple[Occupation, ...]:
    """What a maintenance takes; none when it is over. Work in process counts until it is said to be over: when it
    overruns, up to one guard from now."""
    maintenance = stored.maintenance
    if maintenance.interval is None or not maintenance.status.counts:
        return ()
    interval = maintenance.interval
    if maintenance.status is Status.IN_PROCESS and interval.end <= now:
        interval = Interval(interval.start, now + guard)
    return tuple(
        Occupation(
            kind="maintenance",
            id=f"M-{stored.id}",
            title=maintenance.title,
            circuit=hit.circuit,
            interval=interval,
            impact=hit.impact,
            how=hit.how,
            fact=True,
            reference=stored.reference,
            tentative=maintenance.status is Status.TENTATIVE,
        )
        for hit in stored.circuits
    )


def open_reviews(tx: Transaction) -> tuple[OpenReview, ...]:
    """What blocks until a person has looked."""
    return tuple(
        OpenReview(f"N-{stored.id}", stored.reason, stored.concerns, stored.interval)
        for stored in notices(tx, state=REVIEW)
    )
