"""The drawing of a run: nothing lost, nothing outside the frame, ticks that a person can read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from maintsched.domain.drill import Run, Sample, TimelineEntry
from maintsched.writers.report_charts import NARROW, WIDE, Layout, columns, draw, phases
from maintsched.writers.report_text import clock_text
from tests.writers.runs import BARE, START, at, entries

both = pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])


def drill(
    started: datetime = START,
    ended: datetime = START + timedelta(seconds=20),
    timeline: tuple[TimelineEntry, ...] = (),
    samples: Mapping[str, tuple[Sample, ...]] = {},
) -> Run:
    return replace(BARE, started=started, ended=ended, timeline=timeline, samples=samples)


FRAMES = {
    "an instant": drill(ended=at(0), timeline=entries((0, "arm", "armed"))),
    "two seconds": drill(ended=at(2), timeline=entries((0, "baseline", "started"), (2, "baseline", "done"))),
    "a clock that went back": drill(ended=at(-5), timeline=entries((-9, "arm", "armed"), (9, "hold", "started"))),
    "four hours": drill(ended=at(14_400), timeline=entries((0, "hold", "started"), (14_400, "hold", "done"))),
    "samples past the end": drill(samples={"path": (Sample(at(-60), None), Sample(at(600), None))}),
}


@both
@pytest.mark.parametrize("run", FRAMES.values(), ids=FRAMES.keys())
def test_every_drawing_stays_inside_its_frame(layout: Layout, run: Run) -> None:
    chart = draw(run, layout, (at(0), at(0)))
    edge = layout.width - layout.right
    for bar in (bar for row in chart.rows for bar in row.bars):
        assert layout.left <= bar.x <= bar.x + bar.width <= edge + 3
        assert not bar.label or layout.left - 8 <= bar.label_x <= layout.width
    for loss in (loss for lane in chart.lanes for loss in lane.losses):
        assert layout.left <= loss.x <= loss.x + loss.width <= edge + 2
    assert all(0 <= tick.x <= layout.width for tick in chart.ticks)
    assert chart.bottom < chart.height


def test_steps_are_paired_and_an_unfinished_one_says_so() -> None:
    timeline = entries((0, "prove", "started"), (5, "prove", "done"), (6, "arm", "armed"), (7, "shut", "started"),
                       (8, "prove", "started"), (9, "prove", "failed"), (9.5, "drain", "done"))  # fmt: skip
    found = [(p.step, p.state, p.end and (p.end - p.start).total_seconds()) for p in phases(timeline, at(20))]
    assert found == [
        ("prove", "done", 5.0),
        ("arm", "armed", None),
        ("shut", "unfinished", 13.0),
        ("prove", "failed", 1.0),
        ("drain", "done", None),
    ]
    bars = [bar for row in draw(drill(timeline=timeline), WIDE, None).rows for bar in row.bars]
    assert [bar.title for bar in bars if bar.kind == "bad"] == ["prove failed: 06:00:08.000 to 06:00:09.000 UTC."]
    assert [bar.label for bar in bars if bar.kind == "open"] == ["13 s, unfinished"]


STRETCHES: list[tuple[str, tuple[TimelineEntry, ...], list[tuple[str, float | None]]]] = [
    ("gates", entries((0, "gates", "started"), (2, "gates", "closed")), [("closed", 2.0)]),
    ("arm", entries((0, "arm", "started"), (1, "arm", "armed")), [("armed", 1.0)]),
    ("shut", entries((0, "shut", "intended"), (1, "shut", "sent"), (2, "shut", "done")), [("done", 2.0)]),
    ("never answered", entries((0, "shut", "intended"), (1, "shut", "sent")), [("unfinished", 20.0)]),
    ("noted", entries((0, "hold", "started"), (1, "hold", "note"), (2, "hold", "done")),
     [("done", 2.0), ("note", None)]),
    ("disarm", entries((0, "disarm", "cancelled")), [("cancelled", None)]),
    (
        "a restore that was tried twice",
        entries(*zip((0, 0, 5, 6, 8, 9), ["restore"] * 6, ("started", "intended", "failed", "intended", "sent", "done"),
                     strict=True)),
        [("failed", 5.0), ("done", 3.0)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("timeline", "drawn"), [case[1:] for case in STRETCHES], ids=[case[0] for case in STRETCHES])
def test_a_step_is_drawn_from_its_first_to_its_last_entry(
    timeline: tuple[TimelineEntry, ...], drawn: list[tuple[str, float | None]]
) -> None:
    found = [(p.state, p.end and (p.end - p.start).total_seconds()) for p in phases(timeline, at(20))]
    assert found == drawn


def test_an_end_belongs_to_the_latest_start_of_its_step() -> None:
    timeline = entries((0, "restore", "started"), (6, "restore", "started"), (8, "restore", "done"))
    found = [(p.state, p.end and (p.end - p.start).total_seconds()) for p in phases(timeline, at(20))]
    assert found == [("unfinished", 20.0), ("done", 2.0)]


@pytest.mark.slow
@both
@pytest.mark.parametrize("every", [0.05, 0.144], ids=["83 min", "4 h"])
def test_downsampling_keeps_every_loss_where_it_was(layout: Layout, every: float) -> None:
    lost = {7, 50_000, 50_001, 99_999}
    samples = tuple(Sample(at(n * every), None if n in lost else 2.0) for n in range(100_000))
    lane = draw(drill(samples={"path": samples}), layout, None).lanes[0]
    assert [loss.title.split(",")[0] for loss in lane.losses] == ["1 lost", "2 lost", "1 lost"]
    for loss, first in zip(lane.losses, (7, 50_000, 99_999), strict=True):
        assert f", {clock_text(samples[first].at)}" in loss.title
        assert loss.x == pytest.approx(layout.left + layout.plot * first / 100_000, abs=layout.plot * 0.015 + 1)
        assert loss.width >= 2


@pytest.mark.slow
@both
def test_scattered_losses_in_every_column_are_all_counted(layout: Layout) -> None:
    samples = tuple(Sample(at(n / 100), None if n % 3 else 2.0, ok=n % 6 > 0) for n in range(90_000))
    losses = draw(drill(samples={"path": samples}), layout, None).lanes[0].losses
    counts = [re.findall(r"(\d+) (lost|wrong)", loss.title) for loss in losses]
    assert sum(int(number) for block in counts for number, kind in block if kind == "lost") == 60_000
    assert sum(int(number) for block in counts for number, kind in block if kind == "wrong") == 15_000


@pytest.mark.slow
def test_a_single_slow_answer_and_a_single_loss_survive_100_000_samples() -> None:
    samples = [Sample(at(n / 100), 1.0) for n in range(100_000)]
    samples[70_001], samples[70_002] = Sample(at(700.01), 87.5), Sample(at(700.02), None)
    samples[10] = Sample(at(0.1), 3.0, ok=False)
    found = columns(samples, START.timestamp(), 1000.0, 500)
    assert len(found) == 500
    assert [(c.index, c.low, c.high, c.lost) for c in found if c.lost] == [(350, 1.0, 87.5, 1)]
    assert [(c.index, c.wrong) for c in found if c.wrong] == [(0, 1)]


TICKS = [(2, "06:00:00.5"), (30, "06:00:05"), (600, "06:04"), (14_400, "08:00")]


@pytest.mark.parametrize(("seconds", "label"), TICKS)
def test_the_axis_has_few_round_ticks_for_any_length(seconds: int, label: str) -> None:
    run = drill(ended=at(seconds))
    for layout in (WIDE, NARROW):
        ticks = draw(run, layout, None).ticks
        assert 2 <= len(ticks) <= 9
        assert min(right.x - left.x for left, right in pairwise(ticks)) > 60
    assert label in {tick.label for tick in draw(run, WIDE, None).ticks}


def test_the_date_stands_at_the_first_tick_and_after_midnight() -> None:
    run = drill(started=at(-6.5 * 3600), ended=at(-5.5 * 3600))
    assert [tick.date for tick in draw(run, WIDE, None).ticks if tick.date] == ["2026-12-12", "2026-12-13"]


def test_a_run_of_very_many_steps_draws_some_and_says_how_many_it_left_out() -> None:
    run = drill(timeline=tuple(TimelineEntry(at(n), f"step-{n}", "done") for n in range(100)))
    for stretch in (None, (at(1), at(2))):
        chart = draw(run, WIDE, stretch)
        assert len(chart.rows) == 24 + (stretch is not None)
        assert chart.more_rows == 76


@both
def test_labels_of_one_row_never_cover_each_other_or_a_bar(layout: Layout) -> None:
    timeline = tuple(
        entry for n in range(12) for entry in entries((n * 8, "prove", "started"), (n * 8 + 1 + n % 5, "prove", "done"))
    )
    bars = draw(drill(timeline=timeline), layout, None).rows[0].bars
    taken = [(bar.x, bar.x + bar.width) for bar in bars]
    for bar in bars:
        if bar.label:
            left = bar.label_x - (0 if bar.anchor == "start" else len(bar.label) * 6.0)
            taken.append((left, left + len(bar.label) * 6.0))
    assert len(taken) > len(bars)
    taken.sort()
    assert all(left[1] <= right[0] for left, right in pairwise(taken))


CEILINGS = [(0.3, "1 ms"), (1.0, "1 ms"), (1.2, "2 ms"), (49.9, "50 ms"), (380, "500 ms"), (1001, "2000 ms")]


@pytest.mark.parametrize(("highest", "top"), CEILINGS)
def test_the_latency_scale_ends_at_the_next_round_number(highest: float, top: str) -> None:
    run = drill(samples={"path": (Sample(at(1), highest), Sample(at(2), 0.0))})
    assert draw(run, WIDE, None).lanes[0].top == top
