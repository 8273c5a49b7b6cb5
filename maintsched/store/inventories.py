"""The inventory in force: every revision is kept, the newest counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select as sql_select
from sqlmodel import col, or_, select

from maintsched.store.engine import Transaction
from maintsched.store.tables import InventoryRow, MaintenanceCircuitRow, RunRow, WindowCircuitRow, WindowRow

_INVENTORY: Any = InventoryRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_NEWEST_SEAL = sql_select(_INVENTORY.c.sha256).order_by(_INVENTORY.c.revision.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class InventoryInForce:
    revision: int
    applied_at: datetime
    sha256: str
    canonical: bytes
    reason: str


def in_force(tx: Transaction) -> InventoryInForce | None:
    row = tx.session.exec(select(InventoryRow).order_by(col(InventoryRow.revision).desc()).limit(1)).first()
    if row is None:
        return None
    return InventoryInForce(row.revision, row.applied_at, row.sha256, row.canonical.encode(), row.reason)


def seal_in_force(tx: Transaction) -> str | None:
    """The SHA-256 of the inventory in force: enough to tell whether it is another one."""
    found = tx.rows(_NEWEST_SEAL)
    return found[0].sha256 if found else None


def put_in_force(tx: Transaction, canonical: bytes, reason: str, changes: tuple[str, ...]) -> int:
    """Make this the inventory in force; returns its revision."""
    before = in_force(tx)
    revision = before.revision + 1 if before else 1
    digest = sha256(canonical).hexdigest()
    tx.session.add(
        InventoryRow(revision=revision, applied_at=tx.now, sha256=digest, canonical=canonical.decode(), reason=reason)
    )
    payload = {"sha256": digest, "reason": reason, "changes": list(changes[:200]), "changes_in_all": len(changes)}
    tx.audit("inventory.apply", f"inventory {revision}", payload)
    return revision


def circuits_in_use(tx: Transaction, counting: tuple[str, ...], now: datetime) -> dict[str, str]:
    """Circuits that open windows or open maintenances name, each with an example of what names it."""
    from maintsched.store.tables import MaintenanceRow

    used: dict[str, str] = {}
    window_rows = tx.session.exec(
        select(WindowCircuitRow.circuit, WindowRow.id)
        .join(WindowRow, col(WindowRow.id) == WindowCircuitRow.window_id)
        .where(
            col(WindowRow.state).in_(counting),
            or_(WindowRow.ends_at > now, WindowRow.state == "in_progress"),
            or_(col(WindowRow.expires_at).is_(None), col(WindowRow.expires_at) > now),
        )
    )
    for circuit, window in window_rows:
        used.setdefault(circuit, f"window W-{window}")
    maintenance_rows = tx.session.exec(
        select(MaintenanceCircuitRow.circuit, MaintenanceRow.id)
        .join(MaintenanceRow, col(MaintenanceRow.id) == MaintenanceCircuitRow.maintenance_id)
        .where(MaintenanceRow.ends_at > now, col(MaintenanceRow.status).not_in(["CANCELLED", "COMPLETED"]))
    )
    for circuit, maintenance in maintenance_rows:
        used.setdefault(circuit, f"maintenance M-{maintenance}")
    for run in tx.session.exec(select(RunRow).where(RunRow.state == "running")):
        used.setdefault(run.survivor, f"run {run.id}")
    return used
