"""Drills as they are listed, tried without touching anything, and looked up again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from maintsched.domain.drill import Command, Gate, Run
from maintsched.domain.interval import Interval, iso
from maintsched.errors import NotFound
from maintsched.services import gates
from maintsched.services.booking import judge_drill
from maintsched.services.drillplan import PlannedDrill, plan_drill, usable_approval
from maintsched.services.interruption import Interruption
from maintsched.services.journal import Journal
from maintsched.services.preparing import prepared
from maintsched.services.project import Project
from maintsched.services.records import run_from_document
from maintsched.store import runs
from maintsched.store.runs import StoredRun


@dataclass(frozen=True, slots=True)
class DrillLine:
    """A drill and one of its survivors: when it was last proven, and whether that is long enough ago."""

    drill: str
    group: str
    survivor: str
    verdict: str
    ended: datetime | None
    due: str
    approval: str

    def document(self) -> dict[str, Any]:
        return {
            "drill": self.drill,
            "group": self.group,
            "survivor": self.survivor,
            "verdict": self.verdict,
            "ended": iso(self.ended) if self.ended else None,
            "due": self.due,
            "approval": self.approval,
        }


def drill_rows(project: Project) -> list[DrillLine]:
    """One line per drill and survivor."""
    rows = []
    for drill in project.inventory.drills.values():
        group = project.inventory.groups[drill.group]
        for survivor in (name for name in group.circuits if name != group.primary):
            planned = plan_drill(project, drill.name, survivor=survivor)
            with project.store.read() as tx:
                past = [run for run in runs.runs(tx, drill=drill.name) if run.survivor == survivor and run.verdict]
                approval, why = usable_approval(tx, project, planned)
            last = past[0] if past else None
            passed = next((run for run in past if run.verdict == "PASS"), None)
            due = _due(project, passed)
            said = why if approval else "none"
            verdict = str(last.verdict) if last else "–"
            rows.append(DrillLine(drill.name, group.name, survivor, verdict, last.ended if last else None, due, said))
    return rows


def _due(project: Project, passed: StoredRun | None) -> str:
    if passed is None or passed.ended is None:
        return "overdue: never passed"
    due = passed.ended + project.inventory.policy.drill_every
    return f"{due:%Y-%m-%d}" if due > project.now() else f"overdue since {due:%Y-%m-%d}"


def stored_runs(project: Project, drill: str | None) -> tuple[StoredRun, ...]:
    with project.store.read() as tx:
        return runs.runs(tx, drill=drill)


def kept_run(project: Project, prefix: str) -> Run:
    """The record of a run, by its id or an unambiguous beginning of it. Raises NotFound."""
    with project.store.read() as tx:
        hits = runs.find_runs(tx, prefix)
    exact = [run for run in hits if run.id == prefix] or list(hits)
    if len(exact) != 1:
        what = "no run" if not exact else f"{len(exact)} runs"
        raise NotFound(f"{what} called {prefix}", "`maintsched drill runs` lists them")
    if exact[0].document is None:
        raise NotFound(f"run {exact[0].id} has no record yet: it is {exact[0].state}", "`maintsched drill recover`")
    return run_from_document(exact[0].document)


class _NothingIsSent:
    """The ledger of a dry run: a command that changes something would be a bug."""

    def intend(self, command: Command, text: str, undo: str) -> None:
        raise RuntimeError(f"a dry run was about to send {text}")

    def result(self, command: Command, text: str, outcome: str, output_sha256: str | None) -> None:
        raise RuntimeError(f"a dry run sent {text}")


def dry_run(project: Project, planned: PlannedDrill, say: Callable[[str], None]) -> tuple[Gate, ...]:
    """The gates as they stand now: it logs in, reads, and sends probes; it changes nothing."""
    now = project.now()
    interval = Interval(now, now + planned.plan.deadman_after + planned.plan.prove)
    with project.store.read() as tx:
        conflicts = judge_drill(tx, project.inventory, planned.plan.primary, interval, now)
        approval, why = usable_approval(tx, project, planned)
    with TemporaryDirectory(prefix="maintsched-plan-") as folder:
        journal = Journal.open(Path(folder) / "R-plan.jsonl", {"run": "plan"})
        try:
            with prepared(
                project, planned, "R-plan", journal, _NothingIsSent(), Interruption(), lambda _: None
            ) as ready:
                return gates.evaluate(ready.evidence(conflicts, (approval is not None, why)))
        finally:
            journal.close()
