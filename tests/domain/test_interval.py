"""Half-open intervals of UTC."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintsched.domain.interval import Interval, from_iso, iso, merged
from maintsched.domain.wording import length, moment, span

DAY = datetime(2026, 10, 25, tzinfo=UTC)
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def hours(start: float, end: float) -> Interval:
    return Interval(DAY + timedelta(hours=start), DAY + timedelta(hours=end))


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1)], ids=["empty", "reversed"])
def test_an_interval_ends_after_it_starts(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        hours(start, end)


def test_an_interval_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Interval(datetime(2026, 1, 1), DAY)  # noqa: DTZ001 - a naive time is what is refused


def test_an_interval_across_the_autumn_change_has_its_true_length() -> None:
    london = ZoneInfo("Europe/London")
    interval = Interval(datetime(2026, 10, 25, 0, 30, tzinfo=london), datetime(2026, 10, 25, 2, 30, tzinfo=london))
    assert interval.duration == timedelta(hours=3)
    assert (iso(interval.start), iso(interval.end)) == ("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z")


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (hours(1, 3), hours(2, 4), hours(2, 3)),
        (hours(1, 4), hours(2, 3), hours(2, 3)),
        (hours(1, 2), hours(2, 3), None),
        (hours(1, 2), hours(3, 4), None),
    ],
    ids=["overlapping", "inside", "back to back", "apart"],
)
def test_intersection_is_half_open(one: Interval, other: Interval, both: Interval | None) -> None:
    assert one.intersection(other) == both == other.intersection(one)
    assert one.overlaps(other) == other.overlaps(one) == (both is not None)


def test_an_interval_contains_itself_and_what_lies_inside() -> None:
    assert hours(1, 3).contains(hours(1, 3))
    assert not hours(1, 3).contains(hours(1, 3.5))
    assert not hours(1, 3).contains(hours(0.5, 3))


def test_widened_goes_both_ways() -> None:
    assert hours(1, 3).widened(timedelta(hours=1)) == hours(0, 4)


pieces = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda pair: hours(pair[0], pair[0] + pair[1])), max_size=8
)


@given(pieces)
def test_merged_keeps_exactly_the_same_instants(intervals: list[Interval]) -> None:
    together = merged(intervals)
    for hour in range(51):
        instant = hours(hour, hour + 1)
        assert any(each.contains(instant) for each in intervals) == any(each.contains(instant) for each in together)
    assert all(earlier.end < later.start for earlier, later in itertools.pairwise(together))


@given(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/London"), ZoneInfo("America/New_York")])))
def test_iso_times_come_back_as_they_were(at: datetime) -> None:
    assert from_iso(iso(at)) == at.astimezone(UTC)


def test_an_iso_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        from_iso("2026-12-09T01:00:00")


def test_times_are_told_to_the_minute_where_that_says_it_all() -> None:
    assert moment(DAY + timedelta(hours=1)) == "2026-10-25 01:00Z"
    assert moment(DAY + timedelta(seconds=61)) == "2026-10-25 00:01:01Z"
    assert span(hours(1, 5)) == "2026-10-25 01:00Z–05:00Z"
    assert span(hours(22, 26)) == "2026-10-25 22:00Z–2026-10-26 02:00Z"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=14), "14 d"),
        (timedelta(hours=36), "36 h"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(), "0 s"),
    ],
)
def test_a_length_is_told_in_the_largest_unit_that_divides_it(duration: timedelta, text: str) -> None:
    assert length(duration) == text
