"""The drill report, as its reader sees it: what it says, what it never says, and that it needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup

from maintsched.domain.drill import Check, Finding, Gate, GateState, Outage, Run, Sample, TimelineEntry, Verdict
from maintsched.errors import InvalidInput
from maintsched.writers.html import report
from maintsched.writers.report_text import visible
from tests.writers.runs import BARE, START, at, entries

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LONG = "an-unbroken-text-" * 300
SVG_NAMESPACE = "http://www.w3.org/2000/svg"

WHOLE = entries(
    (0, "baseline", "started"), (20, "baseline", "done"), (21, "arm", "armed"), (22, "drain", "started"),
    (27, "drain", "done"), (27, "prove", "started"), (32, "prove", "done"), (33, "shut", "started"),
    (34, "shut", "done"), (34, "hold", "started"), (94, "hold", "done"), (94, "restore", "started"),
    (97, "restore", "done"), (110, "disarm", "disarmed"),
)  # fmt: skip
OUTAGE = Outage("udp 20/s", "convergence after an administrative shutdown", 0.0, 250.0, 250.0, 261.4, 5, 2200, 50.0)
PASSED = replace(
    BARE,
    approvals=("bob",),
    outage=OUTAGE,
    gates=(Gate("calendar", GateState.OPEN, "nothing until 07:10 UTC"),),
    checks=(Check("LAT-2", Verdict.PASS, "2200 samples", "3.1 ms", "100 ms"),),
    timeline=WHOLE,
    samples={"path": tuple(Sample(at(n / 20), None if 660 <= n < 665 else 1.2) for n in range(2200))},
    commands=("edge1: neighbor 10.210.4.2 shutdown",),
)
SKIPPED = replace(
    PASSED,
    verdict=Verdict.SKIPPED,
    reason="gate calendar is closed",
    ended=at(2),
    restored=None,
    outage=None,
    gates=(Gate("calendar", GateState.CLOSED, "Equinix 5-2345"), Gate("clock", GateState.UNKNOWN, "no answer")),
    checks=(),
    timeline=(),
    samples={},
    commands=(),
    approvals=(),
)
LEFT = replace(
    PASSED,
    verdict=Verdict.ERROR,
    reason="SSH was lost",
    restored=False,
    our_change_left=True,
    to_type=("edge1: configure terminal", "edge1: no neighbor 10.210.4.2 shutdown"),
)
FAILED = replace(PASSED, verdict=Verdict.FAIL, checks=(Check("DRL-3", Verdict.FAIL, "came back over uk-ld4"),))
HOURS = replace(
    PASSED,
    ended=at(4 * 3600),
    timeline=entries((0, "baseline", "started"), (9, "baseline", "done"), (14300, "restore", "failed")),
    samples={"path": tuple(Sample(at(n * 0.144), None if n in (7, 54_321) else 2.0) for n in range(100_000))},
)
VERBOSE = replace(
    LEFT,
    reason=LONG,
    drill=LONG,
    requester=LONG,
    survivor=LONG,
    gates=(Gate(LONG, GateState.CLOSED, LONG),),
    checks=(Check(LONG, Verdict.ERROR, LONG, LONG, LONG),),
    findings=(Finding(LONG, LONG, LONG),),
    timeline=(TimelineEntry(at(1), LONG, "note", LONG),),
    samples={LONG: (Sample(at(1), 1.0),)},
    commands=(LONG,),
)
SHAPES = {
    "passed": PASSED,
    "skipped": SKIPPED,
    "our change left": LEFT,
    "failed": FAILED,
    "restored-but": replace(FAILED, restored=False),
    "aborted": replace(PASSED, verdict=Verdict.ABORTED, reason="Ctrl-C"),
    "two seconds": replace(PASSED, ended=at(2), timeline=entries((0, "baseline", "started"), (2, "baseline", "done"))),
    "no time at all": replace(SKIPPED, ended=START),
    "a clock that went back": replace(PASSED, ended=at(-5)),
    "no samples": replace(PASSED, samples={}),
    "a probe without samples": replace(PASSED, samples={"path": ()}),
    "nothing but losses": replace(PASSED, samples={"path": tuple(Sample(at(n), None) for n in range(100))}),
    "four hours, 100 000 samples": HOURS,
    "long texts": VERBOSE,
}
shapes = pytest.mark.parametrize("shape", SHAPES)


def page(run: Run, zone: str = "UTC") -> str:
    return report(run, zone=zone, generated=at(500), hashes={"packets.csv": "cd" * 32}).decode("utf-8")


@cache
def page_of(shape: str) -> str:
    return page(SHAPES[shape])


def soup(run: Run, zone: str = "UTC") -> BeautifulSoup:
    return BeautifulSoup(page(run, zone), "html.parser")


def seen(run: Run, selector: str = "main", zone: str = "UTC") -> str:
    """The text under `selector`, white space collapsed."""
    return " ".join(" ".join(found.get_text(" ") for found in soup(run, zone).select(selector)).split())


class _Outline(HTMLParser):
    """Refuses what a browser would silently repair: unclosed, crossed or doubly closed elements, repeated ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open, f"<{tag}/> outside SVG"

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@shapes
def test_every_page_is_well_formed(shape: str) -> None:
    text = page_of(shape)
    outline = _Outline()
    outline.feed(text)
    outline.close()
    assert text.startswith("<!DOCTYPE html>")
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    labelled = " ".join(re.findall(r'aria-labelledby="([^"]*)"', text)).split()
    assert labelled
    assert set(labelled) <= set(outline.ids)


@shapes
def test_no_page_fetches_or_runs_anything(shape: str) -> None:
    text = page_of(shape)
    document = BeautifulSoup(text, "html.parser")
    for tag in ("script", "link", "img", "iframe", "object", "embed", "image", "use", "form", "base"):
        assert document.find(tag) is None, tag
    for found in document.find_all(True):
        for name, value in found.attrs.items():
            assert not name.startswith("on"), name
            assert name not in ("style", "src", "srcset"), name
            assert name not in ("href", "xlink:href") or str(value).startswith("#"), value
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"\w+://[^\s\"'<]*", text)) <= {SVG_NAMESPACE}


@shapes
def test_the_own_policy_allows_the_style_sheet_and_nothing_else(shape: str) -> None:
    document = BeautifulSoup(page_of(shape), "html.parser")
    style = document.select_one("style")
    policy = document.select_one("meta[http-equiv=Content-Security-Policy]")
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style.get_text().encode()).digest()).decode()
    assert str(policy["content"]).startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


@shapes
def test_no_page_shows_an_outage_of_zero_or_a_python_word(shape: str) -> None:
    text = BeautifulSoup(page_of(shape), "html.parser").get_text(" ")
    assert not re.search(r"(?<![\d.])0(\.0+)?\s?ms\b", text)
    assert not re.search(r"\b(None|nan|inf|Undefined)\b", text)


VERDICTS = [
    ("passed", "PASS", "tone-pass", "Nothing to do", "YES"),
    ("failed", "FAIL", "tone-fail", "Failed: DRL-3.", "YES"),
    ("skipped", "SKIPPED", "tone-skipped", "Not open: calendar, clock.", "NOT NEEDED nothing was touched"),
    ("aborted", "ABORTED", "tone-aborted", "maintsched drill run uk-shut-primary", "YES"),
    ("restored-but", "FAIL", "tone-fail", "count group uk-direct as having no redundancy", "NO our lines are undone"),
    ("our change left", "ERROR", "tone-alarm", "Page a person now", "NO our change is, or may be, still on a router"),
]


@pytest.mark.parametrize(("shape", "word", "tone", "next_step", "restored"), VERDICTS)
def test_the_first_page_says_verdict_next_step_and_state(
    shape: str, word: str, tone: str, next_step: str, restored: str
) -> None:
    run = SHAPES[shape]
    assert seen(run, ".summary h1") == word
    assert len(soup(run).select(f".verdict.{tone}")) == 1
    assert next_step in seen(run, ".next")
    assert restored in seen(run, ".tiles")


def test_a_change_of_ours_that_is_left_is_said_first_with_the_lines_to_type() -> None:
    assert seen(LEFT, ".verdict").startswith("NOT RESTORED: our change is, or may be, still on a router")
    assert [line.get_text() for line in soup(LEFT).select(".to-type code")] == list(LEFT.to_type)
    assert "maintsched drill recover" in seen(LEFT, ".next")
    assert seen(replace(FAILED, restored=False), ".alarm").startswith("RESTORED-BUT")


def test_lines_to_type_are_never_missing_in_silence() -> None:
    assert "holds no lines to type" in seen(replace(LEFT, to_type=()), ".next")


def test_a_pass_that_its_own_record_denies_is_not_green() -> None:
    run = replace(PASSED, checks=FAILED.checks)
    assert "check DRL-3 is FAIL" in seen(run, ".contradiction")
    assert soup(run).select(".verdict.tone-pass") == []
    assert "Nothing to do" not in seen(run)


def test_the_outage_stands_on_the_first_page_with_its_accuracy() -> None:
    assert seen(PASSED, ".outage") == (
        "Outage Out (forward) < 50 ms Back (reverse) 250 ms ± 50 ms Round trip 250 ms ± 50 ms"
        " Longest gap 261 ms ± 50 ms Lost 5 of 2200"
    )
    nothing_lost = replace(OUTAGE, reverse_ms=0, round_trip_ms=0.0, longest_gap_ms=0.0, lost=0)
    assert seen(replace(PASSED, outage=nothing_lost), ".outage").count("< 50 ms") == 4
    assert "udp 20/s" in seen(PASSED, ".method")


def test_an_outage_that_was_not_measured_is_never_a_number() -> None:
    run = replace(PASSED, outage=None)
    assert seen(run, ".outage").count("not measured") == 5
    assert not re.search(r"\d", seen(run, ".outage"))
    partly = replace(PASSED, outage=replace(OUTAGE, lost=None, sent=None, reverse_ms=None))
    assert "Back (reverse) not measured" in seen(partly, ".outage")
    assert "Lost not measured" in seen(partly, ".outage")


def test_the_time_on_the_survivor_is_not_ended_by_a_restore_that_failed() -> None:
    assert "Time on uk-ld7 1 min 2 s" in seen(PASSED, ".tiles")
    assert "Time on uk-ld7 at least 1 min 2 s" in seen(LEFT, ".tiles")
    assert "Time on uk-ld7 not measured" in seen(replace(PASSED, timeline=WHOLE[:5]), ".tiles")


def test_who_asked_and_who_approved_is_said_and_one_person_is_not_two() -> None:
    assert "Requested by alice Approved by bob Started" in seen(PASSED, ".facts")
    assert "nobody on record" in seen(SKIPPED, ".facts")
    assert "not an independent approval" in seen(replace(PASSED, approvals=("alice",)), ".facts")


def test_times_are_utc_with_the_local_zone_beside() -> None:
    assert "2026-12-13 06:00:00 UTC (07:00:00 CET)" in seen(PASSED, ".facts", "Europe/Paris")
    assert "2026-12-13 06:00:00 UTC (2026-12-12 20:00:00 HST)" in seen(PASSED, ".facts", "Pacific/Honolulu")
    assert "06:00:20.000 07:00:20 CET +20.000 s baseline done" in seen(PASSED, ".entries", "Europe/Paris")
    assert "(" not in seen(PASSED, ".facts time + *")


def test_a_zone_nobody_knows_and_a_time_without_zone_are_refused() -> None:
    for name in ("Europe/Atlantis", "../../etc/passwd", "Europe", ""):
        with pytest.raises(InvalidInput, match="unknown time zone"):
            page(PASSED, name)
    naive = replace(PASSED, timeline=(TimelineEntry(START.replace(tzinfo=None), "arm", "armed"),))
    with pytest.raises(ValueError, match="times with a zone"):
        page(naive)


MARKUP = '</title><script>alert(1)</script><img src=x onerror="y">&amp;\'"{{ 7 * 7 }}'


def _everywhere(text: str) -> Run:
    return replace(
        LEFT, id=text, drill=text, group=text, primary=text, survivor=text, playbook=text, plan_hash=text, mode=text,
        reason=text, requester=text, approvals=(text,), outage=replace(OUTAGE, method=text, what=text),
        gates=(Gate(text, GateState.OPEN, text),), checks=(Check(text, Verdict.PASS, text, text, text),),
        timeline=(TimelineEntry(at(1), text, text, text), TimelineEntry(at(2), "prove", "done", text)),
        findings=(Finding(text, text, text),), samples={text: (Sample(at(1), None),)}, commands=(text,),
        to_type=(text,),
    )  # fmt: skip


def test_markup_in_any_field_stays_text() -> None:
    document = soup(_everywhere(MARKUP))
    assert document.find("script") is None
    assert document.find("img") is None
    assert [found.get_text() for found in document.select(".commands code, .to-type code")] == [MARKUP, MARKUP]
    title = document.select_one("head > title")
    assert title is not None
    assert title.get_text().startswith(f"ERROR: {MARKUP}, run")
    assert "49" not in seen(_everywhere("{{ 7 * 7 }}"), ".commands")


def test_characters_that_hide_what_was_sent_are_written_out() -> None:
    assert visible("a\x00b\x1b[31m\u202ec\ud800\ttab\r\nline") == "a<U+0000>b<U+001B>[31m<U+202E>c<U+D800>\ttab\nline"
    text = page(_everywhere("no\u202eneighbor\x00\ud83d"))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert "no<U+202E>neighbor<U+0000><U+D83D>" in seen(_everywhere("no\u202eneighbor\x00\ud83d"), ".commands")


def test_a_long_reason_is_cut_on_page_one_and_whole_below() -> None:
    run = replace(LEFT, reason="word " * 400)
    assert len(seen(run, ".summary .reason")) < 500
    assert "Page a person now" in seen(run, ".summary .next")
    assert len(seen(VERBOSE, ".kicker")) < 200
    assert seen(run, "#reason .long") == ("word " * 400).strip()
    assert soup(PASSED).select("#reason") == []


def test_tables_hold_every_gate_check_finding_command_and_hash() -> None:
    run = replace(
        SKIPPED, findings=(Finding("RED-3", "warn", "one campus"),), commands=("a", "b"), checks=FAILED.checks
    )
    assert "calendar closed Equinix 5-2345 clock unknown no answer" in seen(run, "#gates tbody")
    assert "DRL-3 FAIL none none came back over uk-ld4" in seen(run, "#checks tbody")
    assert "RED-3 warn one campus" in seen(run, "#findings")
    assert [found.get_text() for found in soup(run).select(".commands code")] == ["a", "b"]
    assert f"Plan {'4be1' * 16} packets.csv {'cd' * 32}" in seen(run, "#evidence")
    unknown = replace(run, checks=(Check("DRL-5", Verdict.ERROR, "no answer"),))
    assert "DRL-5 ERROR not measured none no answer" in seen(unknown, "#checks tbody")


def test_a_skipped_run_says_that_nothing_happened() -> None:
    text = seen(SKIPPED)
    for said in ("It stopped before anything was touched", "No command was sent", "No probe sample is kept",
                 "the timeline is empty", "No check was made"):  # fmt: skip
        assert said in text
    assert soup(SKIPPED).select("svg") == []


def test_the_drawing_is_named_and_described_for_who_cannot_see_it() -> None:
    for drawing in soup(PASSED).select("svg"):
        assert drawing["role"] == "img"
        texts = [found.get_text() for found in drawing.find_all(["title", "desc"], recursive=False)]
        assert texts[0] == "Timeline of run 01JF0Z6Q4T, PASS"
        assert "06:00:33.000 shut done, 1 s." in texts[1]
        assert "Probe path: 2200 sent, 5 lost." in texts[1]


SAMPLES: list[tuple[str, Callable[[int], Sample], str]] = [
    ("all answered", lambda n: Sample(at(n), 1.0 + n / 1000), "path 200 0 0 1.1 ms 1.2 ms 1.2 ms none"),
    ("one lost", lambda n: Sample(at(n), None if n == 9 else 2.0), "path 200 1 0 2 ms 2 ms 2 ms 1, at 06:00:09.000"),
    ("burst", lambda n: Sample(at(n), None if n in (3, 7, 8, 9) else 2.0),
     "path 200 4 0 2 ms 2 ms 2 ms 3, 06:00:07.000 to 06:00:09.000"),
    ("wrong answers", lambda n: Sample(at(n), 2.0, n > 1), "path 200 0 2 2 ms 2 ms 2 ms none"),
    ("no number", lambda n: Sample(at(n), float("nan") if n < 2 else 2.0), "path 200 0 2 2 ms 2 ms 2 ms none"),
    ("all lost", lambda n: Sample(at(n), None),
     "path 200 200 0 not measured too few samples not measured 200, 06:00:00.000 to 06:03:19.000"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "row"), [case[1:] for case in SAMPLES], ids=[case[0] for case in SAMPLES])
def test_probes_are_also_a_table_of_figures(sample: Callable[[int], Sample], row: str) -> None:
    run = replace(PASSED, samples={"path": tuple(sample(n) for n in range(200))})
    assert seen(run, ".probes tbody") == row


def test_lost_samples_are_red_blocks_with_their_times() -> None:
    blocks = soup(PASSED).select(".wide rect.loss.lost title")
    assert sum(int(block.get_text().split()[0]) for block in blocks) == 5
    assert blocks[0].get_text().startswith("5 lost, 06:00:33.000 to 06:00:33.200 UTC")
