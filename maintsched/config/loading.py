"""maintsched.yaml → Inventory: YAML, shapes, references and coherence, and every problem of all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from maintsched.config.coherence import coherence
from maintsched.config.document import Document, Tree, read
from maintsched.config.playbook import read_playbook
from maintsched.config.problems import Key, Problem, Wrong, did_you_mean, in_order, listed
from maintsched.config.references import Names, references
from maintsched.config.root import ENTRIES, EmergencyShape, MailShape, PolicyShape, Root
from maintsched.config.shaping import fitting, shaped
from maintsched.config.urls import absolute_database, database
from maintsched.config.values import absolute
from maintsched.domain.inventory import Emergency, Inventory, Policy
from maintsched.errors import ConfigInvalid, InvalidInput, NotFound


def load_inventory(path: Path, platforms: Collection[str] | None = None) -> Inventory:
    """The inventory of the file. Raises NotFound, or ConfigInvalid with every problem, by line."""
    document, problems = read(path)
    base = path.parent.resolve()
    root: Root | None = None
    inventory = None
    if document.tree:
        root, misfits = shaped(document, Root)
        inventory, names = _readable(document, root, base)
        problems += misfits
        problems += tuple(references(document, inventory, names, platforms))
        problems += tuple(coherence(document, inventory))
        problems += tuple(_playbooks(document, inventory, names))
    if problems or inventory is None:
        raise ConfigInvalid(in_order(problems, str(path)))
    return inventory


def database_of(path: Path) -> str | None:
    """The address of the database, of a file that may have other errors."""
    document, _ = read(path)
    written = document.tree.get("database", Root.model_fields["database"].default)
    try:
        return str(absolute_database(path.parent.resolve(), database(written)))
    except Wrong:
        return None


def _entries(tree: Tree | None) -> Iterator[tuple[str, Tree]]:
    """The entries of a section by name; list items that have none are left out."""
    if isinstance(tree, dict):
        yield from tree.items()
    for item in tree if isinstance(tree, list) else ():
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and name:
            yield name, item


def _readable(document: Document, root: Root | None, base: Path) -> tuple[Inventory, Names]:
    """The inventory of those entries that could be read, so that one slip does not hide the problems of the others."""
    sections: dict[str, dict[str, Any]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for section, shape in ENTRIES.items():
        entries = tuple(_entries(document.tree.get(section)))
        names[section] = tuple(name for name, _ in entries)
        read_ones = ((name, fitting(entry, shape)) for name, entry in entries)
        sections[section] = {name: entry.domain(name, base) for name, entry in read_ones if entry is not None}
    policy = fitting(document.tree.get("policy", {}), PolicyShape)
    emergency = fitting(document.tree.get("emergency", {}), EmergencyShape)
    mail = fitting(document.tree.get("mail"), MailShape)
    inventory = Inventory(
        broker=root.broker if root else "",
        database=absolute_database(base, root.database) if root else "",
        timezone=root.timezone if root else "UTC",
        policy=policy.domain(base) if policy else Policy(),
        concurrent_users=root.concurrent_users if root else None,
        state_dir=absolute(base, root.state_dir) if root and root.state_dir else None,
        emergency=emergency.domain() if emergency else Emergency(),
        mail=mail.domain(base) if mail else None,
        sources=sections.pop("calendars"),
        **sections,
    )
    known = {name: names[name] for name in ("sites", "routers", "circuits", "groups", "probes")}
    return inventory, Names(**known)


def _playbooks(document: Document, inventory: Inventory, names: Names) -> Iterator[Problem]:
    """Every playbook that a drill names exists, reads, and uses probes of this file."""
    entries = document.tree.get("drills")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        drill = inventory.drills.get(name) if isinstance(name, str) else None
        if drill is None:
            continue
        key: Key = ("drills", index, "playbook")
        try:
            playbook, problems = read_playbook(Path(drill.playbook))
        except NotFound:
            yield document.problem(key, f"there is no file {drill.playbook}", _playbooks_near(Path(drill.playbook)))
            continue
        except InvalidInput as error:
            yield document.problem(key, error.message, error.hint)
            continue
        yield from problems
        for probe in playbook.probes if playbook else ():
            if probe not in names.probes:
                what = f"the playbook names the probe {probe!r}, which this file does not define"
                yield document.problem(key, what + did_you_mean(probe, names.probes), listed(names.probes))


def _playbooks_near(missing: Path) -> str:
    found = sorted(path.name for path in missing.parent.glob("*.yaml")) if missing.parent.is_dir() else []
    near = did_you_mean(missing.name, found)
    return listed(found, none="a playbook file") + near
