"""Notices as kept, and their raw messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from maintsched.domain.conflict import OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Notice
from maintsched.domain.noticetext import notice_from_text, notice_text
from maintsched.store.engine import Transaction
from maintsched.store.tables import (
    NoticeRow,
    RawRow,
)

REVIEW = "review"


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


def raw(tx: Transaction, sha256: str) -> bytes:
    return tx.session.get_one(RawRow, sha256).data


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


def settle_notice(
    tx: Transaction,
    notice_id: int,
    state: str,
    resolution: str,
    maintenance: int | None = None,
    *,
    said: Notice | None = None,
) -> None:
    """A person's decision about a notice in review; `said` is what it counts as from now on."""
    row = tx.session.get_one(NoticeRow, notice_id)
    row.state, row.resolution = state, resolution
    if said is not None:
        row.parsed = notice_text(said)
    row.maintenance_id = maintenance if maintenance is not None else row.maintenance_id


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


def revisions_of(tx: Transaction, maintenance: int) -> tuple[Notice, ...]:
    """The notices that add up to it; what a person ignored does not count."""
    found = notices(tx, maintenance=maintenance)
    return tuple(stored.notice for stored in found if stored.notice is not None and stored.state != "ignored")


def open_reviews(tx: Transaction) -> tuple[OpenReview, ...]:
    """What blocks until a person has looked."""
    return tuple(
        OpenReview(f"N-{stored.id}", stored.reason, stored.concerns, stored.interval)
        for stored in notices(tx, state=REVIEW)
    )
