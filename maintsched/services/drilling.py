"""Running a drill: gates, baseline, arm, shut, prove, hold, restore, prove, disarm. Whatever happens, it restores."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from maintsched.domain.conflict import Conflict
from maintsched.domain.drill import Action, Check, Finding, Gate, GateState, Outage, Run, TimelineEntry, Verdict
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
from maintsched.services.steps import CannotTell, NetworkWrong
from maintsched.store import runs, windows
from maintsched.store.engine import OneMemberDown
from maintsched.store.runs import Owner, StoredRun

log = logging.getLogger(__name__)

WHAT = "convergence after an administrative shutdown"
SLOW_OUTAGE_MS = 3000  # DRL-4 of the requirements: above it is worth a finding
WORST_OUTAGE_MS = 30000


@dataclass
class Outcome:
    """What a run comes to, put together as it goes."""

    verdict: Verdict = Verdict.ERROR
    reason: str = ""
    restored: bool | None = None
    our_change_left: bool = False
    gates: tuple[Gate, ...] = ()
    outage: Outage | None = None
    findings: list[Finding] = field(default_factory=list)
    to_type: list[str] = field(default_factory=list)
    window: str | None = None
    approvals: tuple[str, ...] = ()


Observer = Callable[[TimelineEntry], None]


def run_drill(project: Project, planned: PlannedDrill, *, observe: Observer, say: Callable[[str], None]) -> Run:
    """Run it. Raises Refused when another run of the group is under way; everything else is in the Run."""
    started = project.now()
    run_id = f"R-{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with interruptible(say) as interruption:
        journal = _begin(project, planned, run_id, started)
        try:
            drill = _Drill(project, planned, run_id, started, journal, interruption, observe)
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
    with project.store.write(project.actor, started) as tx:
        other = runs.begin_run(tx, stored)
    if other is not None:
        raise Refused(
            f"run {other} of group {plan.group} is under way", f"`maintsched drill show {other}` tells how far"
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
    return Journal.open(path, head)


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
            self._verdict(Verdict.ABORTED, str(error))
            samples = {}
        except MaintschedError as error:
            self._verdict(Verdict.ERROR, error.message)
            samples = {}
        run = self._record(samples)
        self._keep(run)
        return run

    def _verdict(self, verdict: Verdict, reason: str) -> None:
        self.outcome.verdict, self.outcome.reason = verdict, reason

    def _guarded(self) -> None:
        """Everything that can go wrong ends here, and from here in restoring."""
        try:
            if not self._gates_open():
                return
            self._take_window()
            self._steps()
            self._verdict(Verdict.PASS, f"traffic moved to {self.plan.survivor} and back")
        except Aborted as error:
            self._verdict(Verdict.ABORTED, str(error))
        except NetworkWrong as error:
            self._verdict(Verdict.FAIL, str(error))
        except CannotTell as error:
            self._verdict(Verdict.ERROR, str(error))
        except Refused as error:
            self._verdict(Verdict.SKIPPED, error.message)
        except MaintschedError as error:
            self._verdict(Verdict.ERROR, error.message)
        except Exception as error:  # noqa: BLE001  # a bug of ours must restore, too, and is told in the record
            self._bug(error)
        finally:
            self.interruption.shielded = True
            try:
                self._restore()
            except Exception as error:  # noqa: BLE001  # a bug in restoring must not hide that our change may stand
                self.outcome.our_change_left, self.outcome.restored = bool(self.begun), not self.begun
                self._bug(error)

    def _bug(self, error: Exception) -> None:
        log.error("internal error in run %s", self.run_id, exc_info=error)
        self._verdict(Verdict.ERROR, f"{self.outcome.reason}; internal error: {error!r}".lstrip("; "))

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
        self._verdict(Verdict.ERROR if unknown_only else Verdict.SKIPPED, f"nothing was touched: {reason}")
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
            try:
                kept = windows.add_window(tx, window, claims(self.project.inventory, request, conflicts))
            except OneMemberDown as error:
                raise Refused("another booking takes a member of the group in the meantime") from error
            tx.audit("window.book", kept.id, {"drill": plan.drill, "run": self.run_id, "end": iso(interval.end)})
            self.outcome.window = kept.id
        self.live.note("window", "booked", kept.id)

    def _steps(self) -> None:
        run = self.live
        primary, survivor = run.readings.primary, run.readings.survivor
        self.armed = True
        steps.arm(run)
        for action in self.plan.actions:
            self.interruption.check()
            self.begun.append(action)
            self.shut_at = self.shut_at or self.project.now()
            steps.act(run, action)
        run.checks += steps.prefixed("survivor", steps.prove(run, survivor, primary, shut=True, step="prove"))
        self.proved_at = self.project.now()
        steps.hold(run, survivor, primary)

    armed = False

    def _restore(self) -> None:
        """Undo, verify, disarm. Nothing interrupts it."""
        if not self.armed:
            return
        run = self.live
        if self.begun:
            run.note("restore", "started", must=False)
            left = steps.undo_all(run, self.begun, self._patience())
            self._verify(left)
        else:
            self.outcome.restored = True
        self._disarm(run)

    def _patience(self) -> timedelta:
        """Until the dead-man has fired: by then the router has restored itself, or somebody must go there."""
        deadline = self.started + self.plan.deadman_after + self.plan.restore
        return max(self.plan.restore, deadline - self.project.now())

    def _verify(self, left: list[str]) -> None:
        run, outcome = self.live, self.outcome
        primary, survivor = run.readings.primary, run.readings.survivor
        try:
            lines = run.readings.our_lines(primary)
        except MaintschedError as error:
            outcome.our_change_left, outcome.restored = True, False
            outcome.to_type = [f"{c.router}: {run.text(c.undo)}" for a in self.begun for c in a.commands]
            self._worse(f"NOT restored, or we cannot tell: {error.message}")
            return
        if lines:
            outcome.our_change_left, outcome.restored = True, False
            outcome.to_type = left or [f"{c.router}: {run.text(c.undo)}" for a in self.begun for c in a.commands]
            self._worse(f"NOT restored: {lines} shutdown line(s) still stand on {primary.router}")
            return
        try:
            run.checks += steps.prefixed(
                "restored", steps.prove(run, primary, survivor, shut=False, step="prove-restored")
            )
            outcome.restored = True
            run.note("restore", "done", f"{primary.name} carries again, our lines are gone", must=False)
        except (NetworkWrong, CannotTell) as error:
            outcome.restored = False
            outcome.findings.append(Finding("restored-but", "high", f"our lines are undone, but: {error}"))
            self._worse(f"RESTORED-BUT: our lines are undone, but the network is not as before: {error}")

    def _worse(self, reason: str) -> None:
        """Add to the reason; a PASS does not survive it."""
        if self.outcome.verdict is Verdict.PASS:
            self._verdict(Verdict.FAIL, reason)
        else:
            self.outcome.reason = f"{self.outcome.reason}; {reason}"

    def _disarm(self, run: steps.Run) -> None:
        if self.outcome.our_change_left:
            self.outcome.findings.append(
                Finding("dead-man", "high", "the dead-man was left armed: it may still restore the session by itself")
            )
            return
        try:
            state = steps.disarm(run)
        except MaintschedError as error:
            message = f"the dead-man could not be cancelled ({error.message}); when it fires it changes nothing more"
            self.outcome.findings.append(Finding("dead-man", "medium", message))
            return
        if state == "fired":
            message = "the dead-man fired before it was cancelled: the router had restored itself"
            self.outcome.findings.append(Finding("dead-man", "medium", message))

    def _measure(self, samples: dict[str, Any]) -> None:
        """The outage of moving over: from two seconds before the shut to the proof."""
        config = self.project.inventory.probes
        name = next((name for name in samples if config[name].kind == "icmp"), None)
        if self.shut_at is None or name is None:
            return
        end = (self.proved_at or self.project.now()) + timedelta(seconds=1)
        begin = self.shut_at - timedelta(seconds=2)
        seen = tuple(sample for sample in samples[name] if begin <= sample.at <= end)
        self.outcome.outage = outage(seen, config[name].rate, f"icmp {config[name].rate}/s", WHAT)
        gap = self.outcome.outage.longest_gap_ms
        if gap is None:
            return
        verdict = Verdict.PASS if gap <= WORST_OUTAGE_MS else Verdict.FAIL
        self.live.checks.append(
            Check("outage", verdict, f"longest gap of probe {name}", f"{gap:.0f} ms", f"≤ {WORST_OUTAGE_MS} ms")
        )
        if verdict is Verdict.FAIL:
            self._worse(f"the outage lasted {gap:.0f} ms")
        elif gap > SLOW_OUTAGE_MS:
            self.outcome.findings.append(Finding("outage", "medium", f"moving over took {gap:.0f} ms; is BFD on?"))

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
            self.ledger.settle(run, self.outcome.window, undone)
        except Unavailable as error:
            self.observe(self.journal.write("record", "waiting", error.message, must=False))
