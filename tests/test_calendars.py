"""The freeze calendars that ship: right on the clocks of New York and London, also while these two disagree.

What is expected is reckoned with zoneinfo from the days themselves, never by our own reader.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from maintsched.domain.interval import Interval
from maintsched.readers.freezes import read_freezes

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
CALENDARS = Path(__file__).parents[1] / "calendars"
FREEZES = ("fx-week", "fx-rollover", "news-days")

# The Sundays on which a week of trading begins, and what London's clock shows at the opening and at the close.
WEEKS = [
    (date(2026, 3, 1), "22:00", "22:00"),  # both have winter
    (date(2026, 3, 8), "21:00", "21:00"),  # New York has summer since that morning
    (date(2026, 3, 15), "21:00", "21:00"),
    (date(2026, 3, 22), "21:00", "21:00"),
    (date(2026, 3, 29), "22:00", "22:00"),  # both have summer
    (date(2026, 10, 18), "22:00", "22:00"),
    (date(2026, 10, 25), "21:00", "21:00"),  # London has winter since that morning
    (date(2026, 11, 1), "22:00", "22:00"),
    (date(2027, 3, 7), "22:00", "22:00"),
    (date(2027, 3, 14), "21:00", "21:00"),
    (date(2027, 3, 21), "21:00", "21:00"),
    (date(2027, 3, 28), "22:00", "22:00"),
    (date(2027, 10, 24), "22:00", "22:00"),
    (date(2027, 10, 31), "21:00", "21:00"),
    (date(2027, 11, 7), "22:00", "22:00"),
]


def in_new_york(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), NEW_YORK).astimezone(UTC)


def found(name: str, start: datetime, end: datetime) -> list[Interval]:
    data = CALENDARS.joinpath(f"{name}.ics").read_bytes()
    return [freeze for freeze, _ in read_freezes(data, Interval(start, end)).freezes]


def week(name: str, sunday: date) -> list[Interval]:
    """What freezes between the Saturday before and the Saturday after, midnight UTC."""
    start = datetime.combine(sunday - timedelta(days=1), time(), UTC)
    return found(name, start, start + timedelta(days=7))


@pytest.mark.parametrize(("sunday", "opens", "closes"), WEEKS, ids=[str(case[0]) for case in WEEKS])
def test_the_trading_week_is_frozen_from_sunday_to_friday_17_00_new_york(sunday: date, opens: str, closes: str) -> None:
    friday = sunday + timedelta(days=5)
    (freeze,) = week("fx-week", sunday)
    assert freeze == Interval(in_new_york(sunday, "17:00"), in_new_york(friday, "17:00"))
    assert [f"{edge.astimezone(LONDON):%a %H:%M}" for edge in (freeze.start, freeze.end)] == [
        f"Sun {opens}",
        f"Fri {closes}",
    ]
    assert f"{freeze.end:%H:%M}" == ("22:00" if freeze.end.astimezone(NEW_YORK).dst() == timedelta() else "21:00")


@pytest.mark.parametrize(("sunday", "opens", "closes"), WEEKS, ids=[str(case[0]) for case in WEEKS])
def test_the_roll_over_is_frozen_on_every_trading_day_around_17_00_new_york(
    sunday: date, opens: str, closes: str
) -> None:
    freezes = week("fx-rollover", sunday)
    days = [sunday + timedelta(days=number) for number in range(6)]
    assert freezes == [Interval(in_new_york(day, "16:45"), in_new_york(day, "17:15")) for day in days]
    quarter = timedelta(minutes=15)
    middles = [f"{(freeze.start + quarter).astimezone(LONDON):%H:%M}" for freeze in freezes]
    assert middles == [opens] * 5 + [closes]


CLOCK_CHANGES = [
    # (Friday before New York's change, hours from close to opening)
    (date(2026, 3, 6), 47),
    (date(2026, 3, 27), 48),  # London's change is none to a weekend of New York
    (date(2026, 10, 23), 48),
    (date(2026, 10, 30), 49),
    (date(2027, 3, 12), 47),
    (date(2027, 3, 26), 48),
    (date(2027, 10, 29), 48),
    (date(2027, 11, 5), 49),
]


@pytest.mark.parametrize(("friday", "hours"), CLOCK_CHANGES, ids=[str(case[0]) for case in CLOCK_CHANGES])
def test_weekends_in_which_clocks_change_are_free_as_long_as_new_york_makes_them(friday: date, hours: int) -> None:
    close, opening = in_new_york(friday, "17:00"), in_new_york(friday + timedelta(days=2), "17:00")
    assert opening - close == timedelta(hours=hours)
    assert found("fx-week", close, opening) == []
    last, first = found("fx-week", close - timedelta(seconds=1), opening + timedelta(seconds=1))
    assert (last.end, first.start) == (close, opening)


FOMC = ["2026-12-09", "2027-01-27", "2027-03-17", "2027-04-28", "2027-06-09", "2027-07-28"]
FOMC += ["2027-09-15", "2027-10-27", "2027-12-08"]
HORIZON = Interval(datetime(2026, 11, 22, tzinfo=UTC), datetime(2028, 6, 1, tzinfo=UTC))


def test_news_days_hold_the_statements_of_the_fomc_on_new_yorks_clock_and_nothing_of_the_examples() -> None:
    freezes = found("news-days", HORIZON.start, HORIZON.end)
    days = [date.fromisoformat(day) for day in FOMC]
    assert freezes == [Interval(in_new_york(day, "13:45"), in_new_york(day, "15:30")) for day in days]
    assert {day.strftime("%A") for day in days} == {"Wednesday"}
    # On 17 March 2027 London is four hours from New York, on all others five.
    assert [f"{freeze.start.astimezone(LONDON):%H:%M}" for freeze in freezes] == [
        "17:45" if day == "2027-03-17" else "18:45" for day in FOMC
    ]


def test_what_ends_is_known_to_its_end_and_what_recurs_as_far_as_it_was_expanded() -> None:
    until = {
        name: read_freezes(CALENDARS.joinpath(f"{name}.ics").read_bytes(), HORIZON).known_until for name in FREEZES
    }
    assert until == {"fx-week": None, "fx-rollover": None, "news-days": in_new_york(date(2027, 12, 8), "15:30")}


@pytest.mark.parametrize("name", FREEZES)
def test_a_shipped_calendar_is_written_as_the_standard_wants(name: str) -> None:
    data = CALENDARS.joinpath(f"{name}.ics").read_bytes()
    lines = data.split(b"\r\n")
    assert lines[-1] == b""
    assert not any(b"\n" in line or len(line) > 75 for line in lines)
    uids = [line for line in lines if line.startswith(b"UID:")]
    assert len(uids) == len(set(uids))


def test_london_and_new_york_disagree_exactly_in_the_weeks_that_are_tested() -> None:
    sundays = [date(2026, 1, 4) + timedelta(days=7 * number) for number in range(104)]
    odd = [
        sunday
        for sunday in sundays
        if in_new_york(sunday, "17:00").astimezone(LONDON).replace(tzinfo=None) != datetime.combine(sunday, time(22))
    ]
    assert odd == [sunday for sunday, opens, _ in WEEKS if opens == "21:00"]
