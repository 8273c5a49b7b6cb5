"""Running a drill: gates, baseline, arm, shut, prove, hold, restore, prove, disarm. Whatever happens, it restores."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from maintsched.domain.conflict import Conflict
from maintsched.domain.drill import Action, Check, Finding, GateState, Run, TimelineEntry, Verdict
from maintsched.domain.interval import Interval, iso
from maintsched.domain.measure import outage
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.errors import MaintschedError, Refused, Unavailable
from maintsched.services import gates, steps
from maintsched.services.booking import Request as BookingRequest
from maintsched.services.booking import claims, judge_drill
from maintsched.services.drillplan import PlannedDrill, usable_approval
from maintsched.services.interruption import Aborted, Interruption, interruptible
from maintsched.services.journal import Journal, process_start
from maintsched.services.ledger import DatabaseLedger, write_record
from maintsched.services.preparing import Prepared, prepared
from maintsched.services.project import Project
from maintsched.services.records import told
from maintsched.services.restoring import Outcome, restore
from maintsched.services.steps import CannotTell, NetworkWrong
from maintsched.state import write_traceback
from maintsched.store import runs, windows
from maintsched.store.engine import OneMemberDown
from maintsched.store.runs import Owner, StoredRun

WHAT = "convergence after an administrative shutdown"
NEVER_MOVED = "loss after an administrative shutdown; the traffic was not proved to have moved"
SLOW_OUTAGE_MS = 3000  # DRL-4 of the requirements: above it is worth a finding
WORST_OUTAGE_MS = 30000


Observer = Callable[[TimelineEntry], None]


def run_drill(project: Project, planned: PlannedDrill, *, observe: Observer, say: Callable[[str], None]) -> Run:
    """Run it. Raises Refused when another run of the group is under way; everything else is in the Run."""
    started = project.now()
    run_id = f"R-{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with interruptible(say) as interruption:
        journal = _begin(project, planned, run_id, started)
        try:
            drill = _Drill(project, planned, run_id, started, journal, interruption, steps.unheeded(observe))
            run = drill.execute()
        finally:
            journal.close()
    return run


def _begin(project: Project, planned: PlannedDrill, run_id: str, started: datetime) -> Journal:
    """Take the group's lock and open the journal; what is needed to restore stands in its first line."""
    plan = planned.plan
    path = project.state / "journal" / f"{run_id}.jsonl"
    owner = this_process()
    stored = StoredRun(
        run_id, plan.drill, plan.group, plan.survivor, "running", None, started, None, owner, str(path), None
    )
    head = {
        "run": run_id,
        "drill": plan.drill,
        "survivor": plan.survivor,
        "primary": plan.primary,
        "playbook": plan.playbook,
        "plan_hash": planned.hash,
        "pid": owner.pid,
        "pid_started": owner.pid_started,
        "host": owner.host,
        "started": iso(started),
        "config": str(project.path),
        "requester": project.actor.name,
    }
    journal = Journal.open(path, head)
    try:
        with project.store.write(project.actor, started) as tx:
            tx.require_guards()
            other = runs.begin_run(tx, stored)
        if other is not None:
            raise Refused(
                f"run {other} of group {plan.group} is under way", f"`maintsched drill show {other}` tells how far"
            )
    except BaseException:
        journal.close()
        path.unlink(missing_ok=True)  # nothing began
        raise
    return journal


def this_process() -> Owner:
    pid = os.getpid()
    return Owner(socket.gethostname(), pid, process_start(pid) or "")


class _Drill:
    def __init__(
        self,
        project: Project,
        planned: PlannedDrill,
        run_id: str,
        started: datetime,
        journal: Journal,
        interruption: Interruption,
        observe: Observer,
    ) -> None:
        self.project, self.planned, self.plan = project, planned, planned.plan
        self.run_id, self.started = run_id, started
        self.journal, self.interruption, self.observe = journal, interruption, observe
        self.ledger = DatabaseLedger(project.store, project.actor, run_id)
        self.outcome = Outcome()
        self.armed_at: datetime | None = None
        self.begun: list[Action] = []
        self.shut_at: datetime | None = None
        self.proved_at: datetime | None = None
        self.prepared: Prepared | None = None

    @property
    def live(self) -> steps.Run:
        assert self.prepared is not None  # set before the first step
        return self.prepared.run

    def execute(self) -> Run:
        try:
            with prepared(
                self.project, self.planned, self.run_id, self.journal, self.ledger, self.interruption, self.observe
            ) as ready:
                self.prepared = ready
                self._guarded()
                samples = ready.stop_probes()
                self._measure(samples)
        except Aborted as error:
            self.outcome.is_(Verdict.ABORTED, str(error))
            samples = {}
        except MaintschedError as error:
            self.outcome.is_(Verdict.ERROR, error.message)
            samples = {}
        run = self._record(samples)
        self._keep(run)
        return run

    def _guarded(self) -> None:
        """Everything that can go wrong ends here, and from here in restoring."""
        try:
            if not self._gates_open():
                return
            self._take_window()
            self._steps()
            self.outcome.is_(Verdict.PASS, f"traffic moved to {self.plan.survivor} and back")
        except Aborted as error:
            self.outcome.is_(Verdict.ABORTED, str(error))
        except NetworkWrong as error:
            self.outcome.is_(Verdict.FAIL, str(error))
        except CannotTell as error:
            self.outcome.is_(Verdict.ERROR, str(error))
        except OneMemberDown:
            self.outcome.is_(Verdict.SKIPPED, "another booking takes a member of the group in the meantime")
        except Refused as error:
            self.outcome.is_(Verdict.ERROR if self.begun else Verdict.SKIPPED, error.message)
        except MaintschedError as error:
            self.outcome.is_(Verdict.ERROR, error.message)
        except Exception as error:  # noqa: BLE001  # a bug of ours must restore, too, and is told in the record
            self._bug(error)
        finally:
            self.interruption.shielded = True
            self._restore()

    def _bug(self, error: Exception) -> None:
        path = write_traceback(error)
        self.outcome.is_(Verdict.ERROR, f"{self.outcome.reason}; internal error, see {path}: {error!r}".lstrip("; "))

    def _gates_open(self) -> bool:
        assert self.prepared is not None  # set by execute
        self.live.note("gates", "started")
        found = gates.evaluate(self.prepared.evidence(self._conflicts(), self._approval()))
        self.interruption.check()
        self.outcome.gates = found
        closed = [gate for gate in found if gate.state is not GateState.OPEN]
        if not closed:
            self.live.note("gates", "done", f"all {len(found)} open")
            return True
        reason = "; ".join(f"gate {gate.id} is {gate.state.value}: {gate.evidence}" for gate in closed)
        self.live.note("gates", "closed", reason)
        unknown_only = all(gate.state is GateState.UNKNOWN for gate in closed)
        self.outcome.is_(Verdict.ERROR if unknown_only else Verdict.SKIPPED, f"nothing was touched: {reason}")
        return False

    def _interval(self) -> Interval:
        now = self.project.now()
        return Interval(now, now + self.plan.deadman_after + self.plan.prove)

    def _conflicts(self) -> tuple[Conflict, ...]:
        with self.project.store.read() as tx:
            now = self.project.now()
            return judge_drill(tx, self.project.inventory, self.plan.primary, self._interval(), now)

    def _approval(self) -> tuple[bool, str]:
        with self.project.store.read() as tx:
            approval, text = usable_approval(tx, self.project, self.planned)
        return approval is not None, text

    def _take_window(self) -> None:
        """Hold the slot against everybody else, judged once more under the lock, and use up the approval."""
        interval = self._interval()
        plan = self.plan
        request = BookingRequest((plan.primary,), interval, Impact.OUTAGE, f"drill {plan.drill} {self.run_id}")
        with self.project.store.write(self.project.actor) as tx:
            conflicts = judge_drill(tx, self.project.inventory, plan.primary, interval, tx.now)
            blocking = [conflict for conflict in conflicts if conflict.blocks]
            if blocking:
                raise Refused("; ".join(conflict.message for conflict in blocking))
            approval, text = usable_approval(tx, self.project, self.planned)
            if approval is None:
                raise Refused(text)
            runs.use_approval(tx, approval.id, self.run_id)
            self.outcome.approvals = (text,)
            window = Window(
                "", WindowState.IN_PROGRESS, (plan.primary,), interval, Impact.OUTAGE, request.title,
                self.project.actor.name, kind="drill",
            )  # fmt: skip
            kept = windows.add_window(tx, window, claims(self.project.inventory, window, conflicts))
            tx.audit("window.book", kept.id, {"drill": plan.drill, "run": self.run_id, "end": iso(interval.end)})
        self.live.note("window", "booked", kept.id)

    def _steps(self) -> None:
        run = self.live
        primary, survivor = run.readings.primary, run.readings.survivor
        self.armed_at = self.project.now()
        steps.arm(run)
        self._look_again()
        for action in self.plan.actions:
            self.interruption.check()
            self.begun.append(action)
            self.shut_at = self.shut_at or self.project.now()
            steps.act(run, action)
        run.checks += steps.prefixed("survivor", steps.prove(run, survivor, primary, shut=True, step="prove"))
        self.proved_at = self.project.now()
        steps.hold(run, survivor, primary)

    def _look_again(self) -> None:
        """The survivor once more, right before the shut: what was true at the gates may not be any more."""
        assert self.prepared is not None  # set by execute
        gate = gates.secondary_ready(self.prepared.evidence((), (True, "")))
        if gate.state is not GateState.OPEN:
            raise CannotTell(f"the survivor is no longer ready, nothing was shut: {gate.evidence}")
        self.live.ready_at = time.monotonic()

    def _restore(self) -> None:
        try:
            restore(self.live, self.begun, self.armed_at, self.outcome)
        except Exception as error:  # noqa: BLE001  # a bug in restoring must not hide that our change may stand
            self._bug(error)
            if self.begun:
                steps.undo_all(self.live, self.begun, self.plan.restore)
                self.outcome.left(self.live, self.begun, "an internal error came in the way of verifying the restore")

    def _measure(self, samples: dict[str, Any]) -> None:
        """The outage of moving over: from two seconds before the shut to the proof."""
        config = self.project.inventory.probes
        name = next((name for name in samples if config[name].kind == "icmp"), None)
        if self.shut_at is None or name is None:
            return
        end = (self.proved_at or self.project.now()) + timedelta(seconds=1)
        begin = self.shut_at - timedelta(seconds=2)
        seen = tuple(sample for sample in samples[name] if begin <= sample.at <= end)
        self.outcome.outage = outage(
            seen, config[name].rate, f"icmp {config[name].rate}/s", WHAT if self.proved_at else NEVER_MOVED
        )
        gap = self.outcome.outage.longest_gap_ms
        if gap is None:
            return
        verdict = Verdict.PASS if gap <= WORST_OUTAGE_MS else Verdict.FAIL
        self.live.checks.append(
            Check("outage", verdict, f"longest gap of probe {name}", f"{gap:.0f} ms", f"≤ {WORST_OUTAGE_MS} ms")
        )
        if verdict is Verdict.FAIL:
            self.outcome.worse(f"the outage lasted {gap:.0f} ms")
        elif gap > SLOW_OUTAGE_MS and self.proved_at is not None:
            self.outcome.findings.append(Finding("outage", "medium", f"moving over took {gap:.0f} ms"))

    def _record(self, samples: dict[str, Any]) -> Run:
        outcome, plan = self.outcome, self.plan
        run = self.prepared.run if self.prepared else None
        entry = self.journal.write("run", "ended", f"{outcome.verdict.value}: {outcome.reason}", must=False)
        self.observe(entry)
        return Run(
            id=self.run_id,
            drill=plan.drill,
            group=plan.group,
            primary=plan.primary,
            survivor=plan.survivor,
            playbook=plan.playbook,
            plan_hash=self.planned.hash,
            mode="hard-shut",
            verdict=outcome.verdict,
            reason=outcome.reason,
            started=self.started,
            ended=entry.at,
            restored=outcome.restored,
            our_change_left=outcome.our_change_left,
            requester=self.project.actor.name,
            approvals=outcome.approvals,
            outage=outcome.outage,
            gates=outcome.gates,
            checks=tuple(run.checks) if run else (),
            timeline=told(self.journal.entries),
            findings=tuple(outcome.findings),
            samples=samples,
            commands=tuple(run.sent) if run else (),
            to_type=tuple(outcome.to_type),
        )

    def _keep(self, run: Run) -> None:
        """Into the database; when that is gone, the journal holds the run until the next `drill recover`."""
        undone = tuple(
            (*entry.detail.partition(": ")[::2], entry.state)
            for entry in run.timeline
            if ": " in entry.detail and entry.step in ("restore", "disarm")
        )
        with contextlib.suppress(OSError):  # the database is the other place, the journal the third
            write_record(self.journal.path.with_suffix(".json"), run)
        try:
            self.ledger.settle(run, undone)
        except Unavailable as error:
            self.observe(self.journal.write("record", "waiting", error.message, must=False))
