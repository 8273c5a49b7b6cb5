"""Times and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maintsched.cli.times import parse_duration, parse_moment
from maintsched.errors import InvalidInput

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONDON, NEW_YORK = "Europe/London", "America/New_York"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1s", timedelta(seconds=1)),
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("14d", timedelta(days=14)),
        ("2w", timedelta(days=14)),
        ("1d1d", timedelta(days=2)),
        ("007m", timedelta(minutes=7)),
        ("0h5m", timedelta(minutes=5)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "5", "h", "1.5h", "-2h", "+2h", "2 h", "2H", "2h ", "0m", "0h0m", "1y", "two hours", "2h\n", "9" * 30 + "w"],
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("+2h", datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("+1d12h", datetime(2026, 11, 24, 0, tzinfo=UTC)),
        ("2026-12-09T01:00Z", datetime(2026, 12, 9, 1, tzinfo=UTC)),
        ("2026-12-09T01:00:30Z", datetime(2026, 12, 9, 1, 0, 30, tzinfo=UTC)),
        ("2026-12-09T01:00+01:00", datetime(2026, 12, 9, 0, tzinfo=UTC)),
        ("2026-12-09 01:00+00:00", datetime(2026, 12, 9, 1, tzinfo=UTC)),
        ("2026-12-31T23:30-05:00", datetime(2027, 1, 1, 4, 30, tzinfo=UTC)),
        ("2026-12-09T01:00+05:45", datetime(2026, 12, 8, 19, 15, tzinfo=UTC)),
        ("20261209T010000Z", datetime(2026, 12, 9, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("local_allowed", [True, False])
def test_moments_that_say_their_zone(text: str, moment: datetime, local_allowed: bool) -> None:
    assert parse_moment(text, LONDON, NOW, local_allowed=local_allowed) == (moment, "")


def test_a_relative_time_counts_from_its_base_where_there_is_one() -> None:
    base = datetime(2026, 12, 9, 1, tzinfo=UTC)
    assert parse_moment("+2h", LONDON, NOW, local_allowed=False, base=base)[0] == base + timedelta(hours=2)


@pytest.mark.parametrize(
    ("text", "zone", "moment", "echo"),
    [
        ("2026-12-09T01:00", LONDON, "2026-12-09T01:00Z", "Wed 09 Dec 2026 01:00 GMT"),
        ("2026-07-09T01:00", LONDON, "2026-07-09T00:00Z", "Thu 09 Jul 2026 01:00 BST"),
        ("2026-12-09", NEW_YORK, "2026-12-09T05:00Z", "Wed 09 Dec 2026 00:00 EST"),
        ("2027-03-28T00:59:59", LONDON, "2027-03-28T00:59Z", "Sun 28 Mar 2027 00:59 GMT"),
        ("2027-03-28T02:00", LONDON, "2027-03-28T01:00Z", "Sun 28 Mar 2027 02:00 BST"),
        ("2026-10-25T00:59", LONDON, "2026-10-24T23:59Z", "Sun 25 Oct 2026 00:59 BST"),
        ("2026-10-25T02:00", LONDON, "2026-10-25T02:00Z", "Sun 25 Oct 2026 02:00 GMT"),
        ("2026-11-01T02:00", NEW_YORK, "2026-11-01T07:00Z", "Sun 01 Nov 2026 02:00 EST"),
        ("2026-12-09T01:00", "UTC", "2026-12-09T01:00Z", "Wed 09 Dec 2026 01:00 UTC"),
    ],
)
def test_a_local_time_is_echoed_as_it_was_understood(text: str, zone: str, moment: str, echo: str) -> None:
    found, said = parse_moment(text, zone, NOW, local_allowed=True)
    assert f"{found:%Y-%m-%dT%H:%MZ}" == moment
    assert found.utcoffset() == timedelta()
    assert said == f"{echo} ({zone}) = {moment}"


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("2027-03-28T01:00", LONDON, "does not exist in Europe/London"),
        ("2027-03-28T01:59:59", LONDON, "does not exist in Europe/London"),
        ("2027-03-14T02:30", NEW_YORK, "does not exist in America/New_York"),
        ("2026-10-25T01:00", LONDON, "exists twice in Europe/London"),
        ("2026-10-25T01:59:59", LONDON, "exists twice in Europe/London"),
        ("2026-11-01T01:30", NEW_YORK, "exists twice in America/New_York"),
    ],
)
def test_a_local_time_that_does_not_exist_or_exists_twice_is_refused(text: str, zone: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        parse_moment(text, zone, NOW, local_allowed=True)
    assert "UTC" in caught.value.hint


def test_a_local_time_needs_a_zone_where_nobody_reads_the_echo() -> None:
    with pytest.raises(InvalidInput, match="'2026-12-09T01:00' has no zone") as caught:
        parse_moment("2026-12-09T01:00", LONDON, NOW, local_allowed=False)
    assert "--tz ZONE" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13-01T00:00Z", "2026-02-30T00:00Z", "2026-12-09T25:00Z", "01:00", "9.12.2026", "+", "+2",
     "+-2h",      "2026-12-09T01:00 Europe/London", "0001-01-01T00:00+23:00", "9999-12-31T23:00-05:00"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_moment(text, LONDON, NOW, local_allowed=True)


@pytest.mark.parametrize("zone", ["", "Europe", "Mars/Olympus", "../etc/passwd", "Europe/London\0"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput, match="is no time zone"):
        parse_moment("2026-12-09T01:00", zone, NOW, local_allowed=True)
