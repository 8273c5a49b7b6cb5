"""Outage and latency out of probe samples: loss-derived and longest-gap (RFC 6412, RFC 6414), with their accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from maintsched.domain.drill import Outage, Sample
from maintsched.domain.interval import Interval

MILLISECOND = timedelta(milliseconds=1)
STALLED = 1.5
"""Samples farther apart than this many intervals: the probe itself paused, and the accuracy is that pause."""


def answered(sample: Sample) -> bool:
    """Whether a good answer came: a wrong one (HTTP status, certificate) does not count."""
    return sample.rtt_ms is not None and sample.ok


def lost_in_a_row(samples: Iterable[Sample]) -> int:
    """How many samples without a good answer stand at the end, in the order in which they were sent."""
    count = 0
    for sample in sorted(samples, key=lambda each: each.at, reverse=True):
        if answered(sample):
            break
        count += 1
    return count


def outage(samples: Iterable[Sample], rate: float, method: str, what: str) -> Outage:
    """The outage that `samples`, sent at `rate` per second, saw; there and back together.

    `round_trip_ms` is loss-derived: lost / offered load (RFC 6412, 3.6.4), with an accuracy of one interval (RFC 6413,
    5.7), or of the probe's own longest pause where it had one. `longest_gap_ms` is the largest distance between the
    sending times of neighbouring good answers; before the first and after the last one it is a lower bound. Each way by
    itself is not measured. Without samples nothing is.
    """
    sent = sorted(samples, key=lambda each: each.at)
    if not sent:
        return Outage(method, what, None, None, None, None, None, None, None)
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(f"a rate must be positive: {rate}")
    interval = 1000.0 / rate
    spacing = max((_ms(later.at - earlier.at) for earlier, later in pairwise(sent)), default=interval)
    accuracy = interval if spacing <= STALLED * interval else spacing
    lost = sum(not answered(each) for each in sent)
    return Outage(
        method,
        what,
        forward_ms=None,
        reverse_ms=None,
        round_trip_ms=round(lost * interval, 3),
        longest_gap_ms=round(_longest_gap(sent, interval), 3),
        lost=lost,
        sent=len(sent),
        accuracy_ms=round(accuracy, 3),
    )


def _longest_gap(sent: Sequence[Sample], interval: float) -> float:
    """In ms. Ends without an answer count up to the first sample, and one interval beyond the last."""
    good = [each.at for each in sent if answered(each)]
    first, last = sent[0].at, sent[-1].at
    if not good:
        return _ms(last - first) + interval
    inside = [_ms(later - earlier) for earlier, later in pairwise(good)]
    before = [_ms(good[0] - first)] if good[0] > first else []
    after = [_ms(last - good[-1]) + interval] if good[-1] < last else []
    return max([*inside, *before, *after], default=interval)


def describe(measured: Outage) -> str:
    """`250 ms ± 50 ms (5 of 400 lost)`, `< 50 ms (0 of 400 lost)`, `not measured`. Never `0 ms`."""
    lost, sent, outage_ms, accuracy = measured.lost, measured.sent, measured.round_trip_ms, measured.accuracy_ms
    if lost is None or sent is None or sent == 0 or outage_ms is None or accuracy is None:
        return "not measured"
    counted = f"({lost} of {sent} lost)"
    if lost == 0:
        return f"< {_number(accuracy)} ms {counted}"
    if lost == sent:
        return f"no answer at all, for at least {_number(outage_ms)} ms {counted}"
    return f"{_number(outage_ms)} ms ± {_number(accuracy)} ms {counted}"


@dataclass(frozen=True, slots=True)
class RttSummary:
    """Round-trip times in ms of the good answers among `sent` samples; None where there was none."""

    sent: int
    answered: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class RttPhases:
    """Round-trip times before, during and after an interval, by the time of sending."""

    before: RttSummary
    during: RttSummary
    after: RttSummary


def rtt_summary(samples: Iterable[Sample]) -> RttSummary:
    """Percentiles by nearest rank: every number printed is one that was measured."""
    sent = list(samples)
    times = [each.rtt_ms for each in sent if each.rtt_ms is not None and each.ok]
    p50, p95, p99, longest = (percentile(times, q) for q in (50, 95, 99, 100))
    return RttSummary(len(sent), len(times), p50, p95, p99, longest)


def rtt_phases(samples: Iterable[Sample], during: Interval) -> RttPhases:
    """Round-trip times before, during and after `during`."""
    sent = list(samples)
    return RttPhases(
        rtt_summary(each for each in sent if each.at < during.start),
        rtt_summary(each for each in sent if during.start <= each.at < during.end),
        rtt_summary(each for each in sent if during.end <= each.at),
    )


def percentile(values: Iterable[float], q: float) -> float | None:
    """The smallest value that at least `q` percent of `values` do not exceed (nearest rank); None of nothing."""
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile lies between 0 and 100: {q}")
    ordered = sorted(values)
    if not ordered:
        return None
    # the rounding keeps 0.07 * 100 from becoming the eighth of a hundred
    return ordered[max(1, math.ceil(round(q * len(ordered) / 100, 9))) - 1]


def _ms(duration: timedelta) -> float:
    return duration / MILLISECOND


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def sent_between(samples: Iterable[Sample], start: datetime, end: datetime) -> tuple[Sample, ...]:
    """The samples sent in `[start, end)`."""
    return tuple(each for each in samples if start <= each.at < end)
