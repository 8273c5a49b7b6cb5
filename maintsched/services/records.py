"""The record of a run: as JSON to be kept and reported again, and as the run that it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from enum import Enum
from typing import Any

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
from maintsched.domain.interval import from_iso, iso

EXIT_CODES = {Verdict.PASS: 0, Verdict.SKIPPED: 3, Verdict.FAIL: 4, Verdict.ERROR: 5, Verdict.ABORTED: 5}
NOT_RESTORED = 6
# Journal lines that recovering needs, and nobody else
PLUMBING = ("recovery",)
RESTORED_BUT = 4


def exit_code(run: Run) -> int:
    """Contract, section 3: what is left on a router outweighs the verdict, then a network that is not as before."""
    if run.our_change_left:
        return NOT_RESTORED
    if run.restored is False:
        return RESTORED_BUT
    return EXIT_CODES[run.verdict]


def told(entries: Iterable[TimelineEntry]) -> tuple[TimelineEntry, ...]:
    """The journal's entries as a timeline for people."""
    return tuple(entry for entry in entries if entry.step not in PLUMBING)


def run_document(run: Run, *, samples: bool = False) -> dict[str, Any]:
    """The run as JSON values; times as ISO text, what was not measured as null."""
    document: dict[str, Any] = _plain(asdict(replace(run, samples={})))
    del document["samples"]
    if samples:
        document["samples"] = {
            name: [[iso(sample.at), sample.rtt_ms, sample.ok] for sample in found]
            for name, found in run.samples.items()
        }
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return iso(value)
    return value.value if isinstance(value, Enum) else value


def run_from_document(document: dict[str, Any]) -> Run:
    """The inverse of `run_document`."""
    fields = dict(document)
    fields["verdict"] = Verdict(fields["verdict"])
    fields["started"], fields["ended"] = from_iso(fields["started"]), from_iso(fields["ended"])
    fields["outage"] = Outage(**fields["outage"]) if fields["outage"] else None
    fields["gates"] = tuple(Gate(g["id"], GateState(g["state"]), g["evidence"]) for g in fields["gates"])
    fields["checks"] = tuple(Check(**{**c, "verdict": Verdict(c["verdict"])}) for c in fields["checks"])
    fields["timeline"] = tuple(TimelineEntry(**{**t, "at": from_iso(t["at"])}) for t in fields["timeline"])
    fields["findings"] = tuple(Finding(**finding) for finding in fields["findings"])
    fields["samples"] = {
        name: tuple(Sample(from_iso(at), rtt, ok) for at, rtt, ok in found)
        for name, found in fields.get("samples", {}).items()
    }
    for name in ("approvals", "commands", "to_type"):
        fields[name] = tuple(fields[name])
    return Run(**fields)
