"""The emergency runbook, for 03:00: whom to call, what to do, what is up, what to type.

It prints what it can: what the database says where that answers in time, and what the config file says in any case.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from maintsched import config, platforms
from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Group, Inventory
from maintsched.errors import ConfigInvalid, InvalidInput, MaintschedError, NotFound
from maintsched.services.dead import dead_runs, describe_dead
from maintsched.services.overview import Entry, GroupNow, entries, groups_now, said_of
from maintsched.services.project import Project, in_force_differences
from maintsched.services.situation import situation
from maintsched.services.timeline import Row, rows_of
from maintsched.services.windowing import needs_retro_approval
from maintsched.store import inventories
from maintsched.store.engine import Store, open_store

T = TypeVar("T")
AHEAD = timedelta(days=3)
REVIEW_AFTER = timedelta(days=180)
ANSWER_SECONDS = 6.0
FEW = 8  # circuits and sites that are named behind a contact

STEPS = (
    "Is it planned? `maintsched find CIRCUIT` says what is on a circuit now, and what is left.",
    "Touch nothing on the circuit that still carries the traffic. Do not reload, save or clear anything on its router.",
    "Call the provider's NOC with the circuit's serial and ask for a ticket; note its number and the time.",
    "Call the partner's NOC: tell them which circuit, since when, and ask what they see on their side.",
    "Tell maintsched what the provider said: `maintsched calendar add`, so that nobody else books beside it.",
    "Book the repair before you start it: `maintsched window book --emergency`; REDUNDANCY is still held.",
    "Write down what you type. Take it back if it does not help: one change at a time.",
    "When it is up again: sessions, routes and the probes first, then `maintsched window finish`.",
    "Within 48 h a second person approves the emergency window afterwards: `maintsched window approve`.",
)


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call. `noc` and `mail` are empty where the config has none."""

    name: str
    role: str
    noc: str
    mail: str


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group as it stands: `left` is None where the database did not answer."""

    group: Group
    left: int | None
    timeline: tuple[Row, ...]
    running: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    """`notes`: what is wrong with the runbook itself; `trouble`: what a person should know first."""

    as_of: datetime
    until: datetime
    inventory: Inventory
    calls: tuple[Call, ...]
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    trouble: tuple[str, ...]
    stale: tuple[str, ...]
    groups: tuple[GroupCard, ...]

    def document(self) -> dict[str, Any]:
        return {
            "as_of": iso(self.as_of.replace(microsecond=0)),
            "until": iso(self.until.replace(microsecond=0)),
            "stale": list(self.stale),
            "contacts": [
                {"name": call.name, "role": call.role, "noc": call.noc or None, "mail": call.mail or None}
                for call in self.calls
            ],
            "steps": list(self.steps),
            "reviewed": self.inventory.emergency.reviewed,
            "notes": list(self.notes),
            "trouble": list(self.trouble),
            "groups": [_card_document(card) for card in self.groups],
        }


def _card_document(card: GroupCard) -> dict[str, Any]:
    return {
        "name": card.group.name,
        "left": card.left,
        "size": len(card.group.circuits),
        "min_up": card.group.min_up,
        "timeline": [row.document() for row in card.timeline],
        "running": [entry.document() for entry in card.running],
        "next": [entry.document() for entry in card.coming],
        "commands": list(card.commands),
    }


@dataclass(frozen=True, slots=True)
class _State:
    """What the database says."""

    groups: tuple[GroupNow, ...]
    timeline: tuple[Row, ...]
    entries: tuple[Entry, ...]
    trouble: tuple[str, ...]
    stale: tuple[str, ...]


def runbook(path: Path, actor: Actor, group: str | None = None, seconds: float = ANSWER_SECONDS) -> Runbook:
    """The runbook of the config file at `path`, for one group or all. Raises ConfigInvalid, InvalidInput."""
    path = path.resolve()
    now = datetime.now(UTC)
    inventory, faults = _inventory(path, seconds)
    if group is not None and group not in inventory.groups:
        raise InvalidInput(f"there is no group {group!r}", f"groups: {', '.join(inventory.groups)}")
    state, why = _asked(lambda: _state(path, inventory, actor, now), seconds)
    trouble = (*faults, *(state.trouble if state else (f"what is planned is NOT known: {why}",)))
    wanted = [each for each in inventory.groups.values() if group in (None, each.name)]
    return Runbook(
        as_of=now,
        until=now + AHEAD,
        inventory=inventory,
        calls=calls(inventory, wanted),
        steps=inventory.emergency.steps or STEPS,
        notes=notes(inventory, now.date()),
        trouble=trouble,
        stale=state.stale if state else (),
        groups=tuple(_card(inventory, each, state, now) for each in wanted),
    )


def _inventory(path: Path, seconds: float) -> tuple[Inventory, tuple[str, ...]]:
    """What the file says; where it has errors, what is in force. A slip of yesterday must not take the runbook away."""
    try:
        return config.load(path, platforms.names()), ()
    except ConfigInvalid as error:
        database = config.database_of(path)
        held, _ = _asked(lambda: _in_force(database, path.parent), seconds) if database else (None, "")
        if held is None:
            raise
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        return held, (f"the config file has errors, so this is the inventory in force: {first}{more}",)


def _in_force(database: str, base: Path) -> Inventory:
    store = open_store(database)
    try:
        with store.read() as tx:
            held = inventories.in_force(tx)
    finally:
        store.close()
    if held is None:
        raise NotFound("no inventory is in force")
    return config.from_canonical(held.canonical, base)


def _asked(ask: Callable[[], T], seconds: float) -> tuple[T | None, str]:
    """The answer of the database, or why there is none. A thread of its own: whatever holds it up must not hold up the
    rest of the runbook, and it ends with the process."""
    answers: queue.Queue[tuple[T | None, str]] = queue.Queue()

    def run() -> None:
        try:
            answers.put((ask(), ""))
        except MaintschedError as error:
            answers.put((None, f"{error.message} ({error.hint})" if error.hint else error.message))
        except Exception as error:  # noqa: BLE001  # at 03:00 a bug in one part must not hide the others
            answers.put((None, f"{type(error).__name__}: {error}"))

    threading.Thread(target=run, daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return None, f"the database did not answer within {seconds:g} s"


def _state(path: Path, inventory: Inventory, actor: Actor, now: datetime) -> _State:
    store = open_store(inventory.database)
    try:
        return _read(path, inventory, actor, store, now)
    finally:
        store.close()


def _read(path: Path, inventory: Inventory, actor: Actor, store: Store, now: datetime) -> _State:
    project = Project(path, inventory, config.canonical(inventory, path.parent), store, actor)
    ahead = Interval(now, now + AHEAD)
    changes = in_force_differences(project)
    trouble = [f"the config file is not the inventory in force: {line}" for line in changes[:5]]
    if len(changes) > 5:
        trouble.append(f"and {len(changes) - 5} more differences (`maintsched inventory diff`)")
    with store.read(now) as tx:
        known = situation(tx, inventory, now, ahead)
        listed = entries(tx, ahead, inventory)
        unapproved = [each.text for each in needs_retro_approval(tx, now)]
    timeline = rows_of(inventory, known.occupations, ahead)
    trouble += [f"{describe_dead(run)}; `maintsched drill recover`" for run in dead_runs(project)]
    trouble += [f"source {source.name} {source.reason}" for source in known.stale]
    trouble += [*(said_of(review) for review in known.reviews), *unapproved]
    stale = tuple(source.name for source in known.stale)
    return _State(groups_now(inventory, timeline, now), timeline, listed, tuple(trouble), stale)


def notes(inventory: Inventory, today: date) -> tuple[str, ...]:
    """What is wrong with the runbook itself (EMG-1: contacts, steps, a review within 180 days)."""
    emergency = inventory.emergency
    if not emergency.steps:
        return ("nobody has written or reviewed these steps: they fit everybody; `emergency: {steps: […]}` has yours",)
    if emergency.reviewed is None:
        return ("nobody has reviewed these steps: `emergency: {reviewed: YYYY-MM-DD}` says when somebody did",)
    age = today - date.fromisoformat(emergency.reviewed)
    if age < timedelta(0):
        return (f"these steps are said to be reviewed on {emergency.reviewed}, which is still to come",)
    if age > REVIEW_AFTER:
        days = REVIEW_AFTER.days
        return (f"these steps were last reviewed on {emergency.reviewed}, {age.days} days ago; allowed {days}",)
    return ()


def calls(inventory: Inventory, groups: list[Group]) -> tuple[Call, ...]:
    """Everybody whose NOC matters for these groups: partners, providers of the circuits, operators of the sites."""
    roles: dict[str, list[str]] = {}
    for group in groups:
        roles.setdefault(group.partner, []).append(f"partner of {group.name}")
    for group in groups:
        for circuit in (inventory.circuits[name] for name in (*group.circuits, *group.needs)):
            roles.setdefault(circuit.provider, []).append(circuit.name)
            operator = inventory.sites[circuit.site].operator
            roles.setdefault(operator, []).append(f"site {circuit.site}")
    if inventory.broker in inventory.contacts:
        roles.setdefault(inventory.broker, []).append("ourselves")
    found = []
    for name, parts in roles.items():
        contact = inventory.contacts.get(name)
        different = list(dict.fromkeys(parts))
        role = ", ".join(different[:FEW]) + (f" and {len(different) - FEW} more" if len(different) > FEW else "")
        found.append(Call(name, role, contact.noc if contact else "", contact.mail if contact else ""))
    return tuple(found)


def _card(inventory: Inventory, group: Group, state: _State | None, now: datetime) -> GroupCard:
    own = {*group.circuits, *group.needs}
    listed = [
        entry
        for entry in (state.entries if state else ())
        if own.intersection(entry.circuits) or (not entry.circuits and group.name in entry.groups)
    ]
    left = next((each.left for each in state.groups if each.name == group.name), None) if state else None
    return GroupCard(
        group=group,
        left=left,
        timeline=tuple(row for row in state.timeline if row.group == group.name) if state else (),
        running=tuple(entry for entry in listed if entry.interval.start <= now),
        coming=tuple(entry for entry in listed if entry.interval.start > now),
        commands=commands(inventory, group),
    )


def commands(inventory: Inventory, group: Group) -> tuple[str, ...]:
    """What to type, with the names of this inventory."""
    found = []
    for name in group.circuits:
        circuit = inventory.circuits[name]
        found += [
            f"maintsched find {name}",
            f"maintsched calendar add --provider {_quoted(circuit.provider)} --circuit {name} --start now --end +4h "
            "--impact OUTAGE --ref TICKET",
            f"maintsched window book --emergency --reason REASON --circuit {name} --start now --duration 2h "
            "--title TEXT --rollback TEXT",
        ]
    found += [
        "maintsched window announce W-… --send",
        "maintsched window start W-…",
        "maintsched window finish W-…",
        "maintsched window approve W-…    # a second person, under another login, within 48 h",
        f"maintsched window book --override --reason REASON --start +15m …    # fewer than {group.min_up} of "
        f"{group.name} left: "
        "approved by a second person before the start",
    ]
    return tuple(found)


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
