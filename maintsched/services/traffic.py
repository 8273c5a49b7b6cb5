"""Proof that traffic moved: a counted burst of our own, sought in the interface counters of both circuits, both ways.

Moved means: at least 95 % of the burst is in the carrying circuit's counters each way, and the other circuit carries no
more than its control-plane floor, measured idle, + 5 % of the burst.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from maintsched.domain.drill import Check, Verdict
from maintsched.domain.inventory import Circuit
from maintsched.errors import ProbeFailed
from maintsched.services.reading import Counters, Readings

SHARE = 0.95
SLACK = 0.05
FLOOR_MARGIN = 1.05


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
        self.floor = Rate(0.0, 0.0)

    def measure(self, carrier: Circuit, other: Circuit) -> BurstResult:
        before = (self._readings.counters(carrier), self._readings.counters(other))
        began = time.monotonic()
        sent, answered = self._burst()
        after = (self._readings.counters(carrier), self._readings.counters(other))
        seconds = time.monotonic() - began
        return BurstResult(
            sent, answered, difference(before[0], after[0], seconds), difference(before[1], after[1], seconds)
        )

    def learn_floor(self, idle: Difference) -> None:
        """Take the idle circuit's rate as the control-plane floor."""
        self.floor = Rate(idle.received / idle.seconds, idle.sent / idle.seconds)

    def checks(self, result: BurstResult, carrier: Circuit, other: Circuit) -> tuple[Check, ...]:
        """Forward, return, and the other circuit's silence; each FAIL says where the packets were seen instead."""
        needed = SHARE * result.sent
        stray = SLACK * result.sent
        idle_sent = self.floor.sent * result.other.seconds * FLOOR_MARGIN + stray
        idle_received = self.floor.received * result.other.seconds * FLOOR_MARGIN + stray
        forward = _share("forward", result.carrier.sent, needed, result.sent, f"sent on {carrier.name}")
        back = _share("return", result.carrier.received, needed, result.sent, f"received on {carrier.name}")
        if back.verdict is Verdict.FAIL and result.other.received > idle_received:
            stuck = f"; {result.other.received} came in on {other.name} instead: the way back has not moved"
            back = Check(back.id, back.verdict, back.evidence + stuck, back.value, back.limit)
        quiet = result.other.sent <= idle_sent and result.other.received <= idle_received
        silence = Check(
            "quiet",
            Verdict.PASS if quiet else Verdict.FAIL,
            f"{other.name} carried {result.other.sent} out, {result.other.received} in during a burst of {result.sent}",
            f"{max(result.other.sent, result.other.received)} packets",
            f"≤ {max(idle_sent, idle_received):.0f} packets (control-plane floor + 5 % of the burst)",
        )
        return forward, back, silence


def _share(name: str, seen: int, needed: float, sent: int, where: str) -> Check:
    verdict = Verdict.PASS if seen >= needed else Verdict.FAIL
    return Check(name, verdict, f"{seen} of {sent} burst packets {where}", f"{seen} packets", f"≥ {needed:.0f} packets")
