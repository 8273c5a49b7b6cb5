"""The gates of a drill: all must be open before anything is touched; one that cannot be evaluated counts as closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from maintsched.domain.conflict import Conflict
from maintsched.domain.drill import Check, Gate, GateState, Plan, Verdict
from maintsched.domain.inventory import Circuit
from maintsched.domain.platform import DeadMan
from maintsched.errors import MaintschedError
from maintsched.services.reading import Readings, SessionState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gates are judged on, besides the routers themselves.

    `baseline` are the checks of the counted burst on the primary; `silent` the probes that have not answered.
    """

    readings: Readings
    plan: Plan
    baseline: Callable[[], Sequence[Check]]
    silent: Callable[[], Sequence[str]]
    conflicts: Sequence[Conflict]
    approval: tuple[bool, str]
    token_state: Callable[[], str]
    deadman: DeadMan


def secondary_ready(evidence: Evidence) -> Gate:
    """The one gate that is looked at again right before the shut."""
    return _guarded("secondary-ready", _secondary_ready, evidence)


def evaluate(evidence: Evidence) -> tuple[Gate, ...]:
    """All gates, in the order of their ids in GATES."""
    return tuple(_guarded(name, gate, evidence) for name, gate in GATES.items())


def _guarded(name: str, gate: Callable[[Evidence], tuple[bool, str]], evidence: Evidence) -> Gate:
    try:
        is_open, text = gate(evidence)
    except MaintschedError as error:
        return Gate(name, GateState.UNKNOWN, f"could not be evaluated: {error.message}")
    return Gate(name, GateState.OPEN if is_open else GateState.CLOSED, text)


def _approved(evidence: Evidence) -> tuple[bool, str]:
    return evidence.approval


def _calendar(evidence: Evidence) -> tuple[bool, str]:
    blocking = [conflict for conflict in evidence.conflicts if conflict.blocks]
    if blocking:
        return False, "; ".join(f"{conflict.rule}: {conflict.message}" for conflict in blocking)
    warned = "; ".join(f"warning {conflict.rule}: {conflict.message}" for conflict in evidence.conflicts)
    return True, warned or "no maintenance, window, freeze, open review or stale source until the worst-case end"


def _management_path(evidence: Evidence) -> tuple[bool, str]:
    readings = evidence.readings
    primary = readings.primary
    device = readings.device(primary)
    said = device.read("way_to_us")
    host = device.router.host
    way = f"{device.local_address} → {host}, back over {said['interface']}"
    if said["interface"] is None:
        return False, f"the router does not tell its route back to us ({way})"
    if said["interface"] == primary.interface:
        return False, f"SSH rides on the circuit to be shut: {way}"
    return True, f"SSH does not use {primary.interface} of {primary.name}: {way}"


def _primary_carries(evidence: Evidence) -> tuple[bool, str]:
    readings = evidence.readings
    primary = readings.primary
    down = [f"{s.neighbor} is {_state(s)}" for s in readings.sessions(primary) if not s.established]
    if down:
        return False, f"nothing to move: {primary.name}'s session {', '.join(down)}"
    over, routes = readings.leaves_over(primary)
    if not over:
        return False, f"nothing to move: traffic does not leave over {primary.name} ({routes})"
    silent = evidence.silent()
    if silent:
        return False, f"no answer in the baseline from probe {', '.join(silent)}"
    failed = [check for check in evidence.baseline() if check.verdict is not Verdict.PASS]
    if failed:
        return False, "; ".join(f"{check.id}: {check.evidence}" for check in failed)
    return True, f"Established; {routes}; our burst was counted on it both ways"


def _secondary_ready(evidence: Evidence) -> tuple[bool, str]:
    readings, limits = evidence.readings, evidence.readings.inventory.policy.gates
    survivor = readings.survivor
    notes = []
    for session, configured in zip(readings.sessions(survivor), survivor.sessions, strict=True):
        objection = _session_objection(session, limits.established_for, bfd=configured.bfd)
        if objection:
            return False, f"{survivor.name}: {objection}"
        notes.append(
            f"{session.neighbor} Established for {_text(session.established_for)}, {session.received} received"
        )
    for objections in (_path_objections(readings), _link_objections(readings, notes)):
        found = next(iter(objections), None)
        if found:
            return False, found
    proof = readings.inventory.groups[evidence.plan.group].proof
    if proof != "first-move":
        return (
            False,
            f"the group asks for proof `{proof}`, which this version cannot give; `proof: first-move` can be run",
        )
    notes.append("its path through the partner is not proven beforehand (first-move: shutting is the test)")
    return True, "; ".join(notes)


def _session_objection(session: SessionState, needed: timedelta, *, bfd: bool) -> str | None:
    if not session.established:
        return f"session {session.neighbor} is {_state(session)}"
    if session.established_for is None or session.established_for < needed:
        return f"session {session.neighbor} is Established for {_text(session.established_for)}, needed {_text(needed)}"
    if not session.received or not session.sent:
        return f"session {session.neighbor} has {session.received} prefixes received, {session.sent} sent"
    if bfd and (session.bfd or "").lower() != "up":
        return f"BFD with {session.neighbor} is {session.bfd or 'not running'}"
    return None


def _path_objections(readings: Readings) -> Iterable[str]:
    """Every service prefix needs a second valid path on the primary's router, and the survivor its own."""
    primary, survivor = readings.primary, readings.survivor
    for prefix in readings.inventory.groups[readings.plan.group].service:
        others = _next_hops(readings, primary, str(prefix)) - {str(s.neighbor) for s in primary.sessions}
        if not others:
            yield f"{primary.router} has no second valid path to {prefix}"
        own = _next_hops(readings, survivor, str(prefix)) & {str(s.neighbor) for s in survivor.sessions}
        if not own:
            yield f"{survivor.router} has no valid path to {prefix} over {survivor.name}"


def _next_hops(readings: Readings, circuit: Circuit, prefix: str) -> set[str]:
    return {path.next_hop for path in readings.paths(circuit, prefix) if path.valid}


def _link_objections(readings: Readings, notes: list[str]) -> Iterable[str]:
    """The far end of the survivor is directly connected: an answer crossed the circuit both ways. A partner that
    answers on neither circuit polices ICMP; then this proves nothing, and it is said."""
    survivor, primary = readings.survivor, readings.primary
    answered = {circuit.name: _answers(readings, circuit) for circuit in (survivor, primary)}
    if answered[survivor.name] > 0:
        notes.append(f"its far end answered {answered[survivor.name]} pings over the circuit itself")
    elif answered[primary.name] > 0:
        yield (f"{survivor.name} is a black hole: its far end answers no ping over the circuit; {primary.name}'s does")
    else:
        notes.append("the far ends answer no ping on either circuit, so the link itself is not proven")


def _answers(readings: Readings, circuit: Circuit) -> int:
    device = readings.device(circuit)
    return min(int(device.read("link", neighbor=str(s.neighbor))["answered"] or 0) for s in circuit.sessions)


def _dead_man(evidence: Evidence) -> tuple[bool, str]:
    needed = evidence.plan.deadman_after
    state = evidence.token_state()
    if state != "none":
        return False, f"the router's timer directory answered {state!r} for a new token, expected 'none'"
    return (
        True,
        f"{evidence.deadman.kind} timer on the router, {_text(needed)}: covers every step, hold, restore and margin",
    )


GATES: dict[str, Callable[[Evidence], tuple[bool, str]]] = {
    "approved": _approved,
    "calendar": _calendar,
    "management-path": _management_path,
    "primary-carries": _primary_carries,
    "secondary-ready": _secondary_ready,
    "dead-man": _dead_man,
}


def _state(session: SessionState) -> str:
    state = session.state or "in a state that the router does not tell"
    return f"{state} (shut by an administrator)" if session.admin_down else state


def _text(duration: timedelta | None) -> str:
    if duration is None:
        return "an unknown time"
    seconds = int(duration.total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
