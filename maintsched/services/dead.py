"""Runs whose runner died: every command looks for them, so nothing that is slow to import stands here."""

from __future__ import annotations

import socket
from pathlib import Path

from maintsched.services.journal import Written, process_start, read_journal
from maintsched.services.project import Project
from maintsched.store import runs
from maintsched.store.runs import StoredRun


def dead_runs(project: Project) -> tuple[StoredRun, ...]:
    """Runs of this machine that are not closed, and whose process is gone."""
    with project.store.read() as tx:
        open_runs = runs.runs(tx, states=("running", "lost"))
    here = socket.gethostname()
    return tuple(
        run for run in open_runs if run.owner.host == here and process_start(run.owner.pid) != run.owner.pid_started
    )


def describe_dead(run: StoredRun) -> str:
    """One line for whoever types the next command."""
    if run.state == "lost":
        return f"run {run.id} ended with our change possibly still on a router"
    written = journal_of(run)
    if written is None:
        return f"run {run.id} died, and its journal {run.journal} cannot be read"
    if written.has("run", "ended"):
        return f"run {run.id} ended in order, but its record is not in the database yet"
    last = f"after `{written.entries[-1].step} {written.entries[-1].state}`" if written.entries else "at its start"
    if not written.has("arm", "started"):
        return f"run {run.id} died {last}, before it touched anything"
    if not any(entry.step != "arm" and entry.state == "intended" for entry in written.entries):
        return f"run {run.id} died {last}, with the dead-man armed and nothing shut"
    if written.has("restore", "sent"):
        return f"run {run.id} died {last}, while it was restoring"
    return f"run {run.id} died {last}, with the primary shut; its dead-man restores the router"


def journal_of(run: StoredRun) -> Written | None:
    """What its runner wrote; None where that cannot be read."""
    try:
        return read_journal(Path(run.journal))
    except OSError:
        return None
