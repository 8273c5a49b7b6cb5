"""Maintenances as kept, and what they take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, delete, or_, select

from maintsched.domain.conflict import Occupation, OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import Key, Maintenance
from maintsched.domain.matching import CircuitImpact
from maintsched.domain.notice import Impact, Status
from maintsched.domain.noticetext import objects_from
from maintsched.domain.overrun import held, overran, overrun_review
from maintsched.store.engine import Transaction
from maintsched.store.tables import MaintenanceCircuitRow, MaintenanceRow

TOLD = "person"  # how a circuit is hit: a person said so; no later matching takes that back


@dataclass(frozen=True, slots=True)
class StoredMaintenance:
    """A maintenance as kept, with the circuits of ours that it hits.

    `vanished_at`: since when its source does not have it any more, although nobody cancelled it.
    """

    id: int
    source: str
    maintenance: Maintenance
    circuits: tuple[CircuitImpact, ...]
    revisions: int
    version: int
    changed_at: datetime
    vanished_at: datetime | None = None

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


def put_hits(tx: Transaction, stored: StoredMaintenance, circuits: Iterable[CircuitImpact]) -> None:
    """What a maintenance hits, anew; a change that can be seen."""
    row = tx.session.get_one(MaintenanceRow, stored.id)
    row.version, row.changed_at = row.version + 1, tx.now
    tx.session.execute(delete(MaintenanceCircuitRow).where(col(MaintenanceCircuitRow.maintenance_id) == stored.id))
    _put_hits(tx, stored.id, {hit.circuit: (hit.impact.value, hit.how) for hit in circuits})


def _put_hits(tx: Transaction, maintenance: int, hits: dict[str, tuple[str, str]]) -> None:
    for circuit, (impact, how) in hits.items():
        tx.session.add(MaintenanceCircuitRow(maintenance_id=maintenance, circuit=circuit, impact=impact, how=how))
    tx.session.flush()


def values_of(maintenance: Maintenance) -> dict[str, Any]:
    """Its columns. Raises ValueError where it has no time."""
    if maintenance.interval is None:
        raise ValueError("a maintenance without a time is not kept; its notice goes to review")
    return {
        "provider": maintenance.key[0],
        "account": maintenance.key[1],
        "maintenance_id": maintenance.key[2],
        "ref": maintenance.ref,
        "part": maintenance.part,
        "uid": maintenance.uid,
        "status": maintenance.status.value,
        "impact": maintenance.impact.value,
        "starts_at": maintenance.interval.start,
        "ends_at": maintenance.interval.end,
        "sequence": maintenance.sequence,
        "title": maintenance.title,
        "needs_review": "; ".join(maintenance.needs_review),
        "sites": json.dumps(maintenance.sites),
        "objects": json.dumps([{"object_id": item.object_id, "impact": item.impact} for item in maintenance.objects]),
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
    return stored_of(tx, tx.session.exec(query).all())


def stored_of(tx: Transaction, rows: Sequence[MaintenanceRow]) -> tuple[StoredMaintenance, ...]:
    """The maintenances of these rows, with what they hit."""
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
            part=row.part,
        ),
        circuits=tuple(circuits),
        revisions=row.revisions,
        version=row.version,
        changed_at=row.changed_at,
        vanished_at=row.vanished_at,
    )


def occupations(stored: StoredMaintenance, guard: timedelta, now: datetime) -> tuple[Occupation, ...]:
    """What a maintenance takes; none when it is over, or overran."""
    maintenance = stored.maintenance
    interval = maintenance.interval and held(maintenance.status, maintenance.interval, now, guard)
    if interval is None:
        return ()
    return tuple(
        fact(
            stored.id,
            maintenance.key,
            stored.source,
            maintenance.title,
            maintenance.status,
            interval,
            hit.circuit,
            hit.impact,
            hit.how,
        )
        for hit in stored.circuits
    )


def overran_review(stored: StoredMaintenance, guard: timedelta, now: datetime) -> OpenReview | None:
    """What a person is asked about work in process whose end is over; None where there is nothing to ask."""
    planned = stored.maintenance.interval
    if planned is None or not overran(stored.maintenance.status, planned, now, guard):
        return None
    return overrun_review(f"M-{stored.id}", planned, (hit.circuit for hit in stored.circuits))


def fact(
    number: int,
    key: Key,
    source: str,
    title: str,
    status: Status,
    interval: Interval,
    circuit: str,
    impact: str,
    how: str,
) -> Occupation:
    """What a maintenance takes of one circuit."""
    return Occupation(
        kind="maintenance",
        id=f"M-{number}",
        title=title,
        circuit=circuit,
        interval=interval,
        impact=Impact(impact),
        how=how,
        fact=True,
        reference=reference_of(key, source),
        tentative=status is Status.TENTATIVE,
    )
