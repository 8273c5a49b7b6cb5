"""The geometry of a drill report's timeline: steps as bars and marks, probe latency and losses per pixel column.

Nothing is smoothed: a column keeps its lowest and highest latency, and every column with a loss is marked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maintsched.domain.drill import Run, Sample, TimelineEntry
from maintsched.writers.report_text import clock_text, cut, in_utc, lasting, milliseconds

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_ROWS_DRAWN = 24
_CHAR = 6.6
_AXIS, _PLOT, _STRIP, _GAP = 38.0, 52.0, 9.0, 16.0
BAD_STATES = frozenset({"failed", "lost", "error", "timeout", "aborted", "refused", "closed"})
_OPENING = frozenset({"started", "intended"})
_ON_THE_WAY = frozenset({"intended", "sent"})
_CLOSING = BAD_STATES - {"lost"} | {"done", "armed", "proved"}


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch (`end` given) or instant (`end` None) of a step; `state` failed, unfinished, or as recorded."""

    step: str
    state: str
    start: datetime
    end: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    date: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch, or a mark of width 0. `label` stands at `label_x`, empty where there is no room for it."""

    x: float
    width: float
    kind: str
    title: str
    label: str = ""
    label_x: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    full: str
    y: float
    name_y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Neighbouring pixel columns in which samples were lost (or answered wrongly), drawn as one block."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One probe: `dots` is an SVG path of a vertical stroke per pixel column, lowest to highest latency.

    `top` is the latency at the upper rule; `sparse` lanes want larger dots.
    """

    name: str
    full: str
    facts: tuple[str, ...]
    y: float
    name_y: float
    top: str
    dots: str
    sparse: bool
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths in SVG units: the names stand in a gutter beside the rows, or (gutter 0) above them."""

    key: str
    width: float
    gutter: float
    right: float
    per_tick: float

    @property
    def left(self) -> float:
        return self.gutter or 8.0

    @property
    def plot(self) -> float:
        return self.width - self.left - self.right

    @property
    def head(self) -> float:
        return 0.0 if self.gutter else 15.0


WIDE = Layout("wide", 800, 150, 58, 84)
NARROW = Layout("narrow", 360, 0, 48, 70)


@dataclass(frozen=True, slots=True)
class Chart:
    layout: Layout
    height: float
    bottom: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    band: tuple[float, float] | None
    more_rows: int


@dataclass(slots=True)
class Column:
    """What fell into one pixel column. `low` and `high` in ms, None where no right answer came.

    `first` and `last` are the times of its lost or wrong samples, None where there were none.
    """

    index: int
    low: float | None = None
    high: float | None = None
    lost: int = 0
    wrong: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def take(self, sample: Sample) -> None:
        kind = outcome(sample)
        if kind == "answered" and sample.rtt_ms is not None:
            self.low = sample.rtt_ms if self.low is None else min(self.low, sample.rtt_ms)
            self.high = sample.rtt_ms if self.high is None else max(self.high, sample.rtt_ms)
            return
        self.lost += kind == "lost"
        self.wrong += kind == "wrong"
        self.first = sample.at if self.first is None else min(self.first, sample.at)
        self.last = sample.at if self.last is None else max(self.last, sample.at)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Time to x: linear, the whole run with a little air at both ends."""

    start: float
    span: float
    layout: Layout

    def x(self, moment: datetime) -> float:
        return self.layout.left + (moment.timestamp() - self.start) / self.span * self.layout.plot


def phases(timeline: Iterable[TimelineEntry], ended: datetime) -> tuple[Phase, ...]:
    """Pairs `started` (or a first `intended`) with the state that ends the same step; other entries are instants.

    What was intended and sent in between is drawn as part of the stretch. A step that started and never ended lasts
    to the end of the run and says so.
    """
    found: list[Phase] = []
    opened: dict[str, list[int]] = {}
    entries = sorted(timeline, key=lambda entry: in_utc(entry.at))
    last = max([in_utc(ended), *(in_utc(entry.at) for entry in entries)])
    for entry in entries:
        at, state = in_utc(entry.at), entry.state.lower()
        waiting = opened.setdefault(entry.step, [])
        if waiting and state in _ON_THE_WAY:
            continue
        if state in _OPENING:
            waiting.append(len(found))
            found.append(Phase(entry.step, "unfinished", at, last, entry.detail))
        elif waiting and state in _CLOSING:
            index = waiting.pop()
            found[index] = Phase(entry.step, state, found[index].start, at, entry.detail or found[index].detail)
        else:
            found.append(Phase(entry.step, state, at, None, entry.detail))
    return tuple(found)


def columns(samples: Sequence[Sample], start: float, span: float, count: int) -> tuple[Column, ...]:
    """Samples gathered into `count` columns of `span` seconds from the epoch second `start`, empty columns left out.

    Minimum and maximum survive, and every lost sample is counted; nothing is averaged or left out.
    """
    found: dict[int, Column] = {}
    per_second = count / span
    for sample in samples:
        index = max(0, min(int((sample.at.timestamp() - start) * per_second), count - 1))
        if index not in found:
            found[index] = Column(index)
        found[index].take(sample)
    return tuple(found[index] for index in sorted(found))


def outcome(sample: Sample) -> str:
    """`answered`, `wrong` (an answer that was not right, or whose time cannot be a time), or `lost`."""
    if sample.rtt_ms is None:
        return "lost"
    return "answered" if sample.ok and math.isfinite(sample.rtt_ms) and sample.rtt_ms >= 0 else "wrong"


def draw(run: Run, layout: Layout, on_survivor: tuple[datetime, datetime] | None) -> Chart:
    """The chart of `run`. `on_survivor` is the stretch in which the survivor carried the traffic, if known."""
    scale = _scale(run, layout)
    y = _AXIS
    rows, more = _rows(run, scale, y, on_survivor)
    y += len(rows) * _row_height(layout) + 6
    lanes: list[Lane] = []
    for name, samples in run.samples.items():
        lanes.append(_lane(name, samples, scale, y))
        y += layout.head + _PLOT + _STRIP + _GAP
    band = None
    if on_survivor is not None:
        left, right = (scale.x(moment) for moment in on_survivor)
        band = (left, max(right - left, 1.0))
    return Chart(layout, y + 4, y, _ticks(scale), rows, tuple(lanes), band, more)


def _scale(run: Run, layout: Layout) -> _Scale:
    moments = [run.started, run.ended, *(entry.at for entry in run.timeline)]
    for samples in run.samples.values():
        moments.extend(sample.at for sample in samples)
    seconds = [in_utc(moment).timestamp() for moment in moments]
    start, end = min(seconds), max(seconds)
    air = max((end - start) * 0.012, 0.02)
    return _Scale(start - air, end - start + 2 * air, layout)


def _ticks(scale: _Scale) -> tuple[Tick, ...]:
    most = max(2, int(scale.layout.plot / scale.layout.per_tick))
    step = next(
        (step for step in _STEPS_S if scale.span / step <= most), math.ceil(scale.span / most / 86400) * 86400.0
    )
    found: list[Tick] = []
    day = ""
    for number in range(math.ceil(scale.start / step), math.floor((scale.start + scale.span) / step) + 1):
        at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=number * step)
        label = f"{at:%H:%M}" if step >= 60 else f"{at:%H:%M:%S}"
        if step < 1:
            label += f".{at.microsecond // 100_000}"
        date = f"{at:%Y-%m-%d}"
        x = scale.x(at)
        anchor = "start" if x < 32 else "end" if x > scale.layout.width - 32 else "middle"
        found.append(Tick(x, label, date if date != day else "", anchor))
        day = date
    return tuple(found)


def _row_height(layout: Layout) -> float:
    return 22.0 + layout.head


def _rows(
    run: Run, scale: _Scale, y: float, on_survivor: tuple[datetime, datetime] | None
) -> tuple[tuple[Row, ...], int]:
    steps: dict[str, list[Phase]] = {}
    for phase in phases(run.timeline, run.ended):
        steps.setdefault(phase.step, []).append(phase)
    drawn = list(steps.items())[:_ROWS_DRAWN]
    if on_survivor is not None:
        name = f"on {run.survivor}"
        drawn.append((name, [Phase(name, "carried", *on_survivor)]))
    height, layout = _row_height(scale.layout), scale.layout
    rows = []
    for number, (name, found) in enumerate(drawn):
        top = y + number * height + layout.head
        name_y = top + 14 if layout.gutter else top - 3
        room = int((layout.gutter - 14 if layout.gutter else layout.width - 16) / _CHAR)
        rows.append(Row(cut(name, room), name, top + 3, name_y, _bars(found, scale)))
    return tuple(rows), len(steps) - len(drawn) + (on_survivor is not None)


def _bars(found: Sequence[Phase], scale: _Scale) -> tuple[Bar, ...]:
    """A label stands right of its bar, else left of it, else nowhere: it never covers a neighbour."""
    ends = [(scale.x(phase.start), scale.x(phase.end or phase.start)) for phase in found]
    bars: list[Bar] = []
    taken = scale.layout.left
    for number, phase in enumerate(found):
        left, right = ends[number]
        width = 0.0 if phase.end is None else max(right - left, 3.0)
        label = _bar_label(phase)
        need = len(label) * _CHAR + 14
        free_to = ends[number + 1][0] - 4 if number + 1 < len(ends) else scale.layout.width
        side = 6.0 if width else 10.0
        label_x, anchor = left + width + side, "start"
        if label_x + need - side > free_to:
            label_x, anchor = left - side, "end"
            if left - need < taken:
                label = ""
        taken = left + width + (need if label and anchor == "start" else 4)
        bars.append(Bar(left, width, _kind(phase), _phase_title(phase), label, label_x, anchor))
    return tuple(bars)


def _kind(phase: Phase) -> str:
    if phase.state in BAD_STATES:
        return "bad"
    return {"unfinished": "open", "carried": "carried"}.get(phase.state, "good")


def _bar_label(phase: Phase) -> str:
    if phase.end is None:
        return cut(phase.state, 14)
    length = lasting(phase.end - phase.start)
    return length if phase.state in ("done", "carried") else f"{length}, {phase.state}"


def _phase_title(phase: Phase) -> str:
    text = f"{phase.step} {phase.state}: {clock_text(phase.start)}"
    if phase.end is not None:
        text += f" to {clock_text(phase.end)}"
    return f"{text} UTC. {phase.detail}".strip()


def _lane(name: str, samples: Sequence[Sample], scale: _Scale, y: float) -> Lane:
    layout = scale.layout
    count = int(layout.plot)
    found = columns(samples, scale.start, scale.span, count)
    top = _ceiling(max((column.high for column in found if column.high is not None), default=1.0))
    base = y + layout.head
    lost, wrong = sum(column.lost for column in found), sum(column.wrong for column in found)
    facts = [f"{len(samples)} sent", f"{lost} lost"] + ([f"{wrong} wrong"] if wrong else [])
    return Lane(
        name=cut(name, int((layout.gutter - 14) / _CHAR) if layout.gutter else 20),
        full=name,
        facts=tuple(facts),
        y=base,
        name_y=base + 12 if layout.gutter else base - 4,
        top=milliseconds(top),
        dots=_dots(found, layout.plot / count, layout.left, base, top),
        sparse=len(found) < count / 4,
        losses=_losses(found, layout.plot / count, layout.left),
    )


def _dots(found: Sequence[Column], width: float, left: float, base: float, top: float) -> str:
    strokes = []
    for column in found:
        if column.low is not None and column.high is not None:
            low, high = (base + _PLOT - value / top * (_PLOT - 2) for value in (column.low, column.high))
            strokes.append(f"M{left + (column.index + 0.5) * width:.1f} {low:.1f}V{high - 0.1:.1f}")
    return "".join(strokes)


def _losses(found: Sequence[Column], width: float, left: float) -> tuple[Loss, ...]:
    """Lost first: where a column holds both, the wrong answers are named in the block of the lost ones."""
    blocks: list[list[Column]] = []
    for column in found:
        if not column.lost and not column.wrong:
            continue
        last = blocks[-1][-1] if blocks else None
        if last is not None and column.index == last.index + 1 and bool(column.lost) == bool(last.lost):
            blocks[-1].append(column)
        else:
            blocks.append([column])
    return tuple(_loss(block, width, left) for block in blocks)


def _loss(block: Sequence[Column], width: float, left: float) -> Loss:
    lost, wrong = sum(column.lost for column in block), sum(column.wrong for column in block)
    counts = " and ".join(text for number, text in ((lost, f"{lost} lost"), (wrong, f"{wrong} wrong")) if number)
    first = min(in_utc(column.first) for column in block if column.first is not None)
    last = max(in_utc(column.last) for column in block if column.last is not None)
    title = f"{counts}, {clock_text(first)}"
    if last > first:
        title += f" to {clock_text(last)}"
    return Loss(
        left + block[0].index * width, max(len(block) * width, 2.0), "lost" if lost else "wrong", f"{title} UTC"
    )


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, at least 1 ms."""
    power = 10.0 ** math.floor(math.log10(max(value, 1.0)))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value - 1e-9)
