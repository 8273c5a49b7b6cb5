"""What a source does not hold any more without having cancelled it: it counts on, and people are told."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select

from maintsched.domain.notice import Status
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import reference_of
from maintsched.store.sources import entries_of, in_chunks, note_missing
from maintsched.store.tables import MaintenanceRow, NoticeRow

POLLS = 3  # a feed that is built anew may lack an entry once


def note_vanished(tx: Transaction, source: str, keys: Collection[str]) -> list[str]:
    """These entries were not there in this poll; returns a line for each maintenance that is now taken for vanished."""
    if not keys:
        return []
    note_missing(tx, source, keys)
    raws = {entry.raw_sha256: entry for entry in entries_of(tx, source, keys).values() if entry.missing == POLLS}
    lines = []
    for some in in_chunks(raws):
        query = (
            select(MaintenanceRow, NoticeRow.raw_sha256)
            .join(NoticeRow, col(NoticeRow.maintenance_id) == MaintenanceRow.id)
            .where(NoticeRow.source == source, col(NoticeRow.raw_sha256).in_(some), MaintenanceRow.ends_at > tx.now)
        )
        for row, raw in tx.session.exec(query).all():
            if row.vanished_at is None and Status(row.status).counts:
                row.vanished_at = raws[raw].missing_since or tx.now
                reference = reference_of((row.provider, row.account, row.maintenance_id), row.source)
                lines.append(
                    f"M-{row.id} {reference}: it is not in {source} any more, but nobody cancelled it: it counts on"
                )
    return lines
