"""Drill runs, their lock per group, approvals of plans, and the journal's copy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from maintsched.domain.actor import Actor
from maintsched.domain.drill import TimelineEntry
from maintsched.store.engine import Transaction
from maintsched.store.tables import ApprovalRow, AuditRow, JournalRow, RunLockRow, RunRow


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that runs a drill: its machine, pid and start time (a pid may be another's later)."""

    host: str
    pid: int
    pid_started: str


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as kept: `state` running, ended or lost; `document` is the run document, None while it runs."""

    id: str
    drill: str
    group: str
    survivor: str
    state: str
    verdict: str | None
    started: datetime
    ended: datetime | None
    owner: Owner
    journal: str
    document: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Approval:
    id: int
    drill: str
    plan_hash: str
    by: Actor
    at: datetime
    until: datetime | None
    runs: int
    used: int
    statement: str | None

    @property
    def signed(self) -> bool:
        """Whether an SSH signature over `statement` came with it."""
        return self.statement is not None

    def holds(self, plan_hash: str, now: datetime) -> bool:
        """Whether it still covers one more run of exactly this plan."""
        return self.plan_hash == plan_hash and self.used < self.runs and (self.until is None or now < self.until)


def begin_run(tx: Transaction, run: StoredRun) -> str | None:
    """Take the group's lock for `run`. Returns the id of the run that has it instead, where one does."""
    held = tx.session.get(RunLockRow, run.group)
    if held is not None:
        return held.run_id
    tx.session.add(
        RunRow(
            id=run.id,
            drill=run.drill,
            group_name=run.group,
            survivor=run.survivor,
            state="running",
            started_at=run.started,
            host=run.owner.host,
            pid=run.owner.pid,
            pid_started=run.owner.pid_started,
            journal=run.journal,
        )
    )
    tx.session.flush()
    tx.session.add(RunLockRow(group_name=run.group, run_id=run.id))
    tx.audit("drill.begin", run.id, {"drill": run.drill, "group": run.group, "survivor": run.survivor})
    return None


def end_run(
    tx: Transaction,
    run_id: str,
    verdict: str,
    document: dict[str, Any],
    entries: Iterable[TimelineEntry],
    sha256: str,
    *,
    lost: bool = False,
) -> None:
    """Keep the run's record and journal copy, and give its lock back; `lost`: our change may still be on a router, so
    the lock stays and the run waits to be recovered."""
    row = tx.session.get_one(RunRow, run_id)
    row.state, row.verdict, row.ended_at = "lost" if lost else "ended", verdict, tx.now
    row.document = json.dumps(document, sort_keys=True, ensure_ascii=False)
    lock = tx.session.get(RunLockRow, row.group_name)
    if not lost and lock is not None and lock.run_id == run_id:
        tx.session.delete(lock)
    for n, entry in enumerate(entries):
        tx.session.merge(
            JournalRow(run_id=run_id, n=n, at=entry.at, step=entry.step, state=entry.state, detail=entry.detail)
        )
    tx.audit("drill.end", run_id, {"verdict": verdict, "record_sha256": sha256})


def runs(
    tx: Transaction, *, states: Iterable[str] | None = None, drill: str | None = None, limit: int = 50
) -> tuple[StoredRun, ...]:
    """Newest first."""
    query = select(RunRow).order_by(col(RunRow.started_at).desc(), col(RunRow.id).desc()).limit(limit)
    if states is not None:
        query = query.where(col(RunRow.state).in_(list(states)))
    if drill is not None:
        query = query.where(RunRow.drill == drill)
    return tuple(_stored(row) for row in tx.session.exec(query))


def intended(tx: Transaction, run_id: str) -> tuple[tuple[str, str, str], ...]:
    """What a run wrote into the audit trail before it sent it: (router, intent, undo), oldest first."""
    query = select(AuditRow).where(AuditRow.action == "router.intend").order_by(col(AuditRow.seq))
    payloads = [(row.object, json.loads(row.body)["payload"]) for row in tx.session.exec(query)]
    return tuple((router, p["intent"], p["undo"]) for router, p in payloads if p["run"] == run_id)


def find_runs(tx: Transaction, prefix: str) -> tuple[StoredRun, ...]:
    """Runs whose id begins with `prefix`."""
    query = select(RunRow).where(col(RunRow.id).startswith(prefix, autoescape=True)).order_by(RunRow.id)
    return tuple(_stored(row) for row in tx.session.exec(query))


def _stored(row: RunRow) -> StoredRun:
    return StoredRun(
        id=row.id,
        drill=row.drill,
        group=row.group_name,
        survivor=row.survivor,
        state=row.state,
        verdict=row.verdict,
        started=row.started_at,
        ended=row.ended_at,
        owner=Owner(row.host, row.pid, row.pid_started),
        journal=row.journal,
        document=None if row.document is None else json.loads(row.document),
    )


def add_approval(
    tx: Transaction, *, drill: str, plan_hash: str, by: Actor, until: datetime | None, runs: int, statement: str | None
) -> int:
    row = ApprovalRow(
        drill=drill,
        plan_hash=plan_hash,
        by=by.name,
        login=by.login,
        at=tx.now,
        until=until,
        runs=runs,
        statement=statement,
    )
    tx.session.add(row)
    tx.session.flush()
    tx.audit(
        "drill.approve", drill, {"plan_hash": plan_hash, "by": by.name, "runs": runs, "signed": statement is not None}
    )
    assert row.id is not None  # flushed
    return row.id


def approvals(tx: Transaction, drill: str) -> tuple[Approval, ...]:
    """All that were ever given for this drill, newest first."""
    query = select(ApprovalRow).where(ApprovalRow.drill == drill).order_by(col(ApprovalRow.id).desc())
    return tuple(
        Approval(
            id=row.id or 0,
            drill=row.drill,
            plan_hash=row.plan_hash,
            by=Actor(row.by, row.login),
            at=row.at,
            until=row.until,
            runs=row.runs,
            used=row.used,
            statement=row.statement,
        )
        for row in tx.session.exec(query)
    )


def use_approval(tx: Transaction, approval_id: int, run_id: str) -> None:
    """Count one run against an approval."""
    row = tx.session.get_one(ApprovalRow, approval_id)
    row.used += 1
    tx.audit("drill.use-approval", run_id, {"approval": approval_id, "used": row.used, "of": row.runs})
