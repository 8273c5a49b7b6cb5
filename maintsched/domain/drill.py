"""A drill: the Plan that is approved, and the Run that becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """FAIL: the network is wrong. ERROR: we could not tell. SKIPPED: nothing to test, or a gate was closed."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    ABORTED = "ABORTED"


class GateState(StrEnum):
    """A gate that could not be evaluated is UNKNOWN, and as good as closed."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must hold before anything is touched, with the evidence that was seen."""

    id: str
    state: GateState
    evidence: str


@dataclass(frozen=True, slots=True)
class Check:
    """One judgement of the run. `value` and `limit` are texts with units, None where there is none."""

    id: str
    verdict: Verdict
    evidence: str
    value: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened at `at` (UTC). `state` is started, done, failed, armed, lost, note …"""

    at: datetime
    step: str
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should follow up; it does not decide the verdict."""

    id: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One probe packet or request: when it left (UTC), how long the answer took in ms, None when it never came.

    `ok` is False when an answer came but was wrong (HTTP status, certificate).
    """

    at: datetime
    rtt_ms: float | None
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Outage:
    """What the probes measured, each number ± `accuracy_ms`; None is *not measured*, never 0.

    `method` names the means (`icmp 20/s`), `what` what was measured (`convergence after an administrative shutdown`).
    """

    method: str
    what: str
    forward_ms: float | None
    reverse_ms: float | None
    round_trip_ms: float | None
    longest_gap_ms: float | None
    lost: int | None
    sent: int | None
    accuracy_ms: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a playbook, as it is kept and reported. `samples` by probe name.

    `restored`: None where nothing was touched, True where the state before was verified, False where it was not.
    `our_change_left` True means exit 6: our line is, or may be, still on a router.
    """

    id: str
    drill: str
    group: str
    primary: str
    survivor: str
    playbook: str
    plan_hash: str
    mode: str
    verdict: Verdict
    reason: str
    started: datetime
    ended: datetime
    restored: bool | None
    our_change_left: bool
    requester: str
    approvals: tuple[str, ...] = ()
    outage: Outage | None = None
    gates: tuple[Gate, ...] = ()
    checks: tuple[Check, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    findings: tuple[Finding, ...] = ()
    samples: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    to_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command line for one router, rendered; `{run}`, `{token}`, `{until}`, `{seconds}` may be left in."""

    router: str
    intent: str
    text: str
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A step that changes a router: its commands, each with the undo that is recorded before it is sent."""

    intent: str
    budget: timedelta
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A drill with every command rendered. Its hash is what gets approved; printing it is the dry run."""

    drill: str
    playbook: str
    group: str
    primary: str
    survivor: str
    actions: tuple[Action, ...]
    reads: tuple[Command, ...]
    deadman: tuple[Command, ...]
    prove: timedelta
    sustain: timedelta
    hold: timedelta
    restore: timedelta
    margin: timedelta
    probes: tuple[str, ...]

    @property
    def deadman_after(self) -> timedelta:
        """The dead-man covers every step budget, the hold and a margin."""
        steps = sum((action.budget for action in self.actions), timedelta())
        return steps + self.prove * 2 + self.hold + self.restore + self.margin
