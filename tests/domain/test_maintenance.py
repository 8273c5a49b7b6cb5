"""Revisions add up to one maintenance, whatever the order they arrive in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import belongs_to, difference, merge
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status

NIGHT = Interval(datetime(2026, 12, 9, 1, tzinfo=UTC), datetime(2026, 12, 9, 5, tzinfo=UTC))
LONGER = Interval(NIGHT.start, NIGHT.end + timedelta(hours=2))
NEXT_WEEK = Interval(NIGHT.start + timedelta(days=7), NIGHT.end + timedelta(days=7))
FIRST = Notice(
    provider="Equinix",
    account="7",
    maintenance_id="CHG1",
    uid="CHG1",
    title="Splicing",
    stamp=datetime(2026, 11, 1, tzinfo=UTC),
    interval=NIGHT,
    status=Status.TENTATIVE,
    impact=Impact.REDUCED_REDUNDANCY,
    objects=(ObjectImpact("A-1"),),
    sites=("LD4",),
    sequence=0,
)


def later(**changes: object) -> Notice:
    """The next revision: a day and one sequence later unless said otherwise."""
    values = {"sequence": 1, "stamp": datetime(2026, 11, 2, tzinfo=UTC), **changes}
    return replace(FIRST, **values)  # type: ignore[arg-type]


CANCELLED = later(status=Status.CANCELLED, interval=None, objects=(), sites=(), impact=Impact.OUTAGE)
CASES = [
    ("one alone", [FIRST], NIGHT, Status.TENTATIVE, Impact.REDUCED_REDUNDANCY, ""),
    ("confirmed", [FIRST, later(status=Status.CONFIRMED)], NIGHT, Status.CONFIRMED, Impact.REDUCED_REDUNDANCY, ""),
    ("no status ever", [replace(FIRST, status=None)], NIGHT, Status.CONFIRMED, Impact.REDUCED_REDUNDANCY, ""),
    ("no status is unchanged", [FIRST, later(status=None)], NIGHT, Status.TENTATIVE, Impact.REDUCED_REDUNDANCY, ""),
    ("cancelled with nothing else", [FIRST, CANCELLED], NIGHT, Status.CANCELLED, Impact.REDUCED_REDUNDANCY, ""),
    ("moved", [FIRST, later(interval=NEXT_WEEK)], NEXT_WEEK, Status.TENTATIVE, Impact.REDUCED_REDUNDANCY, ""),
    ("worse", [FIRST, later(impact=Impact.OUTAGE)], NIGHT, Status.TENTATIVE, Impact.OUTAGE, ""),
    (
        "extended",
        [FIRST, later(interval=LONGER, extended=True)],
        LONGER,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "",
    ),
    (
        "extended by nothing",
        [FIRST, later(extended=True)],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "EXTENDED",
    ),
    (
        "extended, unknown before",
        [replace(FIRST, extended=True)],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "EXTENDED",
    ),
    (
        "rescheduled to the same",
        [FIRST, later(rescheduled=True)],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "RESCHEDULED",
    ),
    (
        "revived without a word",
        [CANCELLED, later(sequence=2, status=None, interval=NEXT_WEEK)],
        NEXT_WEEK,
        Status.CONFIRMED,
        Impact.REDUCED_REDUNDANCY,
        "after CANCELLED",
    ),
    (
        "higher sequence, older stamp",
        [later(interval=NEXT_WEEK), replace(FIRST, stamp=datetime(2026, 11, 9, tzinfo=UTC))],
        NEXT_WEEK,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "",
    ),
    (
        "two contents of one revision",
        [FIRST, replace(FIRST, interval=NEXT_WEEK)],
        None,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "same sequence and stamp",
    ),
    (
        "cancelled and open at once",
        [later(status=Status.CANCELLED), later(status=Status.IN_PROCESS)],
        NIGHT,
        Status.IN_PROCESS,
        Impact.REDUCED_REDUNDANCY,
        "same sequence and stamp",
    ),
    ("a problem stays", [replace(FIRST, problems=("odd",))], NIGHT, Status.TENTATIVE, Impact.REDUCED_REDUNDANCY, "odd"),
    (
        "a sound revision settles it",
        [replace(FIRST, problems=("odd",)), later()],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "",
    ),
    (
        "a cancellation settles it",
        [replace(FIRST, problems=("odd",)), CANCELLED],
        NIGHT,
        Status.CANCELLED,
        Impact.REDUCED_REDUNDANCY,
        "",
    ),
    (
        "a revision without time does not",
        [replace(FIRST, problems=("odd",)), later(interval=None)],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "odd",
    ),
    (
        "a younger mail beside a sequence",
        [later(), later(sequence=None, status=Status.CANCELLED, stamp=datetime(2026, 11, 5, tzinfo=UTC))],
        NIGHT,
        Status.TENTATIVE,
        Impact.REDUCED_REDUNDANCY,
        "without sequence",
    ),
]


@pytest.mark.parametrize(("why", "revisions", "interval", "status", "impact", "says"), CASES, ids=[c[0] for c in CASES])
def test_what_revisions_add_up_to(
    why: str, revisions: list[Notice], interval: Interval | None, status: Status, impact: Impact, says: str
) -> None:
    for order in permutations(revisions):
        result = merge(order)
        assert (result.status, result.impact) == (status, impact)
        assert interval is None or result.interval == interval
        assert (says in " ".join(result.needs_review)) if says else result.needs_review == ()
        assert (result.objects, result.sites, result.title) == (
            (ObjectImpact("A-1"),),
            ("LD4",),
            "Splicing",
        ) or why in ("revived without a word",)


def test_an_older_revision_that_comes_again_does_not_revive_what_is_cancelled() -> None:
    assert merge([FIRST, CANCELLED, FIRST]) == merge([CANCELLED, FIRST])
    assert merge([FIRST, CANCELLED, FIRST]).status is Status.CANCELLED


def test_the_same_message_by_two_ways_is_one_revision() -> None:
    assert merge([FIRST, replace(FIRST, sender="a@b.example", uid="other")]).needs_review == ()


def test_notices_of_different_maintenances_and_none_at_all_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="different maintenances"):
        merge([FIRST, replace(FIRST, maintenance_id="CHG2")])
    with pytest.raises(ValueError, match="at least one"):
        merge([])


KNOWN = [
    ("Equinix", "7", "CHG1"),
    ("Equinix", "8", "CHG1"),
    ("AWS", "7", "CHG1"),
    ("Equinix", "", "CHG5"),
    ("Equinix", "1+2", "CHG6"),
    ("Equinix", "7", "CHG7"),
    ("Equinix", "7", "CHG7#2"),
]
IDENTITIES = [
    (("Equinix", "7", "CHG1"), {("Equinix", "7", "CHG1")}),
    (("equinix", "7", "chg1"), {("Equinix", "7", "CHG1")}),
    (("Equinix", "", "CHG1"), {("Equinix", "7", "CHG1"), ("Equinix", "8", "CHG1")}),
    (("Equinix", "9", "CHG1"), {("Equinix", "9", "CHG1")}),
    (("Equinix", "7", "CHG5"), {("Equinix", "", "CHG5")}),
    (("Equinix", "7", "CHG9"), {("Equinix", "7", "CHG9")}),
    (("Equinix", "2", "CHG6"), {("Equinix", "1+2", "CHG6")}),
    (("Equinix", "3", "CHG6"), {("Equinix", "3", "CHG6")}),
    (("Equinix", "7", "CHG7"), {("Equinix", "7", "CHG7")}),
]


@pytest.mark.parametrize(("own", "keys"), IDENTITIES)
def test_a_notice_belongs_to_its_maintenance_even_without_its_account(
    own: tuple[str, str, str], keys: set[tuple[str, str, str]]
) -> None:
    provider, account, ticket = own
    notice = replace(FIRST, provider=provider, account=account, maintenance_id=ticket)
    assert set(belongs_to(notice, KNOWN)) == keys


def test_what_is_no_newer_than_a_notice_without_status_does_not_cancel_it() -> None:
    silent = replace(FIRST, status=None)
    cancelled = replace(FIRST, status=Status.CANCELLED)
    for revisions in ([silent, cancelled], [cancelled, silent]):
        found = merge(revisions)
        assert (found.status, bool(found.needs_review)) == (Status.CONFIRMED, True)


WINDOWS = [
    # (part, status, whether it tells a time, what it belongs to)
    (2, Status.CONFIRMED, True, {"CHG7#2"}),
    (3, Status.CONFIRMED, True, {"CHG7#3"}),
    (1, Status.CANCELLED, True, {"CHG7"}),
    (1, Status.CANCELLED, False, {"CHG7", "CHG7#2"}),
    (1, None, False, {"CHG7"}),
]


@pytest.mark.parametrize(("part", "status", "timed", "names"), WINDOWS)
def test_each_window_of_a_ticket_is_a_maintenance_and_the_whole_is_over_in_all(
    part: int, status: Status | None, timed: bool, names: set[str]
) -> None:
    interval = FIRST.interval if timed else None
    notice = replace(
        FIRST, provider="Equinix", account="7", maintenance_id="CHG7", part=part, status=status, interval=interval
    )
    assert {key[2] for key in belongs_to(notice, KNOWN)} == names


def test_a_window_that_the_whole_cancels_keeps_its_own_name() -> None:
    second = replace(FIRST, part=2)
    cancelled = replace(FIRST, status=Status.CANCELLED, interval=None, sequence=9)
    found = merge([cancelled, second])
    assert (found.key[2], found.status, found.interval) == (
        f"{FIRST.maintenance_id}#2",
        Status.CANCELLED,
        second.interval,
    )


notices = st.builds(
    replace,
    st.just(FIRST),
    sequence=st.none() | st.integers(0, 3),
    stamp=st.none() | st.sampled_from([FIRST.stamp, datetime(2026, 11, 2, tzinfo=UTC)]),
    interval=st.sampled_from([None, NIGHT, LONGER, NEXT_WEEK]),
    status=st.none() | st.sampled_from(Status),
    impact=st.sampled_from(Impact),
    account=st.sampled_from(["", "7"]),
    objects=st.sampled_from([(), (ObjectImpact("A-1"),), (ObjectImpact("A-1", Impact.OUTAGE), ObjectImpact("A-2"))]),
    problems=st.sampled_from([(), ("odd",)]),
    extended=st.booleans(),
    rescheduled=st.booleans(),
    title=st.sampled_from(["", "Splicing", "Splicing, again"]),
)


@given(st.lists(notices, min_size=1, max_size=6), st.randoms())
def test_the_order_of_arrival_never_matters(revisions: list[Notice], random: object) -> None:
    shuffled = list(revisions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merge(revisions)
    assert merge([*shuffled, *revisions]) == merge(revisions)


DIFFERENCES = [
    (CANCELLED, ("status TENTATIVE → CANCELLED",)),
    (later(interval=LONGER), ("end 05:00Z → 07:00Z",)),
    (
        later(interval=NEXT_WEEK),
        ("start 2026-12-09 01:00Z → 2026-12-16 01:00Z", "end 2026-12-09 05:00Z → 2026-12-16 05:00Z"),
    ),
    (later(impact=Impact.OUTAGE, title="Cut"), ("impact REDUCED-REDUNDANCY → OUTAGE", "title Splicing → Cut")),
    (later(objects=(ObjectImpact("A-2"),)), ("object added: A-2", "object removed: A-1")),
    (
        later(objects=(ObjectImpact("A-1", Impact.OUTAGE),)),
        ("object A-1: impact as the whole → OUTAGE",),
    ),
    (later(sites=("LD4", "LD7")), ("site added: LD7",)),
    (later(problems=("odd",)), ("needs review: odd",)),
    (later(), ()),
]


@pytest.mark.parametrize(("revision", "lines"), DIFFERENCES)
def test_differences_are_said_in_lines_for_people(revision: Notice, lines: tuple[str, ...]) -> None:
    assert difference(merge([FIRST]), merge([FIRST, revision])) == lines


def test_a_new_maintenance_says_when_and_what_and_a_settled_one_that_it_is() -> None:
    assert difference(None, merge([FIRST])) == (
        "new: TENTATIVE REDUCED-REDUNDANCY 2026-12-09 01:00Z .. 2026-12-09 05:00Z",
    )
    doubted = merge([replace(FIRST, problems=("odd",))])
    assert difference(doubted, merge([replace(FIRST, problems=("odd",)), later()])) == ("no longer needs review",)
