"""What a dead runner left: restore it from the journal, say whether the dead-man had fired, and close the record."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from maintsched.domain.drill import Finding, Run, TimelineEntry, Verdict
from maintsched.domain.platform import AllowList
from maintsched.errors import MaintschedError
from maintsched.routers.device import Device
from maintsched.services.devices import make_devices
from maintsched.services.drillplan import PlannedDrill, plan_drill
from maintsched.services.journal import Written, process_start, read_journal
from maintsched.services.ledger import DatabaseLedger, write_record
from maintsched.services.planning import run_text
from maintsched.services.project import Project
from maintsched.services.reading import Readings
from maintsched.services.records import run_from_document, told
from maintsched.store import runs
from maintsched.store.runs import StoredRun

POLL_SECONDS = 0.25

Say = Callable[[str], None]


def dead_runs(project: Project) -> tuple[StoredRun, ...]:
    """Runs that the database holds as running here, but whose process is gone."""
    with project.store.read() as tx:
        running = runs.runs(tx, state="running")
    here = socket.gethostname()
    return tuple(
        run for run in running if run.owner.host == here and process_start(run.owner.pid) != run.owner.pid_started
    )


def describe_dead(run: StoredRun) -> str:
    """One line for whoever types the next command."""
    written = _journal(run)
    if written is None or not written.has("arm", "started"):
        return f"run {run.id} died before it touched anything"
    shut = next((e for e in written.entries if e.step == "shut" and e.state in ("intended", "sent")), None)
    if shut is None:
        return f"run {run.id} died with the dead-man armed and nothing shut"
    last = written.entries[-1]
    return f"run {run.id} died after `{last.step} {last.state}` with the primary shut; its dead-man restores the router"


def _journal(run: StoredRun) -> Written | None:
    path = Path(run.journal)
    return read_journal(path) if path.is_file() else None


def recover(project: Project, say: Say) -> list[Run]:
    """Close every dead run; a router that still has our change is restored first."""
    return [_recover(project, run, say) for run in dead_runs(project)]


@dataclass
class _Found:
    """What recovering comes to."""

    restored: bool | None
    left: bool
    reason: str
    to_type: tuple[str, ...] = ()
    fired: bool = False
    undone: tuple[tuple[str, str, str], ...] = ()


def _recover(project: Project, stored: StoredRun, say: Say) -> Run:
    say(describe_dead(stored))
    written = _journal(stored)
    record = Path(stored.journal).with_suffix(".json")
    ledger = DatabaseLedger(project.store, project.actor, stored.id)
    window = _detail(written, "window") if written else None
    if record.is_file():
        # The drill ended in order, only the database was gone: its record is brought in as it is.
        run = run_from_document(json.loads(record.read_text()))
        ledger.settle(run, window, ())
        return run
    found = _look_and_restore(project, stored, written, say)
    run = _run_of(stored, written, found)
    write_record(record, run)
    if not found.left:
        ledger.settle(run, window, found.undone)
    return run


def _detail(written: Written, step: str) -> str | None:
    return next((entry.detail for entry in written.entries if entry.step == step), None)


def _look_and_restore(project: Project, stored: StoredRun, written: Written | None, say: Say) -> _Found:
    if written is None or not written.has("arm", "started"):
        return _Found(None, False, "its runner died before anything was touched")
    undo = [line.split("\t", 1) for line in (_detail(written, "undo") or "").splitlines()]
    to_type = tuple(f"{router}: {text}" for router, text in undo)
    try:
        planned = plan_drill(project, stored.drill, survivor=stored.survivor)
        values = {"token": _detail(written, "token") or ""}
        devices = _devices(project, planned, values, undo)
    except MaintschedError as error:
        return _Found(False, True, f"it cannot be told what is left on the routers: {error.message}", to_type)
    try:
        return _restore(project, planned, devices, values, undo, say)
    except MaintschedError as error:
        return _Found(False, True, f"NOT restored, or we cannot tell: {error.message}", to_type)
    finally:
        for device in devices.values():
            device.close()


def _devices(
    project: Project, planned: PlannedDrill, values: dict[str, str], undo: list[list[str]]
) -> dict[str, Device]:
    """Devices that may read, ask and cancel the timer, and send the undo lines of the journal; nothing else."""
    texts: dict[str, set[str]] = {}
    for command in planned.plan.reads:
        texts.setdefault(command.router, set()).add(command.text)
    for command in planned.plan.deadman:
        if command.intent != "arm":
            texts.setdefault(command.router, set()).add(run_text(command.text, values))
    for router, text in undo:
        texts.setdefault(router, set()).add(text)
    allowed = {
        name: AllowList(frozenset(found), planned.platforms[project.inventory.routers[name].platform].deny)
        for name, found in texts.items()
    }
    return make_devices(project.inventory, allowed, allowed)


def _restore(
    project: Project,
    planned: PlannedDrill,
    devices: dict[str, Device],
    values: dict[str, str],
    undo: list[list[str]],
    say: Say,
) -> _Found:
    readings = Readings(project.inventory, planned.plan, devices)
    primary = readings.primary
    timer = _timer(planned, devices, values, "status")
    lines = readings.our_lines(primary)
    fired = timer == "fired"
    if fired:
        say(f"the dead-man on {primary.router} had fired: the router restored itself")
    undone: tuple[tuple[str, str, str], ...] = ()
    if lines:
        say(f"restoring: {lines} shutdown line(s) of ours still stand on {primary.router}")
        for router, text in undo:
            devices[router].send(text)
        undone = tuple((router, text, "sent") for router, text in undo)
    if readings.our_lines(primary):
        return _Found(
            False, True, "NOT restored: our lines still stand", tuple(f"{r}: {t}" for r, t in undo), fired, undone
        )
    if timer.startswith(("armed", "dead")):
        state = _timer(planned, devices, values, "cancel")
        fired = fired or state == "fired"
    by = "the dead-man had restored the router" if fired and not lines else "restored by `drill recover`"
    if not _established(readings, planned.plan.restore.total_seconds()):
        return _Found(
            False, False, f"RESTORED-BUT: {by}, but {primary.name}'s session is not Established", (), fired, undone
        )
    say(f"{primary.name} is Established, our lines are gone")
    return _Found(True, False, f"its runner died; {by}; the session is Established again", (), fired, undone)


def _timer(planned: PlannedDrill, devices: dict[str, Device], values: dict[str, str], intent: str) -> str:
    command = next(command for command in planned.plan.deadman if command.intent == intent)
    device = devices[command.router]
    output = device.ask(run_text(command.text, values))
    if intent == "cancel":
        return "cancelled" if output.status == 0 else "fired"
    return output.stdout.strip()


def _established(readings: Readings, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(session.established for session in readings.sessions(readings.primary)):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _run_of(stored: StoredRun, written: Written | None, found: _Found) -> Run:
    now = datetime.now(UTC)
    head = written.head if written else {}
    findings = [Finding("runner-died", "high", found.reason)]
    if found.fired:
        findings.append(Finding("dead-man", "medium", "the dead-man fired and restored the router by itself"))
    entries = written.entries if written else ()
    primary = str(head.get("primary", ""))
    return Run(
        id=stored.id,
        drill=stored.drill,
        group=stored.group,
        primary=primary,
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
        timeline=(*told(entries), TimelineEntry(now, "recover", "done" if not found.left else "failed", found.reason)),
        findings=tuple(findings),
        to_type=found.to_type,
    )
