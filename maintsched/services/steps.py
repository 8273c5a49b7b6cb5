"""The steps of a drill that touch or judge the network: arm, act, prove, hold, restore, disarm.

Undo before do: the journal line with the undo is on the disk, and the audit row committed, before a command leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
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
STOP_SECONDS = 1.0  # in the hold, a probe may fail for this long, or twice


class NetworkWrong(Exception):
    """The network is not as it must be: FAIL, and restore."""


class CannotTell(Exception):
    """We could not see, or a step took longer than its budget allows: ERROR, and restore."""


class Ledger(Protocol):
    """Where a changing command is written down in the database. `intend` must commit before the command leaves."""

    def intend(self, command: Command, text: str, undo: str) -> None: ...

    def result(self, command: Command, text: str, outcome: str, output_sha256: str | None) -> None: ...


@dataclass
class Run:
    """What the steps of one run share."""

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
    run.note(
        step, "started", f"traffic must be on {carrier.name}, both ways, for {run.plan.sustain.total_seconds():.1f} s"
    )
    deadline = time.monotonic() + run.plan.prove.total_seconds()
    good_since: float | None = None
    while True:
        began = time.monotonic()
        checks = _look(run, carrier, other, shut=shut)
        run.interruption.check()
        if all(check.verdict is Verdict.PASS for check in checks):
            good_since = good_since if good_since is not None else began
            if time.monotonic() - good_since >= run.plan.sustain.total_seconds():
                run.note(step, "done", f"proved on {carrier.name}")
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


def _look(run: Run, carrier: Circuit, other: Circuit, *, shut: bool) -> tuple[Check, ...]:
    """One look: sessions, routes; only when those are right the counted burst and the probes."""
    try:
        checks = [_session_check(run, carrier, other, shut=shut), _route_check(run, carrier, other)]
        if all(check.verdict is Verdict.PASS for check in checks):
            checks += run.traffic.checks(run.traffic.measure(carrier, other), carrier, other)
            checks += [probe_check(name, probe) for name, probe in run.probes.items() if probe.critical]
    except MaintschedError as error:
        checks = [Check("reading", Verdict.ERROR, error.message)]
    return tuple(checks)


def _session_check(run: Run, carrier: Circuit, other: Circuit, *, shut: bool) -> Check:
    carrying, resting = run.readings.sessions(carrier), run.readings.sessions(other)
    up = all(session.established for session in carrying)
    right = all(s.admin_down and not s.established for s in resting) if shut else all(s.established for s in resting)
    said = ", ".join(f"{s.neighbor} {s.state}{' (admin)' if s.admin_down else ''}" for s in (*carrying, *resting))
    return Check("session", Verdict.PASS if up and right else Verdict.FAIL, said)


def _route_check(run: Run, carrier: Circuit, other: Circuit) -> Check:
    over, routes = run.readings.goes_over(carrier, seen_from=other)
    return Check("best-path", Verdict.PASS if over else Verdict.FAIL, routes)


def probe_check(name: str, probe: Probe) -> Check:
    """The probe's newest samples: the last five must have been answered rightly."""
    recent = probe.samples()[-5:]
    if not recent:
        return Check(f"probe:{name}", Verdict.ERROR, "no sample yet")
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
            check = _session_check(run, carrier, other, shut=True)
        except Unavailable as error:
            raise CannotTell(f"in the hold: {error.message}") from error
        if check.verdict is not Verdict.PASS:
            raise NetworkWrong(f"stop condition in the hold: {check.evidence}")
    run.note("hold", "done")


def undo_all(run: Run, actions: list[Action], patience: timedelta) -> list[str]:
    """Take back what was begun, newest first, trying again until `patience` runs out. Returns what could not be sent.

    Idempotent, and stopped by nothing: no signal, no full disk, no lost database.
    """
    left: list[str] = []
    for action in reversed(actions):
        for command in reversed(action.commands):
            text = run.text(command.undo)
            run.note("restore", "intended", f"{command.router}: {text}", must=False)
            if not _undo(run, command.router, text, patience):
                left.append(f"{command.router}: {text}")
    return left


def _undo(run: Run, router: str, text: str, patience: timedelta) -> bool:
    deadline = time.monotonic() + patience.total_seconds()
    while True:
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
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)


def disarm(run: Run) -> str:
    """Cancel the dead-man; rename(2) on the router decides. Returns its state: cancelled or fired."""
    device, text = _deadman(run, "cancel")
    output = device.send(text)
    state = "cancelled" if output.status == 0 else token_state(run)
    run.note("disarm", state, f"{device.router.name}: {text}", must=False)
    return state
