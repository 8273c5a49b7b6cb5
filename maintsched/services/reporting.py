"""What an import of one source did, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from maintsched.domain.maintenance import difference
from maintsched.services.taking import Taking
from maintsched.store.maintenances import reference_of
from maintsched.store.notices import REVIEW
from maintsched.store.tickets import Line, Target


@dataclass
class Imported:
    """What an import of one source did. `created` and `updated` are maintenance ids, `changes` readable lines."""

    name: str
    state: str = "ok"
    error: str = ""
    hint: str = ""
    note: str = ""
    notices: int = 0
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    not_ours: int = 0
    unknown: list[str] = field(default_factory=list)
    foreign: int = 0
    strangers: list[str] = field(default_factory=list)
    needs_review: list[tuple[str, str]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def report(result: Imported, taking: Taking, *, dry: bool = False) -> None:
    """Add what a batch did to the result."""
    for line in taking.new:
        if line.state == "not_ours":
            result.not_ours += 1
            result.unknown += _unknown(line)
        elif line.state == "foreign":
            result.foreign += 1
            result.strangers.append(line.reason.removeprefix("sent by "))
    new = {id(line) for line in taking.new}
    for line in [*(line for ticket in taking.touched.values() for line in ticket.lines), *taking.loose]:
        held = id(line) in new or (line.written and line.written[0] != REVIEW)
        if line.state == REVIEW and held:
            name = f"N-{line.id}" if line.id else line.title
            if (name, line.reason) not in result.needs_review:
                result.needs_review.append((name, line.reason))
    for ticket in taking.touched.values():
        for target in ticket.targets:
            _report_target(result, target, taking, dry=dry)


def _report_target(result: Imported, target: Target, taking: Taking, *, dry: bool) -> None:
    if target.after is None or not target.touched:
        return
    before = target.row.maintenance if target.row is not None else None
    lines = list(difference(before, target.after))
    if target.row is not None:
        lines += _hits_changed(target)
    name = f"M-{target.id}" if target.id is not None else f"new {target.after.key[2]}"
    if target.row is None:
        result.created.append(name)
    elif lines and name not in result.updated:
        result.updated.append(name)
    found = taking.placing.match(target.after)
    hit = ", ".join(f"{c.circuit} {c.impact}" for c in target.circuits)
    hit = hit or ("the platform" if found.service else "none")
    reference = reference_of(target.after.key, target.source)
    title = f" {target.after.title[:60]!r}" if reference == target.after.key[0] else ""
    result.changes += [f"{name} {reference}{title} [{hit}]: {line}" for line in lines]
    result.changes += [f"{name} ALARM: {finding}" for finding in found.findings if lines and target.after.status.counts]


def _hits_changed(target: Target) -> list[str]:
    assert target.row is not None  # asked only of what is kept
    old, new = {hit.circuit for hit in target.row.circuits}, {hit.circuit for hit in target.circuits}
    lines = [f"circuit added: {', '.join(sorted(new - old))}"] if new - old else []
    return lines + ([f"circuit removed: {', '.join(sorted(old - new))}"] if old - new else [])


def _unknown(line: Line) -> list[str]:
    """Ids that nobody has called not ours so far: one of them may be an alias that the inventory lacks."""
    if line.notice is None or line.reason.startswith("known"):
        return []
    return [item.object_id for item in line.notice.objects] or list(line.notice.sites)
