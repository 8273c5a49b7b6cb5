"""Outage numbers: as the RFCs define them, with their accuracy, and never 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.drill import Outage, Sample
from maintsched.domain.interval import Interval
from maintsched.domain.measure import (
    describe,
    lost_in_a_row,
    outage,
    percentile,
    rtt_phases,
    rtt_summary,
    sent_between,
)

START = datetime(2026, 12, 9, 1, tzinfo=UTC)


def train(pattern: str, every_ms: float = 50, rtt: float = 2.0) -> list[Sample]:
    """`+` a good answer, `-` none, `x` a wrong one, a space: the probe paused for one interval."""
    return [
        Sample(START + timedelta(milliseconds=every_ms * index), None if mark == "-" else rtt, ok=mark == "+")
        for index, mark in enumerate(pattern)
        if mark != " "
    ]


def measured(pattern: str, rate: float = 20) -> Outage:
    return outage(train(pattern, 1000 / rate), rate, f"icmp {rate:.0f}/s", "convergence after a shutdown")


CASES = {
    # pattern: (lost, sent, loss-derived ms, longest gap ms, accuracy ms, in words)
    "++++++++": (0, 8, 0, 50, 50, "< 50 ms (0 of 8 lost)"),
    "+++-----++++": (5, 12, 250, 300, 50, "250 ms ± 50 ms (5 of 12 lost)"),
    "++-++--+++": (3, 10, 150, 150, 50, "150 ms ± 50 ms (3 of 10 lost)"),
    "+++xx+++": (2, 8, 100, 150, 50, "100 ms ± 50 ms (2 of 8 lost)"),
    "+++----": (4, 7, 200, 250, 50, "200 ms ± 50 ms (4 of 7 lost)"),
    "----+++": (4, 7, 200, 200, 50, "200 ms ± 50 ms (4 of 7 lost)"),
    "-----": (5, 5, 250, 250, 50, "no answer at all, for at least 250 ms (5 of 5 lost)"),
    "+": (0, 1, 0, 50, 50, "< 50 ms (0 of 1 lost)"),
    "+++     +++": (0, 6, 0, 300, 300, "< 300 ms (0 of 6 lost)"),
}


@pytest.mark.parametrize("pattern", CASES)
def test_an_outage_is_loss_over_offered_load_with_one_interval_of_accuracy(pattern: str) -> None:
    lost, sent, loss_derived, gap, accuracy, words = CASES[pattern]
    result = measured(pattern)
    assert (result.lost, result.sent) == (lost, sent)
    assert (result.round_trip_ms, result.longest_gap_ms, result.accuracy_ms) == (loss_derived, gap, accuracy)
    assert describe(result) == words


def test_each_way_by_itself_is_not_measured() -> None:
    result = measured("++--++")
    assert (result.forward_ms, result.reverse_ms) == (None, None)
    assert (result.method, result.what) == ("icmp 20/s", "convergence after a shutdown")


def test_without_samples_nothing_was_measured() -> None:
    nothing = outage([], 20, "icmp 20/s", "convergence")
    assert describe(nothing) == "not measured"
    numbers = (nothing.round_trip_ms, nothing.longest_gap_ms, nothing.lost, nothing.sent, nothing.accuracy_ms)
    assert numbers == (None, None, None, None, None)


def test_the_order_in_which_samples_settle_does_not_matter() -> None:
    samples = train("++---+++-+")
    assert outage(reversed(samples), 20, "m", "w") == outage(samples, 20, "m", "w")
    assert lost_in_a_row(reversed(train("+--"))) == 2


def test_a_high_rate_gives_a_fine_answer() -> None:
    assert describe(measured("+++" + "-" * 51 + "+++", rate=1000)) == "51 ms ± 1 ms (51 of 57 lost)"
    assert describe(measured("++++", rate=300)) == "< 3.3 ms (0 of 4 lost)"


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        outage(train("++"), rate, "m", "w")


@pytest.mark.parametrize(("pattern", "count"), [("", 0), ("+++", 0), ("---", 3), ("+-+--", 2), ("--+", 0), ("+-x", 2)])
def test_losses_in_a_row_are_counted_from_the_end(pattern: str, count: int) -> None:
    assert lost_in_a_row(train(pattern)) == count


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([], 50, None),
        ([7.0], 0, 7.0),
        ([7.0], 99, 7.0),
        ([3.0, 1.0, 2.0, 4.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
        ([float(n) for n in range(1, 101)], 7, 7.0),
        ([float(n) for n in range(1, 101)], 99.5, 100.0),
        ([1.0, 2.0, 3.0], 100, 3.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], q: float, expected: float | None) -> None:
    assert percentile(values, q) == expected


def test_a_percentile_lies_between_0_and_100() -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1.0], 101)


def test_round_trip_times_are_told_before_during_and_after() -> None:
    samples = [*train("++", rtt=1.0), *train("  +-x", rtt=9.0), *train("     +", rtt=3.0)]
    drill = Interval(START + timedelta(milliseconds=100), START + timedelta(milliseconds=250))
    phases = rtt_phases(samples, drill)
    assert (phases.before.sent, phases.before.answered, phases.before.p50_ms) == (2, 2, 1.0)
    assert (phases.during.sent, phases.during.answered, phases.during.max_ms) == (3, 1, 9.0)
    assert (phases.after.sent, phases.after.answered, phases.after.p99_ms) == (1, 1, 3.0)
    assert rtt_summary([]).p50_ms is None
    assert len(sent_between(samples, drill.start, drill.end)) == 3
