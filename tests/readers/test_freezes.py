"""Freeze calendars, above all the trading week that ships."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from maintsched.domain.interval import Interval
from maintsched.errors import NoticeUnreadable
from maintsched.readers.freezes import read_freezes

from .given import HORIZON, calendar, shown, span

FX_WEEK = Path(__file__).parents[2] / "calendars" / "fx-week.ics"
EDGES = [
    # London is not five hours from New York in these weeks, so "22:00 London" would be an hour off.
    ("2026-03-01T00:00Z/2026-03-07T00:00Z", "2026-03-01T22:00Z/2026-03-06T22:00Z"),
    ("2026-03-08T12:00Z/2026-03-14T00:00Z", "2026-03-08T21:00Z/2026-03-13T21:00Z"),
    ("2026-03-21T00:00Z/2026-03-28T00:00Z", "2026-03-22T21:00Z/2026-03-27T21:00Z"),
    ("2026-03-28T00:00Z/2026-04-04T00:00Z", "2026-03-29T21:00Z/2026-04-03T21:00Z"),
    ("2026-10-24T00:00Z/2026-10-31T00:00Z", "2026-10-25T21:00Z/2026-10-30T21:00Z"),
    ("2026-10-31T00:00Z/2026-11-07T00:00Z", "2026-11-01T22:00Z/2026-11-06T22:00Z"),
    ("2026-12-26T00:00Z/2027-01-02T00:00Z", "2026-12-27T22:00Z/2027-01-01T22:00Z"),
    ("2027-03-13T00:00Z/2027-03-20T00:00Z", "2027-03-14T21:00Z/2027-03-19T21:00Z"),
    ("2027-10-30T00:00Z/2027-11-06T00:00Z", "2027-10-31T21:00Z/2027-11-05T21:00Z"),
    ("2027-11-06T00:00Z/2027-11-13T00:00Z", "2027-11-07T22:00Z/2027-11-12T22:00Z"),
]


@pytest.mark.parametrize(("within", "expected"), EDGES)
def test_the_trading_week_follows_new_york(within: str, expected: str) -> None:
    horizon = span(within)
    assert horizon is not None
    assert [(shown(found), title) for found, title in read_freezes(FX_WEEK.read_bytes(), horizon).freezes] == [
        (expected, "FX trading week")
    ]


def test_weekends_are_free_and_as_long_as_new_york_makes_them() -> None:
    freezes = [found for found, _ in read_freezes(FX_WEEK.read_bytes(), HORIZON).freezes]
    free = {second.start - first.end for first, second in pairwise(freezes)}
    assert len(freezes) == 105
    assert free == {timedelta(hours=47), timedelta(hours=48), timedelta(hours=49)}


def test_a_single_freeze_is_read_and_a_cancelled_one_does_not_freeze() -> None:
    data = calendar(
        "UID:a\nSUMMARY:Payrolls\nDTSTART:20261204T130000Z\nDTEND:20261204T150000Z",
        "UID:b\nSTATUS:CANCELLED\nDTSTART:20261205T130000Z\nDTEND:20261205T150000Z",
        "UID:c\nDTSTART:20301204T130000Z\nDTEND:20301204T150000Z",
    )
    assert read_freezes(data, HORIZON).freezes == (
        (Interval(datetime(2026, 12, 4, 13, tzinfo=UTC), datetime(2026, 12, 4, 15, tzinfo=UTC)), "Payrolls"),
    )


UNREADABLE = [
    "UID:a\nSUMMARY:Payrolls\nDTSTART:20261204T130000\nDTEND:20261204T150000",
    "UID:a\nSUMMARY:Payrolls\nDTSTART:20261204T130000Z",
    "UID:a\nSUMMARY:Payrolls\nDTSTART:20261204T130000Z\nDTEND:20261204T150000Z\nRRULE:FREQ=MINUTELY",
]


@pytest.mark.parametrize("event", UNREADABLE)
def test_a_freeze_that_cannot_be_read_is_an_error_never_a_free_slot(event: str) -> None:
    with pytest.raises(NoticeUnreadable, match="freeze 'Payrolls'"):
        read_freezes(calendar(event), HORIZON)
