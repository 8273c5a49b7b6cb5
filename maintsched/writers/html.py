"""A drill's run as one HTML file: nothing to fetch, no script, readable on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from maintsched.domain.drill import Outage, Run, Sample
from maintsched.writers.report_charts import BAD_STATES, NARROW, WIDE, draw, outcome, phases
from maintsched.writers.report_text import (
    NOT_MEASURED,
    Instant,
    Zone,
    clock_text,
    cut,
    in_utc,
    lasting,
    measured,
    milliseconds,
    visible,
    zone_named,
)
from maintsched.writers.report_verdict import concluded, on_survivor

_REASON_ON_PAGE_ONE = 420


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the timeline's table; `since` is the time since the run started."""

    at: Instant
    since: str
    step: str
    state: str
    bad: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _ProbeRow:
    """One probe's samples in figures. `burst` is its longest run of lost samples, with its times in UTC."""

    name: str
    sent: int
    lost: int
    wrong: int
    median: str
    p99: str
    highest: str
    burst: str


def report(run: Run, *, zone: str, generated: datetime, hashes: Mapping[str, str] = {}) -> bytes:
    """`run` as a self-contained HTML file in UTF-8; `hashes` are the SHA-256 of the evidence files by name.

    Times are printed in UTC with `zone` (IANA) beside. Raises InvalidInput for an unknown zone, ValueError for a
    time without a zone.
    """
    reader = zone_named(zone)
    environment = _environment(reader)
    moved = on_survivor(run)
    probes = tuple(_probe_row(name, samples) for name, samples in run.samples.items())
    stretch = (moved.start, moved.end) if moved else None
    page = environment.get_template("report.html.j2").render(
        run=run,
        zone=reader,
        generated=generated,
        hashes=hashes,
        end=concluded(run),
        style_hash=_style_hash(environment),
        reason=cut(run.reason, _REASON_ON_PAGE_ONE),
        moved=moved,
        figures=_figures(run.outage),
        lost=_lost(run.outage),
        entries=_entries(run, reader),
        charts=tuple(draw(run, layout, stretch) for layout in (WIDE, NARROW)),
        described=_described(run, probes),
        probes=probes,
        same_person=run.requester in run.approvals,
    )
    return page.encode("utf-8")


def _environment(zone: Zone) -> Environment:
    environment = Environment(
        loader=PackageLoader("maintsched.writers", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printed,
    )
    environment.filters.update(instant=zone.instant, lasting=lasting, cut=cut)
    return environment


def _printed(value: Any) -> Any:
    """Every value passes here before it is escaped; None in a template is a mistake of ours, never a printed word."""
    if value is None:
        raise TypeError("the report template printed a value that is None")
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


def _style_hash(environment: Environment) -> str:
    """The style sheet's hash for the page's own Content-Security-Policy: no other style, and no script, applies."""
    style = environment.get_template("report.css").render()
    return base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")


def _figures(outage: Outage | None) -> tuple[tuple[str, str], ...]:
    names = ("Out (forward)", "Back (reverse)", "Round trip", "Longest gap")
    if outage is None:
        return tuple((name, NOT_MEASURED) for name in names)
    values = (outage.forward_ms, outage.reverse_ms, outage.round_trip_ms, outage.longest_gap_ms)
    return tuple(
        (name, measured(value, outage.accuracy_ms, outage.lost)) for name, value in zip(names, values, strict=True)
    )


def _lost(outage: Outage | None) -> str:
    if outage is None or outage.lost is None:
        return NOT_MEASURED
    return f"{outage.lost} of {outage.sent}" if outage.sent is not None else f"{outage.lost}, number sent not recorded"


def _entries(run: Run, zone: Zone) -> tuple[_Entry, ...]:
    start = in_utc(run.started)
    return tuple(
        _Entry(
            at=zone.instant(entry.at),
            since=f"{(in_utc(entry.at) - start).total_seconds():+.3f} s",
            step=entry.step,
            state=entry.state,
            bad=entry.state.lower() in BAD_STATES,
            detail=entry.detail,
        )
        for entry in sorted(run.timeline, key=lambda entry: in_utc(entry.at))
    )


def _described(run: Run, probes: Sequence[_ProbeRow]) -> str:
    """The drawing in words, for who cannot see it; the tables below it hold every entry."""
    parts = [f"From {clock_text(in_utc(run.started))} to {clock_text(in_utc(run.ended))} UTC."]
    for phase in phases(run.timeline, run.ended)[:40]:
        length = f", {lasting(phase.end - phase.start)}" if phase.end is not None else ""
        parts.append(f"{clock_text(phase.start)} {phase.step} {phase.state}{length}.")
    parts += [f"Probe {probe.name}: {probe.sent} sent, {probe.lost} lost." for probe in probes]
    return " ".join(parts)


def _probe_row(name: str, samples: Sequence[Sample]) -> _ProbeRow:
    kinds = [outcome(sample) for sample in samples]
    answered = sorted(
        sample.rtt_ms
        for sample, kind in zip(samples, kinds, strict=True)
        if kind == "answered" and sample.rtt_ms is not None
    )
    return _ProbeRow(
        name=name,
        sent=len(samples),
        lost=kinds.count("lost"),
        wrong=kinds.count("wrong"),
        median=milliseconds(statistics.median(answered)) if answered else NOT_MEASURED,
        p99=milliseconds(answered[-(-len(answered) * 99 // 100) - 1]) if len(answered) >= 100 else "too few samples",
        highest=milliseconds(answered[-1]) if answered else NOT_MEASURED,
        burst=_longest_burst(samples),
    )


def _longest_burst(samples: Sequence[Sample]) -> str:
    in_order = sorted(samples, key=lambda sample: sample.at)
    bursts = (list(burst) for kind, burst in groupby(in_order, key=outcome) if kind == "lost")
    longest = max(bursts, key=len, default=[])
    if not longest:
        return "none"
    first, last = clock_text(in_utc(longest[0].at)), clock_text(in_utc(longest[-1].at))
    return f"{len(longest)}, at {first}" if len(longest) == 1 else f"{len(longest)}, {first} to {last}"
