"""The way back of a drill: undo what was begun, prove that the network is as before, disarm. Nothing interrupts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from maintsched.domain.drill import Action, Finding, Gate, Outage, Verdict
from maintsched.errors import MaintschedError
from maintsched.services import steps
from maintsched.services.steps import CannotTell, NetworkWrong


@dataclass
class Outcome:
    """What a run comes to, put together as it goes. `restored` None: there was nothing to restore."""

    verdict: Verdict = Verdict.ERROR
    reason: str = ""
    restored: bool | None = None
    our_change_left: bool = False
    gates: tuple[Gate, ...] = ()
    outage: Outage | None = None
    findings: list[Finding] = field(default_factory=list)
    to_type: list[str] = field(default_factory=list)
    approvals: tuple[str, ...] = ()

    def is_(self, verdict: Verdict, reason: str) -> None:
        self.verdict, self.reason = verdict, reason

    def worse(self, reason: str) -> None:
        """Add to the reason; a PASS does not survive it."""
        if self.verdict is Verdict.PASS:
            self.is_(Verdict.FAIL, reason)
        else:
            self.reason = f"{self.reason}; {reason}".lstrip("; ")

    def found(self, name: str, severity: str, message: str) -> None:
        self.findings.append(Finding(name, severity, message))

    def left(self, run: steps.Run, begun: list[Action], reason: str) -> None:
        """Our change is on a router, or we cannot tell: what to type, where."""
        self.our_change_left, self.restored = True, False
        self.to_type = [f"{c.router}: {run.text(c.undo)}" for action in begun for c in action.commands]
        self.worse(reason)
        self.found("dead-man", "high", "the dead-man was left armed: it may still restore the session by itself")


def restore(run: steps.Run, begun: list[Action], armed_at: datetime | None, outcome: Outcome) -> None:
    """Undo `begun`, verify, disarm; `outcome` tells what came of it. Raises nothing that it knows of."""
    if armed_at is None:
        return
    if begun:
        run.note("restore", "started", must=False)
        unsent = steps.undo_all(run, begun, _patience(run, armed_at))
        _verify(run, begun, unsent, outcome)
    if not outcome.our_change_left:
        _disarm(run, outcome)


def _patience(run: steps.Run, armed_at: datetime) -> timedelta:
    """Until the dead-man has fired: by then the router has restored itself, or somebody must go there."""
    deadline = armed_at + run.plan.deadman_after + run.plan.restore
    return max(run.plan.restore, deadline - datetime.now(UTC))


def _verify(run: steps.Run, begun: list[Action], unsent: list[str], outcome: Outcome) -> None:
    primary, survivor = run.readings.primary, run.readings.survivor
    try:
        ours, lines = run.readings.shutdown_lines(primary)
    except MaintschedError as error:
        outcome.left(run, begun, f"NOT restored, or we cannot tell: {error.message}")
        return
    if ours:
        outcome.left(run, begun, f"NOT restored: {ours} shutdown line(s) of ours still stand on {primary.router}")
        return
    if lines:
        outcome.restored = False
        outcome.found("foreign-change", "high", f"somebody else shut {lines} session(s) of {primary.name}; it is kept")
        outcome.worse(f"RESTORED-BUT: our lines are undone, but somebody else's shutdown stands on {primary.router}")
        return
    if unsent:
        outcome.found("restore", "medium", f"not confirmed by the router, but our lines are gone: {'; '.join(unsent)}")
    try:
        checks = steps.prove(run, primary, survivor, shut=False, step="prove-restored")
    except (NetworkWrong, CannotTell, MaintschedError) as error:
        outcome.restored = False
        outcome.found("restored-but", "high", f"our lines are undone, but: {error}")
        outcome.worse(f"RESTORED-BUT: our lines are undone, but the network is not as before: {error}")
        return
    run.checks += steps.prefixed("restored", checks)
    outcome.restored = True
    run.note("restore", "done", f"{primary.name} carries again, our lines are gone", must=False)


def _disarm(run: steps.Run, outcome: Outcome) -> None:
    try:
        state = steps.disarm(run)
    except MaintschedError as error:
        outcome.found("dead-man", "medium", f"the dead-man could not be cancelled: {error.message}")
        return
    if state == "fired":
        outcome.found("dead-man", "medium", "the dead-man had fired: the router had restored itself")
