"""What a dead runner left: restore it from its journal, say whether the dead-man had fired, and close the record.

The journal alone is enough; the config is asked only how to log in. A run whose change may still be on a router stays
open, with its lock, until somebody has seen that it is gone.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maintsched.domain.drill import Finding, Run, TimelineEntry, Verdict
from maintsched.domain.platform import AllowList, fill
from maintsched.errors import InvalidInput, MaintschedError
from maintsched.routers.device import Device
from maintsched.services.dead import dead_runs, describe_dead, journal_of
from maintsched.services.devices import make_devices, platforms_of
from maintsched.services.drillplan import plan_drill
from maintsched.services.journal import Written, claimed
from maintsched.services.ledger import DatabaseLedger, read_record, write_record
from maintsched.services.planning import allow_lists
from maintsched.services.project import Project
from maintsched.services.reading import Readings
from maintsched.services.records import told
from maintsched.services.steps import unheeded
from maintsched.store import runs
from maintsched.store.runs import StoredRun

POLL_SECONDS = 0.25
RESTORE_SECONDS = 30.0

Say = Callable[[str], None]


def recover(project: Project, say: Say) -> list[Run]:
    """Close every dead run; a router that still has our change is restored first."""
    heedless = unheeded(say)
    closed = []
    for run in dead_runs(project):
        with _claimed(run) as ours:
            if ours:
                closed.append(_recover(project, run, heedless))
            else:
                heedless(f"run {run.id} is alive, or somebody else is recovering it")
    return closed


@contextlib.contextmanager
def _claimed(run: StoredRun) -> Iterator[bool]:
    try:
        with claimed(Path(run.journal)) as ours:
            yield ours
    except OSError:
        yield True  # without a journal there is nothing to hold; the pid has shown that it is dead


@dataclass
class _Left:
    """What is known of a dead run: where to look, what to send. `touched` False: it died before arming."""

    touched: bool
    router: str = ""
    primary: str = ""
    neighbors: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    status: str | None = None
    cancel: str | None = None

    @property
    def to_type(self) -> tuple[str, ...]:
        return tuple(f"{self.router}: {text}" for text in self.undo)


@dataclass
class _Found:
    """What recovering comes to."""

    restored: bool | None
    left: bool
    reason: str
    to_type: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    undone: tuple[tuple[str, str, str], ...] = ()


def _recover(project: Project, stored: StoredRun, say: Say) -> Run:
    say(describe_dead(stored))
    written = journal_of(stored)
    record = Path(stored.journal).with_suffix(".json")
    ledger = DatabaseLedger(project.store, project.actor, stored.id)
    ended = read_record(record)
    if ended is not None and not ended.our_change_left:
        # The drill ended in order, only the database was gone: its record is brought in as it is.
        ledger.settle(ended, ())
        return ended
    found = _look_and_restore(project, stored, written, say)
    run = _run_of(stored, written, found)
    with contextlib.suppress(OSError):  # the database is where it counts
        write_record(record, run)
    ledger.settle(run, found.undone)
    return run


def _detail(written: Written | None, step: str) -> str | None:
    entries = written.entries if written else ()
    return next((entry.detail for entry in entries if entry.step == step), None)


def _left(project: Project, stored: StoredRun, written: Written | None) -> _Left:
    """From the journal; where that is gone, from what the audit trail says was about to be sent."""
    if written is not None:
        plan: dict[str, Any] = json.loads(_detail(written, "recovery") or "{}")
        if not written.has("arm", "started") or not plan:
            return _Left(False)
        texts = {name: tuple(plan[name]) for name in ("neighbors", "undo")}
        return _Left(True, plan["router"], plan["primary"], **texts, status=plan["status"], cancel=plan["cancel"])
    with project.store.read() as tx:
        sent = [(router, undo) for router, intent, undo in runs.intended(tx, stored.id) if intent != "arm"]
    if not sent:
        return _Left(False)
    group = project.inventory.groups.get(stored.group)
    primary = group.primary if group is not None else ""
    circuit = project.inventory.circuits.get(primary)
    neighbors = tuple(str(session.neighbor) for session in circuit.sessions) if circuit else ()
    return _Left(True, sent[0][0], primary, neighbors, tuple(undo for _, undo in sent))


def _look_and_restore(project: Project, stored: StoredRun, written: Written | None, say: Say) -> _Found:
    left = _left(project, stored, written)
    if not left.touched:
        return _Found(None, False, "its runner died before anything was touched")
    device = None
    try:
        device = _device(project, stored.id, left)
        found = _restore(device, stored.id, left, say)
        return found if found.left or not found.restored else _proved(project, stored, found)
    except MaintschedError as error:
        return _Found(False, True, f"NOT restored, or we cannot tell: {error.message}", left.to_type)
    finally:
        if device is not None:
            device.close()


def _device(project: Project, run_id: str, left: _Left) -> Device:
    """The router, which may be asked for its lines and sessions, and sent the journal's undo lines; nothing else."""
    router = project.inventory.routers.get(left.router)
    if router is None:
        raise InvalidInput(f"router {left.router} is not in the config any more", "type the lines by hand")
    platform = platforms_of(project.inventory)[router.platform]
    texts = {*left.undo, *filter(None, (left.status, left.cancel))}
    for neighbor in left.neighbors:
        values = {"neighbor": neighbor, "run": run_id}
        texts |= {fill(platform.reads[intent].command, values) for intent in ("our_lines", "session")}
    return make_devices(project.inventory, [router.name], {router.name: AllowList(frozenset(texts), platform.deny)})[
        router.name
    ]


def _lines(device: Device, run_id: str, left: _Left) -> tuple[int, int]:
    said = [device.read("our_lines", neighbor=neighbor, run=run_id) for neighbor in left.neighbors]
    return sum(each["ours"] for each in said), sum(each["all"] for each in said)


def _restore(device: Device, run_id: str, left: _Left, say: Say) -> _Found:
    timer = device.ask(left.status).stdout.strip() if left.status else "unknown"
    ours, _ = _lines(device, run_id, left)
    undone: tuple[tuple[str, str, str], ...] = ()
    by = "nothing of ours was on the router"
    if timer == "fired":
        by = "the dead-man had restored the router"
        say(f"the dead-man on {left.router} had fired: the router restored itself")
    if ours:
        by = "restored by `drill recover`"
        say(f"restoring: {ours} shutdown line(s) of ours still stand on {left.router}")
        for text in left.undo:
            device.send(text)
        undone = tuple((left.router, text, "sent") for text in left.undo)
    ours, lines = _lines(device, run_id, left)
    if ours:
        return _Found(False, True, "NOT restored: our lines still stand", left.to_type, undone=undone)
    findings = []
    if timer == "fired":
        findings.append(Finding("dead-man", "medium", "the dead-man fired and restored the router by itself"))
    if left.cancel and timer.startswith(("armed", "dead")):
        device.ask(left.cancel)
    if lines:
        findings.append(Finding("foreign-change", "high", f"somebody else shut {lines} session(s); it is kept"))
        reason = f"RESTORED-BUT: {by}, but somebody else's shutdown stands on {left.router}"
        return _Found(False, False, reason, findings=findings, undone=undone)
    if not _established(device, left):
        reason = f"RESTORED-BUT: {by}, but {left.primary}'s session is not Established"
        return _Found(False, False, reason, findings=findings, undone=undone)
    say(f"{left.primary} is Established, our lines are gone")
    return _Found(True, False, f"its runner died; {by}; the session is Established again", (), findings, undone)


def _established(device: Device, left: _Left) -> bool:
    deadline = time.monotonic() + RESTORE_SECONDS
    while any(device.read("session", neighbor=each)["state"] != "Established" for each in left.neighbors):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _proved(project: Project, stored: StoredRun, found: _Found) -> _Found:
    """Whether the primary carries again: Established alone does not say so, since routers keep the oldest path."""
    devices: dict[str, Device] = {}
    try:
        planned = plan_drill(project, stored.drill, survivor=stored.survivor)
        by_router = {name: planned.platforms[router.platform] for name, router in project.inventory.routers.items()}
        allowed = allow_lists(planned.plan, by_router, {"run": stored.id})
        devices = make_devices(project.inventory, allowed, allowed)
        readings = Readings(project.inventory, planned.plan, devices, stored.id)
        deadline = time.monotonic() + RESTORE_SECONDS
        while not (seen := readings.leaves_over(readings.primary))[0]:
            if time.monotonic() > deadline:
                reason = f"RESTORED-BUT: {found.reason}, but traffic does not leave over it: {seen[1]}"
                return replace(found, restored=False, reason=reason)
            time.sleep(POLL_SECONDS)
    except MaintschedError as error:
        reason = f"RESTORED-BUT: {found.reason}, but whether it carries was not seen: {error.message}"
        return replace(found, restored=False, reason=reason)
    finally:
        for device in devices.values():
            device.close()
    return replace(found, reason=f"{found.reason}, and traffic leaves over it ({seen[1]})")


def _run_of(stored: StoredRun, written: Written | None, found: _Found) -> Run:
    now = datetime.now(UTC)
    head = written.head if written else {}
    entries = told(written.entries) if written else ()
    return Run(
        id=stored.id,
        drill=stored.drill,
        group=stored.group,
        primary=str(head.get("primary", "")),
        survivor=stored.survivor,
        playbook=str(head.get("playbook", "")),
        plan_hash=str(head.get("plan_hash", "")),
        mode="hard-shut",
        verdict=Verdict.ERROR,
        reason=found.reason,
        started=stored.started,
        ended=now,
        restored=found.restored,
        our_change_left=found.left,
        requester=str(head.get("requester", "")),
        timeline=(*entries, TimelineEntry(now, "recover", "failed" if found.left else "done", found.reason)),
        findings=(Finding("runner-died", "high", found.reason), *found.findings),
        to_type=found.to_type,
    )
