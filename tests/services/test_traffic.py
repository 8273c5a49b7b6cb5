"""Proof that traffic moved: what the counters around a counted burst come to."""

from __future__ import annotations

import pytest

from maintsched.domain.drill import Verdict
from maintsched.domain.inventory import Circuit, CircuitKind
from maintsched.errors import CommandFailed, ProbeFailed
from maintsched.services.reading import Counters
from maintsched.services.traffic import BurstResult, Difference, Rate, TrafficProof, difference

SURVIVOR = Circuit("uk-ld7", CircuitKind.CROSS_CONNECT, "LD7", "Equinix")
PRIMARY = Circuit("uk-ld4", CircuitKind.CROSS_CONNECT, "LD4", "Equinix")
PASS, FAIL = Verdict.PASS, Verdict.FAIL

# A burst of 100 in one second; the idle circuit's floor is 40 packets/s each way (BFD), so 42 + 5 may be seen on it.
# (out and in on the carrier, out and in on the other) → forward, return, quiet; all of it answered
TABLE = {
    "all of it moved": ((100, 100, 0, 0), (PASS, PASS, PASS)),
    "five in a hundred may be missing": ((95, 95, 40, 40), (PASS, PASS, PASS)),
    "one more may not, out": ((94, 100, 40, 40), (FAIL, PASS, PASS)),
    "one more may not, back": ((100, 94, 40, 40), (PASS, FAIL, PASS)),
    "the others' traffic comes on top": ((5100, 9100, 40, 40), (PASS, PASS, PASS)),
    "the other circuit up to its floor and margin": ((100, 100, 47, 47), (PASS, PASS, PASS)),
    "the other circuit above it, out": ((100, 100, 48, 40), (PASS, PASS, FAIL)),
    "the other circuit above it, back": ((100, 100, 40, 48), (PASS, PASS, FAIL)),
    "nothing moved": ((40, 40, 140, 140), (FAIL, FAIL, FAIL)),
    "only the way out moved": ((100, 40, 40, 140), (PASS, FAIL, FAIL)),
    "only the way back moved": ((40, 100, 140, 40), (FAIL, PASS, FAIL)),
    "lost on the way out": ((0, 0, 40, 40), (FAIL, FAIL, PASS)),
    "lost on the way back": ((100, 0, 40, 40), (PASS, FAIL, PASS)),
}


def proof() -> TrafficProof:
    found = TrafficProof(None, lambda: (100, 100))  # type: ignore[arg-type]  # judging reads nothing
    found.learn_floor(PRIMARY, Difference(received=80, sent=80, seconds=2.0))
    return found


def judged(
    seen: tuple[int, int, int, int], seconds: float = 1.0, answered: int = 100
) -> dict[str, tuple[Verdict, str]]:
    out, back, other_out, other_back = seen
    result = BurstResult(100, answered, Difference(back, out, seconds), Difference(other_back, other_out, seconds))
    return {check.id: (check.verdict, check.evidence) for check in proof().checks(result, SURVIVOR, PRIMARY)}


@pytest.mark.parametrize(("seen", "verdicts"), TABLE.values(), ids=TABLE)
def test_what_the_counters_say(seen: tuple[int, int, int, int], verdicts: tuple[Verdict, ...]) -> None:
    found = judged(seen)
    assert list(found) == ["answered", "forward", "return", "quiet"]
    assert tuple(verdict for verdict, _ in found.values()) == (PASS, *verdicts)


@pytest.mark.parametrize(("answered", "verdict"), [(100, PASS), (95, PASS), (94, FAIL), (0, FAIL)])
def test_a_burst_without_answers_is_no_proof_whatever_the_counters_of_a_busy_circuit_say(
    answered: int, verdict: Verdict
) -> None:
    found = judged((5100, 9100, 40, 40), answered=answered)
    assert found["answered"] == (verdict, f"{answered} of 100 came back")
    assert [found[name][0] for name in ("forward", "return", "quiet")] == [PASS, PASS, PASS]


def test_a_way_back_that_has_not_moved_is_named() -> None:
    found = judged(TABLE["only the way out moved"][0])
    assert found["return"][1] == (
        "40 packets in on uk-ld7 while a burst of 100 ran; 140 came in on uk-ld4: the way back has not moved"
    )
    assert "moved" not in found["forward"][1]


def test_a_way_out_that_has_not_moved_is_named() -> None:
    found = judged(TABLE["only the way back moved"][0])
    assert found["forward"][1] == (
        "40 packets out on uk-ld7 while a burst of 100 ran; 140 went out on uk-ld4: the way out has not moved"
    )
    assert "moved" not in found["return"][1]


@pytest.mark.parametrize("name", ["lost on the way out", "lost on the way back"])
def test_packets_that_were_lost_are_not_said_to_be_elsewhere(name: str) -> None:
    assert all("moved" not in evidence for _, evidence in judged(TABLE[name][0]).values())


def test_the_floor_is_a_rate_so_a_longer_burst_may_carry_more() -> None:
    assert judged((100, 100, 89, 89), seconds=2.0)["quiet"][0] is PASS
    assert judged((100, 100, 90, 40), seconds=2.0)["quiet"][0] is FAIL


def test_without_a_floor_learned_the_other_circuit_may_carry_five_in_a_hundred() -> None:
    fresh = TrafficProof(None, lambda: (100, 100))  # type: ignore[arg-type]  # judging reads nothing
    for seen, verdict in ((5, PASS), (6, FAIL)):
        assert fresh.floor(PRIMARY) == Rate(0.0, 0.0)
        result = BurstResult(100, 100, Difference(100, 100, 1.0), Difference(seen, 0, 1.0))
        assert fresh.checks(result, SURVIVOR, PRIMARY)[3].verdict is verdict


@pytest.mark.parametrize(
    ("seen", "floor"), [(Difference(80, 60, 2.0), Rate(40.0, 30.0)), (Difference(90000, 60, 2.0), Rate(50.0, 30.0))]
)
def test_a_circuit_that_was_never_idle_has_the_others_floor_but_no_more_than_a_control_plane_needs(
    seen: Difference, floor: Rate
) -> None:
    found = TrafficProof(None, lambda: (100, 100))  # type: ignore[arg-type]  # judging reads nothing
    found.learn_floor(SURVIVOR, seen)
    assert found.floor(PRIMARY) == floor
    assert found.floor(SURVIVOR) == Rate(seen.received / 2, seen.sent / 2)


@pytest.mark.parametrize(("after", "gone"), [((9, 30), True), ((30, 19), True), ((10, 20), False), ((11, 21), False)])
def test_a_counter_that_goes_backwards_says_nothing(after: tuple[int, int], gone: bool) -> None:
    before = Counters(10, 20)
    if gone:
        with pytest.raises(ProbeFailed, match="went backwards"):
            difference(before, Counters(*after), 1.0)
    else:
        assert difference(before, Counters(*after), 1.0) == Difference(after[0] - 10, after[1] - 20, 1.0)


class Meter:
    """Counters of two circuits, at the seam of the readings: a burst of 100 adds to them."""

    def __init__(self, *, fails: bool = False) -> None:
        self.counts = {"uk-ld7": Counters(1000, 1000), "uk-ld4": Counters(7, 7)}
        self.fails = fails

    def counters(self, circuit: Circuit) -> Counters:
        if self.fails:
            raise CommandFailed("edge1: no packet counters for interface eth1")
        return self.counts[circuit.name]

    def burst(self) -> tuple[int, int]:
        self.counts = {"uk-ld7": Counters(1099, 1100), "uk-ld4": Counters(9, 8)}
        return 100, 99


def test_a_burst_is_measured_between_two_reads_of_both_circuits() -> None:
    meter = Meter()
    found = TrafficProof(meter, meter.burst).measure(SURVIVOR, PRIMARY)  # type: ignore[arg-type]  # only counters
    assert (found.sent, found.answered) == (100, 99)
    assert (found.carrier.received, found.carrier.sent) == (99, 100)
    assert (found.other.received, found.other.sent) == (2, 1)


def test_counters_that_cannot_be_read_are_no_reading() -> None:
    meter = Meter(fails=True)
    with pytest.raises(CommandFailed):
        TrafficProof(meter, meter.burst).measure(SURVIVOR, PRIMARY)  # type: ignore[arg-type]  # only counters
