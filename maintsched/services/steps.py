"""The steps of a drill that touch or judge the network: arm, act, prove, hold, restore, disarm.

Undo before do: the journal line with the undo is on the disk, and the audit row committed, before a command leaves.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from maintsched.domain.drill import Action, Check, Command, Plan, Verdict
from maintsched.domain.inventory import Circuit
from maintsched.errors import CommandFailed, MaintschedError, ShellLost, Unavailable
from maintsched.probes import Probe
from maintsched.routers.device import Device
from maintsched.services.interruption import Interruption
from maintsched.services.journal import Journal
from maintsched.services.planning import run_text
from maintsched.services.reading import Readings
from maintsched.services.traffic import TrafficProof

POLL_SECONDS = 0.25
READY_SECONDS = 10.0  # the survivor was looked at no longer ago than this when the primary is shut
FRESH_SECONDS = 4.0  # a probe whose newest sample is older than this says nothing of now
STOP_SECONDS = 1.0  # in the hold, a probe may fail for this long, or twice


class NetworkWrong(Exception):
    """The network is not as it must be: FAIL, and restore."""


class CannotTell(Exception):
    """We could not see, or a step took longer than its budget allows: ERROR, and restore."""


class Ledger(Protocol):
    """Where a changing command is written down in the database. `intend` must commit before the command leaves."""

    def intend(self, command: Command, text: str, undo: str) -> None: ...

    def result(self, command: Command, text: str, outcome: str, output_sha256: str | None) -> None: ...


def unheeded(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    """`tell`, whatever becomes of it: nobody may be watching any more, and a closed terminal stops no restore."""

    def told(what: Any) -> None:
        with contextlib.suppress(Exception):
            tell(what)

    return told


@dataclass
class Run:
    """What the steps of one run share. `observe` raises nothing: see `unheeded`."""

    plan: Plan
    values: Mapping[str, str]
    readings: Readings
    devices: Mapping[str, Device]
    journal: Journal
    ledger: Ledger
    interruption: Interruption
    traffic: TrafficProof
    probes: Mapping[str, Probe]
    observe: Callable[[Any], None]
    checks: list[Check] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    routes_before: str = ""
    ready_at: float = 0.0

    def note(self, step: str, state: str, detail: str = "", *, must: bool = True) -> None:
        self.observe(self.journal.write(step, state, detail, must=must))

    def text(self, text: str | None) -> str:
        return run_text(text or "", self.values)


def _deadman(run: Run, intent: str) -> tuple[Device, str]:
    command = next(command for command in run.plan.deadman if command.intent == intent)
    return run.devices[command.router], run.text(command.text)


def token_state(run: Run) -> str:
    """`none`, `armed SECONDS`, `dead`, `fired` or `cancelled`, as the router says. Raises CommandFailed, ShellLost."""
    device, text = _deadman(run, "status")
    output = device.ask(text)
    said = output.stdout.strip()
    if output.status != 0 or not said:
        raise CommandFailed(f"{device.router.name}: the dead-man timer's state cannot be read: {output.stderr.strip()}")
    return said


def arm(run: Run) -> None:
    """Arm the dead-man and read it back, over another connection than the one that armed it."""
    device, text = _deadman(run, "arm")
    command = next(command for command in run.plan.deadman if command.intent == "arm")
    run.note("arm", "started", f"{device.router.name}: fires in {run.values['seconds']} s")
    run.ledger.intend(command, text, _deadman(run, "cancel")[1])
    output = device.send_apart(text)
    run.sent.append(f"{device.router.name}: {text}")
    run.ledger.result(command, text, f"exit {output.status}", output.sha256)
    if output.status != 0:
        raise CannotTell(f"the dead-man could not be armed on {device.router.name}: {output.stderr.strip()}")
    left = seconds_left(token_state(run))
    if left is None or left < run.plan.deadman_after.total_seconds() - 10:
        raise CannotTell(f"the dead-man on {device.router.name} does not read back as armed: {token_state(run)}")
    run.note("arm", "armed", f"{device.router.name} says: {left} s left")


def seconds_left(state: str) -> int | None:
    word, _, left = state.partition(" ")
    return int(left) if word == "armed" else None


def act(run: Run, action: Action) -> None:
    """Send an action's commands, each after its undo was written down. Raises CannotTell when one did not take."""
    left = seconds_left(token_state(run))
    needed = action.budget + run.plan.restore
    if left is None or left < needed.total_seconds():
        raise CannotTell(
            f"the dead-man no longer covers the next step ({left} s left, {needed.total_seconds():.0f} s needed)"
        )
    for command in action.commands:
        run.interruption.check()
        text, undo = run.text(command.text), run.text(command.undo)
        run.note(action.intent, "intended", f"{command.router}: {text} ⟲ {undo}")
        run.ledger.intend(command, text, undo)
        if time.monotonic() - run.ready_at > READY_SECONDS:
            raise CannotTell(f"the survivor was looked at more than {READY_SECONDS:.0f} s ago; nothing was sent")
        _send(run, command, text, action.intent)
    run.note(action.intent, "done")


def _send(run: Run, command: Command, text: str, step: str) -> None:
    try:
        output = run.devices[command.router].send(text)
    except ShellLost as error:
        run.ledger.result(command, text, "unknown", None)
        raise CannotTell(f"{error.message}: `{text}` may or may not have taken effect") from error
    run.sent.append(f"{command.router}: {text}")
    run.note(step, "sent", f"{command.router}: exit {output.status}")
    run.ledger.result(command, text, f"exit {output.status}", output.sha256)
    if output.status != 0:
        raise CannotTell(f"{command.router} refused `{text}`: {(output.stderr or output.stdout).strip()}")


def prove(run: Run, carrier: Circuit, other: Circuit, *, shut: bool, step: str) -> tuple[Check, ...]:
    """Look again and again until everything has held for `sustain`, or the budget is used up; then raise NetworkWrong.

    `shut` says whether the other circuit's sessions must be down by our hand, or up.
    """
    since = datetime.now(UTC)
    wanted = f"traffic must be on {carrier.name}, both ways, for {run.plan.sustain.total_seconds():.1f} s"
    run.note(step, "started", wanted, must=shut)
    deadline = time.monotonic() + run.plan.prove.total_seconds()
    good_since: float | None = None
    while True:
        began = time.monotonic()
        checks = _look(run, carrier, other, shut=shut, since=since)
        run.interruption.check()
        if all(check.verdict is Verdict.PASS for check in checks):
            good_since = good_since if good_since is not None else began
            if time.monotonic() - good_since >= run.plan.sustain.total_seconds():
                run.note(step, "done", f"proved on {carrier.name}", must=shut)
                return checks
        else:
            good_since = None
        if time.monotonic() > deadline:
            run.checks += prefixed(step, checks)
            failed = "; ".join(f"{c.id}: {c.evidence}" for c in checks if c.verdict is not Verdict.PASS)
            run.note(step, "failed", failed or "not sustained within the budget", must=False)
            unseen = any(check.verdict is Verdict.ERROR for check in checks)
            raise (CannotTell if unseen else NetworkWrong)(failed or f"{carrier.name} did not carry for long enough")
        run.interruption.wait(POLL_SECONDS)


def prefixed(step: str, checks: Iterable[Check]) -> list[Check]:
    return [Check(f"{step}/{c.id}", c.verdict, c.evidence, c.value, c.limit) for c in checks]


def _look(run: Run, carrier: Circuit, other: Circuit, *, shut: bool, since: datetime) -> tuple[Check, ...]:
    """One look: sessions, routes; only when those are right the counted burst and the probes."""
    try:
        checks = [_session_check(run, carrier, other, shut=shut), _route_check(run, carrier, other, shut=shut)]
        if shut:
            checks.append(_timer_check(run))
        if all(check.verdict is Verdict.PASS for check in checks):
            checks += run.traffic.checks(run.traffic.measure(carrier, other), carrier, other)
            checks += [probe_check(name, probe, since) for name, probe in run.probes.items() if probe.critical]
    except MaintschedError as error:
        checks = [Check("reading", Verdict.ERROR, error.message)]
    return tuple(checks)


def _session_check(run: Run, carrier: Circuit, other: Circuit, *, shut: bool) -> Check:
    carrying, resting = run.readings.sessions(carrier), run.readings.sessions(other)
    up = all(session.established for session in carrying)
    right = all(s.admin_down and not s.established for s in resting) if shut else all(s.established for s in resting)
    said = ", ".join(f"{s.neighbor} {s.state}{' (admin)' if s.admin_down else ''}" for s in (*carrying, *resting))
    return Check("session", Verdict.PASS if up and right else Verdict.FAIL, said)


def _route_check(run: Run, carrier: Circuit, other: Circuit, *, shut: bool) -> Check:
    right, said = run.readings.leaves_over(carrier)
    if other.router != carrier.router:
        elsewhere, theirs = run.readings.avoids(other) if shut else _as_before(run, other)
        right, said = right and elsewhere, f"{theirs}; {said}"
    return Check("best-path", Verdict.PASS if right else Verdict.FAIL, said)


def _as_before(run: Run, circuit: Circuit) -> tuple[bool, str]:
    """Whether the survivor's router forwards as it did in the baseline."""
    now = routes_text(run.readings, circuit)
    return now == run.routes_before, now if now == run.routes_before else f"{now} (before: {run.routes_before})"


def routes_text(readings: Readings, circuit: Circuit) -> str:
    return f"{circuit.router}: " + ", ".join(str(route) for route in readings.routes(circuit))


def _timer_check(run: Run) -> Check:
    state = token_state(run)
    verdict = Verdict.PASS if seconds_left(state) is not None else Verdict.FAIL
    return Check("dead-man", verdict, f"the router says: {state}")


def probe_check(name: str, probe: Probe, since: datetime) -> Check:
    """The newest samples of those sent `since` then: each must have been answered rightly. Too few, or none of the last
    seconds, is no reading."""
    needed = 5 if probe.rate >= 5 else 2
    recent = [sample for sample in probe.samples() if sample.at >= since][-5:]
    if len(recent) < needed or (datetime.now(UTC) - recent[-1].at).total_seconds() > FRESH_SECONDS:
        return Check(f"probe:{name}", Verdict.ERROR, f"{len(recent)} fresh samples, needed {needed}")
    bad = sum(1 for sample in recent if sample.rtt_ms is None or not sample.ok)
    answered = [sample.rtt_ms for sample in recent if sample.rtt_ms is not None]
    worst = f"{max(answered):.1f} ms" if answered else None
    return Check(
        f"probe:{name}", Verdict.FAIL if bad else Verdict.PASS, f"{bad} of the last {len(recent)} samples bad", worst
    )


def hold(run: Run, carrier: Circuit, other: Circuit) -> None:
    """Stay on the survivor under stop conditions. Raises NetworkWrong, CannotTell, Aborted."""
    seconds = run.plan.hold.total_seconds()
    run.note("hold", "started", f"{seconds:.0f} s on {carrier.name}")
    deadline = time.monotonic() + seconds
    while (rest := deadline - time.monotonic()) > 0:
        run.interruption.wait(min(rest, 1.0))
        for name, probe in run.probes.items():
            if probe.critical and (bad := probe.lost_in_a_row()) >= max(2, probe.rate * STOP_SECONDS):
                raise NetworkWrong(f"stop condition in the hold: probe {name} failed {bad} times in a row")
        try:
            session, timer = _session_check(run, carrier, other, shut=True), _timer_check(run)
        except Unavailable as error:
            raise CannotTell(f"in the hold: {error.message}") from error
        if timer.verdict is not Verdict.PASS:
            raise CannotTell(f"in the hold: the dead-man is not armed any more: {timer.evidence}")
        if session.verdict is not Verdict.PASS:
            raise NetworkWrong(f"stop condition in the hold: {session.evidence}")
    run.note("hold", "done")


def undo_all(run: Run, actions: list[Action], patience: timedelta) -> list[str]:
    """Take back what was begun, newest first, in turns until `patience` runs out. Returns what could not be sent.

    Idempotent, and stopped by nothing: no signal, no full disk, no lost database, no closed terminal.
    """
    waiting = [
        (command.router, run.text(command.undo))
        for action in reversed(actions)
        for command in reversed(action.commands)
    ]
    for router, text in waiting:
        run.note("restore", "intended", f"{router}: {text}", must=False)
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        waiting = [(router, text) for router, text in waiting if not _undo(run, router, text)]
        if not waiting or time.monotonic() > deadline:
            return [f"{router}: {text}" for router, text in waiting]
        time.sleep(POLL_SECONDS)


def _undo(run: Run, router: str, text: str) -> bool:
    try:
        output = run.devices[router].send(text)
        if output.status == 0:
            run.sent.append(f"{router}: {text}")
            run.note("restore", "sent", f"{router}: exit 0", must=False)
            return True
        reason = f"exit {output.status}: {(output.stderr or output.stdout).strip()}"
    except MaintschedError as error:
        reason = error.message
    run.note("restore", "failed", f"{router}: {reason}; trying again", must=False)
    return False


def disarm(run: Run) -> str:
    """Cancel the dead-man; rename(2) on the router decides. Returns its state: cancelled or fired."""
    device, text = _deadman(run, "cancel")
    output = device.send(text)
    state = "cancelled" if output.status == 0 else token_state(run)
    run.note("disarm", state, f"{device.router.name}: {text}", must=False)
    return state
