"""Proof that traffic moved: a counted burst of our own, sought in the interface counters of both circuits, both ways.

Moved means: at least 95 % of the burst is in the carrying circuit's counters each way, and the other circuit carries no
more than its control-plane floor, measured idle, + 5 % of the burst.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from maintsched.domain.drill import Check, Verdict
from maintsched.domain.inventory import Circuit
from maintsched.errors import ProbeFailed
from maintsched.services.reading import Counters, Readings

SHARE = 0.95
SLACK = 0.05
FLOOR_MARGIN = 1.05
CONTROL_PLANE_RATE = 50.0  # packets/s each way: BFD at 3 x 50 ms is about 20, with BGP and ARP beside it


@dataclass(frozen=True, slots=True)
class Rate:
    """Packets per second on an idle circuit: BGP, BFD, ARP."""

    received: float
    sent: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What went over a circuit between two reads, and the seconds between them."""

    received: int
    sent: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BurstResult:
    sent: int
    answered: int
    carrier: Difference
    other: Difference


def difference(before: Counters, after: Counters, seconds: float) -> Difference:
    """Raises ProbeFailed when a counter went backwards: somebody reset it, and nothing can be concluded."""
    received, sent = after.received - before.received, after.sent - before.sent
    if received < 0 or sent < 0:
        raise ProbeFailed("an interface counter went backwards (reset?), so nothing can be said of the traffic")
    return Difference(received, sent, seconds)


class TrafficProof:
    """Sends bursts and reads the counters around them. `burst` returns (sent, answered) of `count` probes."""

    def __init__(self, readings: Readings, burst: Callable[[], tuple[int, int]]) -> None:
        self._readings = readings
        self._burst = burst
        self._floors: dict[str, Rate] = {}

    def measure(self, carrier: Circuit, other: Circuit) -> BurstResult:
        before = (self._readings.counters(carrier), self._readings.counters(other))
        began = time.monotonic()
        sent, answered = self._burst()
        after = (self._readings.counters(carrier), self._readings.counters(other))
        seconds = time.monotonic() - began
        return BurstResult(
            sent, answered, difference(before[0], after[0], seconds), difference(before[1], after[1], seconds)
        )

    def learn_floor(self, circuit: Circuit, idle: Difference) -> None:
        """Take the idle circuit's rate as its control-plane floor."""
        self._floors[circuit.name] = Rate(idle.received / idle.seconds, idle.sent / idle.seconds)

    def floor(self, circuit: Circuit) -> Rate:
        """Its own, where it was seen idle; else the other member's, as far as that can be control plane alone."""
        if circuit.name in self._floors:
            return self._floors[circuit.name]
        others = list(self._floors.values())
        return Rate(
            min(CONTROL_PLANE_RATE, max((rate.received for rate in others), default=0.0)),
            min(CONTROL_PLANE_RATE, max((rate.sent for rate in others), default=0.0)),
        )

    def checks(self, result: BurstResult, carrier: Circuit, other: Circuit) -> tuple[Check, ...]:
        """Answers, forward, return, and the other circuit's silence; each FAIL says where the packets were instead.

        On a busy circuit the counters alone cannot tell our packets from others; then it is the answers, and that the
        other circuit did not carry them, that prove the way.
        """
        needed, stray = SHARE * result.sent, SLACK * result.sent
        floor = self.floor(other)
        idle_sent = floor.sent * result.other.seconds * FLOOR_MARGIN + stray
        idle_received = floor.received * result.other.seconds * FLOOR_MARGIN + stray
        answered = _enough("answered", result.answered, needed, f"{result.answered} of {result.sent} came back")
        forward = _enough("forward", result.carrier.sent, needed, _counted(result.carrier.sent, "out", carrier, result))
        if forward.verdict is Verdict.FAIL and result.other.sent > idle_sent:
            forward = _adding(forward, f"; {result.other.sent} went out on {other.name}: the way out has not moved")
        back = _enough(
            "return", result.carrier.received, needed, _counted(result.carrier.received, "in", carrier, result)
        )
        if back.verdict is Verdict.FAIL and result.other.received > idle_received:
            back = _adding(back, f"; {result.other.received} came in on {other.name}: the way back has not moved")
        quiet = result.other.sent <= idle_sent and result.other.received <= idle_received
        silence = Check(
            "quiet",
            Verdict.PASS if quiet else Verdict.FAIL,
            f"{other.name} carried {result.other.sent} out, {result.other.received} in during a burst of {result.sent}",
            f"{max(result.other.sent, result.other.received)} packets",
            f"≤ {max(idle_sent, idle_received):.0f} packets (control-plane floor + 5 % of the burst)",
        )
        return answered, forward, back, silence


def _counted(seen: int, way: str, circuit: Circuit, result: BurstResult) -> str:
    return f"{seen} packets {way} on {circuit.name} while a burst of {result.sent} ran"


def _enough(name: str, seen: int, needed: float, evidence: str) -> Check:
    verdict = Verdict.PASS if seen >= needed else Verdict.FAIL
    return Check(name, verdict, evidence, f"{seen} packets", f"≥ {needed:.0f} packets")


def _adding(check: Check, text: str) -> Check:
    return replace(check, evidence=check.evidence + text)
