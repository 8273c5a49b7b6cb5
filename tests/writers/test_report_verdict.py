"""What a report says about a run: its words for numbers and times, its verdict, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from maintsched.domain.drill import Check, Finding, Gate, GateState, Run, TimelineEntry, Verdict
from maintsched.writers.report_text import cut, lasting, measured, number
from maintsched.writers.report_verdict import concluded, on_survivor
from tests.writers.runs import BARE, entries

PASSED = replace(
    BARE,
    gates=(Gate("calendar", GateState.OPEN, "nothing"),),
    checks=(Check("LAT-2", Verdict.PASS, "2200 samples"), Check("BW-5", Verdict.SKIPPED, "no traffic")),
    commands=("edge1: neighbor 10.210.4.2 shutdown",),
)
FAILED = replace(PASSED, verdict=Verdict.FAIL, checks=(Check("DRL-3", Verdict.FAIL, "came back over uk-ld4"),))
UNKNOWN = replace(PASSED, verdict=Verdict.ERROR, checks=(Check("DRL-5", Verdict.ERROR, "no answer"),))

CONTRADICTIONS: list[tuple[Run, str]] = [
    (replace(PASSED, our_change_left=True), "our change is, or may be, still on a router"),
    (replace(PASSED, restored=None), "no verified restore is on record"),
    (replace(PASSED, restored=False), "no verified restore is on record"),
    (replace(PASSED, checks=FAILED.checks), "check DRL-3 is FAIL"),
    (replace(PASSED, checks=UNKNOWN.checks), "check DRL-5 is ERROR"),
    (replace(PASSED, gates=(Gate("clock", GateState.UNKNOWN, ""),)), "gate clock is unknown"),
]


@pytest.mark.parametrize(("run", "said"), CONTRADICTIONS)
def test_a_pass_that_its_own_record_denies_is_not_shown_as_one(run: Run, said: str) -> None:
    end = concluded(run)
    assert said in " ".join(end.contradictions)
    assert end.tone == "alarm"
    assert end.alarm
    assert "Nothing to do" not in end.next_title


def test_a_pass_with_nothing_against_it_asks_for_nothing() -> None:
    end = concluded(PASSED)
    assert (end.word, end.tone, end.alarm, end.contradictions) == ("PASS", "pass", "", ())
    assert end.next_title == "Nothing to do"
    assert concluded(replace(PASSED, findings=(Finding("RED-3", "warn", "one campus"),))).next_lines == (
        "1 finding needs an owner and a date.",
    )


NEXT: list[tuple[Run, str, str]] = [
    (FAILED, "Repair, then run the drill again", "maintsched drill run uk-shut-primary"),
    (UNKNOWN, "Find out why we could not tell", "maintsched probe run"),
    (replace(FAILED, restored=False), "Bring the network back to its state before", "maintsched status"),
    (replace(FAILED, our_change_left=True), "Our change must come off the router", "maintsched drill recover"),
    (replace(UNKNOWN, our_change_left=True, restored=None), "Our change must come off the router", "drill recover"),
    (replace(PASSED, verdict=Verdict.SKIPPED, restored=None), "Settle what stopped it", "maintsched drill show"),
    (replace(PASSED, verdict=Verdict.ABORTED), "Settle what stopped it", "maintsched drill run"),
    (replace(FAILED, drill="a b; reboot"), "Repair", "maintsched drill run 'a b; reboot'"),
]


@pytest.mark.parametrize(("run", "title", "line"), NEXT)
def test_what_to_do_next_follows_the_worst_that_is_on_record(run: Run, title: str, line: str) -> None:
    end = concluded(run)
    assert end.next_title.startswith(title)
    assert line in "\n".join(end.shell)


CARRIED: list[tuple[str, bool | None, tuple[TimelineEntry, ...], str | None]] = [
    ("whole", True, entries((30, "prove", "done"), (40, "prove", "done"), (90, "restore", "started")), "1 min"),
    ("other words", True, entries((30, "proof", "note"), (31, "moved", "proved"), (91, "Unshut", "done")), "1 min"),
    ("restore failed", False, entries((30, "prove", "done"), (90, "restore", "failed")), "at least 1 min"),
    ("no restore", None, entries((52, "prove", "done")), "at least 1 min"),
    ("failed proof", True, entries((30, "prove", "failed"), (90, "restore", "done")), None),
    ("only the restore proved", True, entries((9, "restore", "started"), (52, "prove-restored", "done")), None),
    ("unsorted", True, entries((90, "restore", "started"), (30, "prove", "done")), "1 min"),
]


@pytest.mark.parametrize(("restored", "timeline", "text"), [case[1:] for case in CARRIED], ids=[c[0] for c in CARRIED])
def test_the_time_on_the_survivor_runs_from_proof_to_a_verified_restore(
    restored: bool | None, timeline: tuple[TimelineEntry, ...], text: str | None
) -> None:
    carried = on_survivor(replace(PASSED, restored=restored, timeline=timeline))
    assert (carried and carried.text) == text


MEASURED = [
    (None, 50.0, "not measured"),
    (0.0, 50.0, "< 50 ms"),
    (3.0, 10.0, "< 10 ms"),
    (0.0, None, "below what the probe resolves"),
    (51.0, 1.0, "51 ms ± 1 ms"),
    (261.4, 50.0, "261 ms ± 50 ms"),
    (9040.0, 10.0, "9040 ms ± 10 ms"),
    (12_340.0, 50.0, "12.3 s ± 50 ms"),
    (51.0, None, "51 ms (accuracy not recorded)"),
    (0.3, 0.1, "0.3 ms ± 0.1 ms"),
    (float("nan"), 10.0, "not measured"),
    (-1.0, 10.0, "not measured"),
]


@pytest.mark.parametrize(("value", "accuracy", "text"), MEASURED)
def test_measured_values_carry_their_accuracy(value: float | None, accuracy: float | None, text: str) -> None:
    assert measured(value, accuracy) == text


def test_where_nothing_was_lost_only_a_bound_is_known() -> None:
    assert measured(0.0, 50.0, lost=0) == "< 50 ms"
    assert measured(61.2, 50.0, lost=0) == "< 61.2 ms"
    assert measured(61.2, 50.0, lost=1) == "61.2 ms ± 50 ms"


LASTING = [
    (0, "< 0.001 s"), (0.41, "0.41 s"), (0.9999, "1 s"), (59.97, "1 min"), (311, "5 min 11 s"), (14_340, "3 h 59 min"),
    (-1, "not known: it ends before it starts"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "text"), LASTING)
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == text


NUMBERS = [
    (0.012, "0.012"),
    (0.5, "0.5"),
    (1.234, "1.23"),
    (9.999, "10"),
    (12.0, "12"),
    (99.96, "100"),
    (1234.5, "1234"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_numbers_have_three_digits_at_most_behind_their_size(value: float, text: str) -> None:
    assert number(value) == text


def test_a_cut_text_says_that_it_was_cut() -> None:
    assert [cut("maintsched", length) for length in (10, 9, 3)] == ["maintsched", "maintsch…", "ma…"]
