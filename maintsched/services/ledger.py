"""A run in the database: an audit row before each changing command and one after it, and the record at the end."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from maintsched.domain.actor import Actor
from maintsched.domain.drill import Command, Run
from maintsched.domain.window import WindowState
from maintsched.services.records import run_document, run_from_document
from maintsched.store import runs, windows
from maintsched.store.engine import Store


class DatabaseLedger:
    def __init__(self, store: Store, actor: Actor, run_id: str) -> None:
        self._store, self._actor, self._run = store, actor, run_id

    def intend(self, command: Command, text: str, undo: str) -> None:
        """Committed before the command leaves. Raises Unavailable: then it must not leave."""
        payload = {"run": self._run, "intent": command.intent, "text": text, "undo": undo}
        with self._store.write(self._actor) as tx:
            tx.audit("router.intend", command.router, payload)

    def result(self, command: Command, text: str, outcome: str, output_sha256: str | None) -> None:
        payload = {
            "run": self._run,
            "intent": command.intent,
            "text": text,
            "outcome": outcome,
            "output_sha256": output_sha256,
        }
        with self._store.write(self._actor) as tx:
            tx.audit("router.result", command.router, payload)

    def settle(self, run: Run, undone: tuple[tuple[str, str, str], ...]) -> None:
        """The end: what was undone, the slot given back, the record kept. Raises Unavailable."""
        document = run_document(run, samples=True)
        digest = sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        with self._store.write(self._actor) as tx:
            for router, text, outcome in undone:
                tx.audit("router.undo", router, {"run": self._run, "text": text, "outcome": outcome})
            window = windows.drill_window(tx, run.id)
            if window is not None and not run.our_change_left:  # else it goes on holding its slot
                windows.set_state(tx, window, WindowState.COMPLETED, end=run.ended)
            runs.end_run(tx, run.id, run.verdict.value, document, run.timeline, digest, lost=run.our_change_left)


def write_record(path: Path, run: Run) -> None:
    """The record as a file beside the journal: what `drill recover` brings into the database when that was gone."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(run_document(run, samples=True), ensure_ascii=False, sort_keys=True))
    fresh.replace(path)


def read_record(path: Path) -> Run | None:
    """The record, or None where there is none that can be read."""
    try:
        return run_from_document(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
