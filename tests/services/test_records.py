"""The record of a run: the same run again out of its document, and the exit code of the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintsched.domain.drill import (
    Check,
    Finding,
    Gate,
    GateState,
    Outage,
    Run,
    Sample,
    TimelineEntry,
    Verdict,
)
from maintsched.services.records import exit_code, run_document, run_from_document

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
NUMBERS = st.none() | st.floats(0, 1e6, allow_nan=False)
COUNTS = st.none() | st.integers(0, 10**6)


def many(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


RUNS = st.builds(
    Run,
    **dict.fromkeys(("id", "drill", "group", "primary", "survivor", "playbook", "plan_hash", "mode", "reason"), TEXT),
    verdict=st.sampled_from(Verdict),
    started=MOMENTS,
    ended=MOMENTS,
    restored=st.none() | st.booleans(),
    our_change_left=st.booleans(),
    requester=TEXT,
    approvals=many(TEXT),
    outage=st.none() | st.builds(Outage, TEXT, TEXT, NUMBERS, NUMBERS, NUMBERS, NUMBERS, COUNTS, COUNTS, NUMBERS),
    gates=many(st.builds(Gate, TEXT, st.sampled_from(GateState), TEXT)),
    checks=many(st.builds(Check, TEXT, st.sampled_from(Verdict), TEXT, st.none() | TEXT, st.none() | TEXT)),
    timeline=many(st.builds(TimelineEntry, MOMENTS, TEXT, TEXT, TEXT)),
    findings=many(st.builds(Finding, TEXT, TEXT, TEXT)),
    samples=st.dictionaries(TEXT, many(st.builds(Sample, MOMENTS, NUMBERS, st.booleans())), max_size=2),
    commands=many(TEXT),
    to_type=many(TEXT),
)


@given(RUNS)
def test_a_run_comes_back_out_of_its_document_as_it_was(run: Run) -> None:
    document = json.loads(json.dumps(run_document(run, samples=True)))
    assert run_from_document(document) == run
    assert run_document(run_from_document(document), samples=True) == document


@given(RUNS)
def test_the_printed_document_has_all_but_the_samples(run: Run) -> None:
    document = run_document(run)
    assert "samples" not in document
    assert run_from_document(json.loads(json.dumps(document))) == replace(run, samples={})


NOW = datetime(2026, 12, 9, 1, tzinfo=UTC)
RUN = Run(
    "R-1",
    "d",
    "g",
    "p",
    "s",
    "b",
    "h",
    "hard-shut",
    Verdict.PASS,
    "",
    NOW,
    NOW + timedelta(seconds=9),
    True,
    False,
    "a",
)


def test_times_are_iso_and_what_was_not_measured_is_null() -> None:
    nothing = Outage("icmp 20/s", "convergence", None, None, None, None, None, None, None)
    document = run_document(replace(RUN, outage=nothing, restored=None))
    assert (document["started"], document["ended"]) == ("2026-12-09T01:00:00Z", "2026-12-09T01:00:09Z")
    assert document["outage"]["forward_ms"] is None
    assert document["outage"]["lost"] is None
    assert (document["verdict"], document["restored"]) == ("PASS", None)


# Section 3 of the contract. (verdict, restored, our change left) → exit code
CODES = {
    "PASS, restored and verified": (Verdict.PASS, True, False, 0),
    "SKIPPED: nothing touched": (Verdict.SKIPPED, None, False, 3),
    "FAIL, restored": (Verdict.FAIL, True, False, 4),
    "ERROR before anything was touched": (Verdict.ERROR, None, False, 5),
    "ERROR, restored": (Verdict.ERROR, True, False, 5),
    "ABORTED, restored": (Verdict.ABORTED, True, False, 5),
    "FAIL, our lines undone, the network not as before": (Verdict.FAIL, False, False, 4),
    "ERROR, our lines undone, the network not as before": (Verdict.ERROR, False, False, 4),
    "ABORTED, our lines undone, the network not as before": (Verdict.ABORTED, False, False, 4),
    "PASS, our lines undone, the network not as before": (Verdict.PASS, False, False, 4),
    **{f"{verdict}, our change left": (verdict, False, True, 6) for verdict in Verdict},
    "our change left, whatever else is said": (Verdict.PASS, True, True, 6),
    "our change may be left": (Verdict.ERROR, None, True, 6),
}


@pytest.mark.parametrize(("verdict", "restored", "left", "code"), CODES.values(), ids=CODES)
def test_the_exit_code_tells_what_is_left_before_it_tells_the_verdict(
    verdict: Verdict, restored: bool | None, left: bool, code: int
) -> None:
    assert exit_code(replace(RUN, verdict=verdict, restored=restored, our_change_left=left)) == code
