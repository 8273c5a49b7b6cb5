"""Recurrence rules: which are refused, what the expanded ones give, and that no rule breaks the reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintsched.domain.interval import Interval
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read
from maintsched.readers.contentlines import read_calendars
from maintsched.readers.freezes import read_freezes
from maintsched.readers.recurrence import BOUND, MAX_OF_FILE, expand
from maintsched.readers.rules import changes_clocks, parts_of
from maintsched.services.confining import Confined

from .given import HORIZON, calendar, one, origin, plain_event, shown

REFUSED = [
    ("", "FREQ=''"),
    ("FREQ=DAILY;FREQ=WEEKLY", "FREQ twice"),
    ("FREQ=DAILY;RSCALE=CHINESE", "'RSCALE=CHINESE' is not expanded"),
    ("FREQ=DAILY;BYDAY", "'BYDAY' is not expanded"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20260110T000000Z", "both COUNT and UNTIL"),
    ("FREQ=DAILY;COUNT=-1", "COUNT='-1'"),
    ("FREQ=DAILY;COUNT=0", "COUNT='0'"),
    ("FREQ=DAILY;INTERVAL=1e9", "INTERVAL='1E9'"),
    ("FREQ=DAILY;INTERVAL=²", "INTERVAL='²'"),
    ("FREQ=YEARLY;BYMONTH=13", "BYMONTH='13'"),
    ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH='-1'"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY='0'"),
    ("FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY='-32'"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR='24'"),
    ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY='54MO'"),
    ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY='0MO'"),
    ("FREQ=MONTHLY;BYDAY=XX", "BYDAY='XX'"),
    ("FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY with BYDAY='1MO'"),
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "with BYDAY='1MO'"),
    ("FREQ=MONTHLY;BYWEEKNO=1", "FREQ=MONTHLY with BYWEEKNO"),
    ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=WEEKLY with BYMONTHDAY"),
    ("FREQ=DAILY;BYYEARDAY=1", "FREQ=DAILY with BYYEARDAY"),
    ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS without another"),
    ("FREQ=MINUTELY", "finer than hourly"),
    ("FREQ=\u202eDAILY", "finer than hourly"),
]


@pytest.mark.parametrize(("rule", "says"), REFUSED, ids=[ascii(case[0]) for case in REFUSED])
def test_a_rule_that_is_not_of_the_standard_is_refused_with_the_part_at_fault(rule: str, says: str) -> None:
    with pytest.raises(ValueError, match="RRULE") as refused:
        parts_of(rule)
    assert says in str(refused.value)
    notice = one(calendar(plain_event(":20260704T080000Z", ":20260704T090000Z", f"RRULE:{rule}")))
    assert notice.interval is None
    assert says in " ".join(notice.problems)
    assert all(problem.isprintable() for problem in notice.problems)


EXPANDED = [
    # (rule, the days in 2026 on which it falls after 1 January, a Thursday)
    ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", ["01-30", "02-27", "03-27"]),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=3", ["01-01", "02-02", "03-02"]),
    ("FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1;UNTIL=20261231", ["03-31", "06-30", "09-30", "12-31"]),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;WKST=SU;UNTIL=20260129T080000Z", ["01-01", "01-15", "01-29"]),
    ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=4", ["01-31", "03-31", "05-31", "07-31"]),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=1", ["05-11"]),
    ("FREQ=YEARLY;BYYEARDAY=100;COUNT=1", ["04-10"]),
    ("freq=weekly;byday=sa;count=2", ["01-03", "01-10"]),
]


@pytest.mark.parametrize(("rule", "days"), EXPANDED, ids=[case[0] for case in EXPANDED])
def test_a_rule_of_the_standard_gives_its_days(rule: str, days: list[str]) -> None:
    start = f"{days[0]}".replace("-", "")
    notices = read(calendar(plain_event(f":2026{start}T080000Z", f":2026{start}T090000Z", f"RRULE:{rule}")), origin())
    assert [shown(notice.interval) for notice in notices] == [f"2026-{day}T08:00Z/2026-{day}T09:00Z" for day in days]
    assert all(notice.problems == () for notice in notices)


def test_a_freeze_of_six_weeks_recurs_every_year_but_not_every_month() -> None:
    winter = "UID:a\nDTSTART:20251201T000000Z\nDTEND:20260112T000000Z\nRRULE:FREQ={}"
    freezes = read_freezes(calendar(winter.format("YEARLY")), HORIZON).freezes
    assert [shown(freeze)[:10] for freeze, _ in freezes] == ["2025-12-01", "2026-12-01", "2027-12-01"]
    with pytest.raises(NoticeUnreadable, match="last at most 31 days"):
        read_freezes(calendar(winter.format("MONTHLY")), HORIZON)


def test_across_a_change_of_clocks_the_hours_and_the_clock_are_both_covered() -> None:
    # 22:00 to 06:00 is 8 h; on 28 March only 7 pass until the clock shows 06:00, on 24 October 9.
    weekly = plain_event(
        ";TZID=Europe/London:20260321T220000", ";TZID=Europe/London:20260322T060000", "RRULE:FREQ=WEEKLY;COUNT=32"
    )
    lasting = {shown(n.interval)[:10]: n.interval.duration for n in read(calendar(weekly), origin()) if n.interval}
    assert lasting.pop("2026-03-28") == timedelta(hours=8)
    assert lasting.pop("2026-10-24") == timedelta(hours=9)
    assert set(lasting.values()) == {timedelta(hours=8)}


KNOWN = [
    # (what, events, known until)
    ("empty", [], "2026-01-01T00:00"),
    ("one entry", [":20260704T080000Z/:20260704T090000Z"], "2026-07-04T09:00"),
    ("one behind the horizon", [":20300704T080000Z/:20300704T090000Z"], "2030-07-04T09:00"),
    ("one of the past", [":20200704T080000Z/:20200704T090000Z"], "2020-07-04T09:00"),
    ("a rule with a count", [":20260704T080000Z/:20260704T090000Z/FREQ=WEEKLY;COUNT=3"], "2026-07-18T09:00"),
    ("a rule until", [":20260704T080000Z/:20260704T090000Z/FREQ=WEEKLY;UNTIL=20260719"], "2026-07-18T09:00"),
    ("a rule that ends behind the horizon", [":20260704T080000Z/:20260704T090000Z/FREQ=WEEKLY;COUNT=300"], ""),
    ("a rule until behind the horizon", [":20260704T080000Z/:20260704T090000Z/FREQ=WEEKLY;UNTIL=20300101"], ""),
    ("a rule without end", [":20260704T080000Z/:20260704T090000Z/FREQ=YEARLY"], ""),
    ("a rule that is over", [":20200704T080000Z/:20200704T090000Z/FREQ=WEEKLY;COUNT=3"], "2026-01-01T00:00"),
    (
        "a rule without end beside an entry",
        [":20260704T080000Z/:20260704T090000Z", ":20260704T080000Z/:20260704T090000Z/FREQ=DAILY"],
        "",
    ),
    ("a cancelled one", [":20260704T080000Z/:20260704T090000Z/FREQ=DAILY\nSTATUS:CANCELLED"], "2026-01-01T00:00"),
]


@pytest.mark.parametrize(("what", "events", "until"), KNOWN, ids=[case[0] for case in KNOWN])
def test_a_freeze_calendar_is_known_to_the_end_of_its_last_entry(what: str, events: list[str], until: str) -> None:
    made = []
    for number, event in enumerate(events):
        start, end, *rule = event.split("/")
        made.append(f"UID:{number}\nDTSTART{start}\nDTEND{end}" + "".join(f"\nRRULE:{part}" for part in rule))
    known = read_freezes(calendar(*made), HORIZON).known_until
    assert (f"{known:%Y-%m-%dT%H:%M}" if known else "") == until


def test_a_file_gives_so_many_occurrences_and_the_entries_behind_are_refused() -> None:
    weekly = "UID:{}\nDTSTART:20260704T000000Z\nDURATION:PT1M\nRRULE:FREQ=WEEKLY;COUNT={}"
    data = calendar(weekly.format("a", 3), weekly.format("b", 2), weekly.format("c", 1)) + calendar(
        weekly.format("d", 1)
    )
    one_calendar, another = read_calendars(data)
    one_calendar.tally.occurrences = MAX_OF_FILE - 4  # what stood before them
    first, second, third = one_calendar.events
    assert len(expand([first], one_calendar, origin()).occurrences) == 3
    with pytest.raises(ValueError, match=f"recur more than {MAX_OF_FILE} times in all"):
        expand([second], one_calendar, origin())
    assert len(expand([third], one_calendar, origin()).occurrences) == 1
    with pytest.raises(ValueError, match="times in all"):  # the other calendars of a file count too
        expand(another.events, another, origin())


def test_what_bounds_an_entry_ends_that_entry_only() -> None:
    class Enough(Exception):
        """The time of an entry is up."""

    @contextmanager
    def first_only() -> Iterator[None]:
        entered.append(1)
        if len(entered) > 1:
            raise Enough("no time left")
        yield

    entered: list[int] = []
    token = BOUND.set(first_only)
    try:
        weekly = "UID:{}\nDTSTART:20260704T000000Z\nDURATION:PT1M\nRRULE:FREQ=WEEKLY;COUNT=2"
        notices = read(calendar(*(weekly.format(number) for number in range(2))), origin())
    finally:
        BOUND.reset(token)
    assert [(n.uid[:1], bool(n.problems)) for n in notices] == [("0", False), ("0", False), ("1", True)]


CLOCKS = [
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", True),
    ("FREQ=YEARLY;BYDAY=2SU;BYMONTH=3;UNTIL=20301231T000000Z", True),
    ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU", True),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", True),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", False),
    ("FREQ=SECONDLY", False),
    ("FREQ=DAILY", False),
    ("FREQ=YEARLY;BYHOUR=1,2", False),
    ("FREQ=YEARLY", True),
    ("FREQ=YEARLY;BYDAY=MO", False),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=SU", False),
    ("FREQ=YEARLY;INTERVAL=2;BYMONTH=3;BYDAY=-1SU", False),
    ("FREQ=YEARLY;BYMONTH=1,2,3;BYDAY=-1SU", False),
    ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1;BYDAY=5MO", False),
    ("", False),
]


@pytest.mark.parametrize(("rule", "may"), CLOCKS, ids=[case[0] for case in CLOCKS])
def test_clocks_change_on_a_date_of_the_year_and_by_no_other_rule(rule: str, may: bool) -> None:
    assert changes_clocks([rule]) is may


PARTS = {
    "FREQ": st.sampled_from(["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", "MINUTELY", "x"]),
    "INTERVAL": st.one_of(st.integers(-1, 60), st.just(10**9)).map(str),
    "COUNT": st.one_of(st.integers(-1, 60), st.just(10**9)).map(str),
    "UNTIL": st.sampled_from(["20260801", "20270101T000000Z", "20270101T000000", "99991231T235959Z", "0", ""]),
    "WKST": st.sampled_from(["MO", "SU", "XX"]),
    "BYDAY": st.lists(
        st.tuples(st.sampled_from(["", "1", "-1", "5", "-53", "+2", "0"]), st.sampled_from(["MO", "SA", "SU"])).map(
            "".join
        ),
        max_size=4,
    ).map(",".join),
    **{
        name: st.lists(st.integers(-top - 1, top + 1).map(str), max_size=4).map(",".join)
        for name, top in {
            "BYMONTH": 12,
            "BYMONTHDAY": 31,
            "BYYEARDAY": 366,
            "BYWEEKNO": 53,
            "BYHOUR": 23,
            "BYMINUTE": 59,
            "BYSECOND": 59,
            "BYSETPOS": 366,
        }.items()
    },
}
SENSIBLE = {"BYMONTH": (1, 12), "BYMONTHDAY": (1, 31), "BYHOUR": (0, 23), "BYSETPOS": (1, 5)}


@st.composite
def rules(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(list(PARTS)), max_size=5, unique=True))
    parts = {"FREQ": draw(PARTS["FREQ"]), **{name: draw(PARTS[name]) for name in names}}
    for name in set(names) & set(SENSIBLE):
        if draw(st.booleans()):
            parts[name] = ",".join(map(str, draw(st.lists(st.integers(*SENSIBLE[name]), min_size=1, max_size=3))))
    return ";".join(f"{name}={value}" for name, value in parts.items())


STARTS = st.sampled_from([":20260704T080000Z", ":20200229T080000Z", ";TZID=America/New_York:20251102T013000"])


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    with Confined(cpu=0.5, wall=60) as reader:
        yield reader


@settings(max_examples=100, deadline=None)
@given(rules(), STARTS, st.sampled_from(["PT1H", "P1D", "P30D", "-PT1H", "PT0S"]))
def test_no_rule_breaks_the_reader_and_each_is_expanded_or_doubted(
    confined: Confined, rule: str, start: str, length: str
) -> None:
    event = f"UID:random\nDTSTART{start}\nDURATION:{length}\nRRULE:{rule}"
    notices = confined.read(calendar(event, plain_event(":20261209T010000Z", ":20261209T050000Z")), origin())
    assert [n.problems for n in notices if n.uid == "u1"] == [()]
    assert len({n.maintenance_id for n in notices}) == len(notices)
    for notice in notices:
        assert notice.interval is not None or notice.problems
        assert notice.interval is None or notice.interval.overlaps(HORIZON)


@settings(max_examples=60, deadline=None)
@given(
    st.dates(date(2025, 12, 1), date(2027, 6, 1)),
    st.integers(0, 23),
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Singapore"]),
    st.integers(1, 5),
    st.integers(1, 40),
)
def test_weekly_entries_are_where_the_clock_says(day: date, hour: int, name: str, every: int, count: int) -> None:
    zone = ZoneInfo(name)
    start = datetime.combine(day, time(hour))
    event = plain_event(
        f";TZID={name}:{start:%Y%m%dT%H%M%S}", f";TZID={name}:{start:%Y%m%dT%H}3000",
        f"RRULE:FREQ=WEEKLY;INTERVAL={every};COUNT={count}",
    )  # fmt: skip
    expected = []
    for number in range(count):
        wall = start + timedelta(weeks=every * number)
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = moment.astimezone(zone).replace(tzinfo=None) == wall
        once = wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=zone, fold=1).utcoffset()
        meant = Interval(moment, moment + timedelta(minutes=30))
        if meant.overlaps(HORIZON):
            expected.append((moment, exists and once))
    found = [(n.interval.start, not n.problems) for n in read(calendar(event), origin()) if n.interval]
    assert [sound for _, sound in found] == [sound for _, sound in expected]
    assert [at for at, sound in found if sound] == [at for at, sound in expected if sound]
