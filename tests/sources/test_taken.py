"""Which mails of a mailbox were taken, however the runs went."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maintsched.sources.taken import Taken, read_taken

RANGES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda r: (r[0], r[0] + r[1])), max_size=8)


@given(RANGES, st.integers(0, 50))
def test_the_gaps_are_all_that_was_not_taken_from_the_newest_down(ranges: list[tuple[int, int]], last: int) -> None:
    taken = Taken("box", 7)
    for low, high in ranges:
        taken = taken.adding(low, high)
    numbers = {uid for low, high in ranges for uid in range(low, high + 1)}
    gaps = list(taken.gaps(last))
    assert [uid for low, high in gaps for uid in range(high, low - 1, -1)] == [
        uid for uid in range(last, 0, -1) if uid not in numbers
    ]
    assert all(high + 1 < low for (_, high), (low, _) in zip(taken.ranges, taken.ranges[1:], strict=False))
    assert read_taken(taken.written(), "box", 7) == taken


@given(st.one_of(st.text(max_size=30), st.sampled_from(["{}", "[]", "null", '{"mailbox": "box", "uidvalidity": 7}'])))
def test_what_cannot_be_read_means_that_nothing_was_taken(validators: str) -> None:
    assert read_taken(validators, "box", 7) == Taken("box", 7)


def test_another_mailbox_and_one_that_was_numbered_anew_begin_from_nothing() -> None:
    written = Taken("box", 7, ((1, 9),)).written()
    assert read_taken(written, "other", 7) == Taken("other", 7)
    assert read_taken(written, "box", 8) == Taken("box", 8)
