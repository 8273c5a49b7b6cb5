"""An open project: config file, inventory in force, database, and who acts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from maintsched import config, platforms
from maintsched.domain.actor import Actor
from maintsched.domain.interval import iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.window import WindowState
from maintsched.errors import InvalidInput, NoDatabase, Refused
from maintsched.state import state_dir
from maintsched.store import inventories
from maintsched.store.engine import Store, Transaction, open_store, upgrade_store


@dataclass(frozen=True)
class Project:
    """What a use case needs. `canonical` is the inventory's canonical JSON, `base` the config file's folder."""

    path: Path
    inventory: Inventory
    canonical: bytes
    store: Store
    actor: Actor

    @property
    def base(self) -> Path:
        return self.path.parent

    @cached_property
    def seal(self) -> str:
        """The SHA-256 of `canonical`."""
        return sha256(self.canonical).hexdigest()

    @property
    def state(self) -> Path:
        return state_dir(self.inventory.state_dir)

    def now(self) -> datetime:
        return datetime.now(UTC)


@contextlib.contextmanager
def opened(path: Path, actor: Actor, say: Callable[[str], None]) -> Iterator[Project]:
    """The project of a config file, whatever inventory is in force. Raises ConfigInvalid, NoDatabase."""
    path = path.resolve()
    inventory = config.load(path, platforms.names())
    store = open_store(inventory.database, say)
    try:
        yield Project(path, inventory, config.canonical(inventory, path.parent), store, actor)
    finally:
        store.close()


def require_in_force(project: Project, tx: Transaction) -> None:
    """Raise Refused when the file is not the inventory in force: nothing may be judged or touched by another one."""
    if inventories.seal_in_force(tx) == project.seal:
        return
    held = inventories.in_force(tx)
    if held is None:
        raise Refused("no inventory is in force", "`maintsched inventory apply --reason TEXT` puts the file in force")
    changes = config.differences(config.from_canonical(held.canonical, project.base), project.inventory)
    if changes:
        shown = "\n  ".join(changes[:10]) + (f"\n  … {len(changes) - 10} more" if len(changes) > 10 else "")
        raise Refused(
            f"{project.path} is not the inventory in force (revision {held.revision}):\n  {shown}",
            "`maintsched inventory apply --reason TEXT` puts the file in force",
        )


def in_force_differences(project: Project) -> tuple[str, ...]:
    """What the file would change in the inventory in force; empty where nothing."""
    with project.store.read() as tx:
        held = inventories.in_force(tx)
    before = config.from_canonical(held.canonical, project.base) if held else None
    return config.differences(before, project.inventory)


def apply_inventory(project: Project, reason: str) -> tuple[int, tuple[str, ...]]:
    """Put the file in force. Refuses to drop a circuit that open work names.

    Returns the revision and the changes: of the inventory, of what is ours by it, and the bookings that this breaks.
    """
    from maintsched.services.breaking import recheck, told
    from maintsched.services.intake import rematch

    if not reason.strip():
        raise InvalidInput("a reason is needed", "--reason TEXT: it is kept in the audit trail")
    changes = in_force_differences(project)
    counting = tuple(state.value for state in WindowState if state.counts)
    with project.store.write(project.actor) as tx:
        held = inventories.in_force(tx)
        if held is not None and not changes:
            return held.revision, ()
        for circuit, used in inventories.circuits_in_use(tx, counting, tx.now).items():
            if circuit not in project.inventory.circuits:
                raise Refused(f"circuit {circuit} cannot be dropped or renamed: {used} names it", "close that first")
        revision = inventories.put_in_force(tx, project.canonical, reason, changes)
        ours = rematch(tx, project.inventory)
    return revision, (*changes, *ours, *told(recheck(project)))


def create(directory: Path, layout: str, actor: Actor) -> tuple[tuple[Path, ...], Path]:
    """`maintsched init`: scaffold, database, inventory in force. Returns the files made and the config's path."""
    made = config.scaffold(directory, layout)
    path = (directory / "maintsched.yaml").resolve()
    inventory = config.load(path, platforms.names())
    store, _ = upgrade_store(inventory.database)
    try:
        canonical = config.canonical(inventory, path.parent)
        with store.write(actor) as tx:
            held = inventories.in_force(tx)
            if held is not None:
                raise Refused(f"the database {inventory.database} is in use already", "choose another folder")
            inventories.put_in_force(tx, canonical, "init", config.differences(None, inventory))
    finally:
        store.close()
    return made, path


def find_config(given: str | None, environment: str | None) -> Path:
    """`--config`, else `$MAINTSCHED_CONFIG`, else `maintsched.yaml` in the working directory."""
    path = Path(given or environment or "maintsched.yaml")
    if path.is_dir():
        path = path / "maintsched.yaml"
    if not path.is_file():
        raise NoDatabase(f"there is no config file {path}", "`maintsched init DIR` makes one; or use --config FILE")
    return path


def shown_inventory(project: Project) -> tuple[int, str, str, object]:
    """Revision, since when, SHA-256 and content of the inventory in force. Raises Refused when there is none."""
    import json

    with project.store.read() as tx:
        held = inventories.in_force(tx)
    if held is None:
        raise Refused("no inventory is in force", "`maintsched inventory apply --reason TEXT`")
    return held.revision, iso(held.applied_at.replace(microsecond=0)), held.sha256, json.loads(held.canonical)
