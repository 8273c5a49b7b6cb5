"""Names that point at one another: sites, routers, circuits, groups, calendars, drills."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from maintsched.config.document import Document
from maintsched.config.problems import Key, Problem, did_you_mean, listed
from maintsched.domain.inventory import CircuitKind, Group, Inventory


@dataclass(frozen=True)
class Names:
    """Every name that the file defines, also those of entries that could not be read."""

    sites: tuple[str, ...]
    routers: tuple[str, ...]
    circuits: tuple[str, ...]
    groups: tuple[str, ...]
    probes: tuple[str, ...]


def references(
    document: Document, inventory: Inventory, names: Names, platforms: Collection[str] | None
) -> Iterator[Problem]:
    """Problems of names that lead nowhere. `platforms` None: the network OS is not checked."""
    yield from _routers(document, inventory, names, platforms)
    for circuit in inventory.circuits.values():
        key: Key = ("circuits", circuit.name)
        yield from _known(document, (*key, "site"), circuit.site, names.sites, "site")
        if circuit.router is not None:
            yield from _known(document, (*key, "router"), circuit.router, names.routers, "router")
    for group in inventory.groups.values():
        yield from _group(document, inventory, group, names)
    for index, source in enumerate(inventory.sources.values()):
        place = _item(document, "calendars", source.name, index)
        yield from _all_known(document, (*place, "groups"), source.groups, names.groups, "group")
        yield from _all_known(document, (*place, "sites"), source.sites, names.sites, "site")
        for number, title in enumerate(source.titles):
            yield from _all_known(document, (*place, "titles", number, "groups"), title.groups, names.groups, "group")
            yield from _all_known(document, (*place, "titles", number, "sites"), title.sites, names.sites, "site")
    for index, waiver in enumerate(inventory.policy.waivers):
        place = ("policy", "waivers", index, "circuit")
        yield from _known(document, place, waiver.circuit, names.circuits, "circuit")
    for index, drill in enumerate(inventory.drills.values()):
        place = _item(document, "drills", drill.name, index)
        yield from _known(document, (*place, "group"), drill.group, names.groups, "group")
        group_of_drill = inventory.groups.get(drill.group)
        if group_of_drill and len(group_of_drill.circuits) < 2:
            what = f"the group {drill.group} has one circuit: nothing would carry the traffic"
            yield document.problem((*place, "group"), what, "a group of at least two circuits")


def _item(document: Document, section: str, name: str, otherwise: int) -> Key:
    entries = document.tree.get(section)
    if isinstance(entries, list):
        for index, entry in enumerate(entries):
            if isinstance(entry, dict) and entry.get("name") == name:
                return (section, index)
    return (section, otherwise)


def _known(document: Document, key: Key, name: str, known: Collection[str], what: str) -> Iterator[Problem]:
    if name not in known:
        yield document.problem(key, f"there is no {what} {name!r}{did_you_mean(name, known)}", listed(known))


def _all_known(
    document: Document, key: Key, given: Collection[str], known: Collection[str], what: str
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(given):
        yield from _known(document, (*key, index), name, known, what)
        if name in seen:
            yield document.problem((*key, index), f"the {what} {name!r} is listed twice", "each once")
        seen.add(name)


def _routers(
    document: Document, inventory: Inventory, names: Names, platforms: Collection[str] | None
) -> Iterator[Problem]:
    for router in inventory.routers.values():
        key: Key = ("routers", router.name)
        yield from _known(document, (*key, "site"), router.site, names.sites, "site")
        if platforms is not None:
            yield from _known(document, (*key, "platform"), router.platform, sorted(platforms), "platform")
        if router.jump is None:
            continue
        jump = router.jump
        # A bare word may be a host of ~/.ssh/config; one that is nearly a router's name is a slip.
        if jump not in names.routers and jump.isalnum() and get_close_matches(jump, names.routers, n=1, cutoff=0.8):
            what = f"there is no router {jump!r}{did_you_mean(jump, names.routers)}"
            yield document.problem(
                (*key, "jump"), what, f"{listed(names.routers)}; another host by address or full name"
            )
        if _jumps_back(inventory, router.name):
            yield document.problem((*key, "jump"), f"the way to {router.name} leads over itself", "a way that ends")


def _jumps_back(inventory: Inventory, start: str) -> bool:
    seen, here = {start}, inventory.routers[start].jump
    while here is not None and here in inventory.routers:
        if here in seen:
            return here == start
        seen.add(here)
        here = inventory.routers[here].jump
    return False


def _group(document: Document, inventory: Inventory, group: Group, names: Names) -> Iterator[Problem]:
    key: Key = ("groups", group.name)
    yield from _all_known(document, (*key, "circuits"), group.circuits, names.circuits, "circuit")
    yield from _all_known(document, (*key, "needs"), group.needs, names.circuits, "circuit")
    if group.primary not in group.circuits:
        near = did_you_mean(group.primary, group.circuits)
        what = f"{group.primary!r} is not a circuit of this group{near}"
        yield document.problem((*key, "primary"), what, listed(group.circuits))
    if group.min_up > len(group.circuits):
        what = f"{group.min_up} circuits cannot be up: the group has {len(group.circuits)}"
        yield document.problem((*key, "min_up"), what, f"a whole number from 1 to {len(group.circuits)}")
    for index, name in enumerate(group.circuits):
        circuit = inventory.circuits.get(name)
        if circuit and circuit.kind is CircuitKind.INTERCONNECT:
            what = f"{name} is an interconnect: it leads to our own site, not to {group.partner}"
            members = [each.name for each in inventory.circuits.values() if each.kind is not CircuitKind.INTERCONNECT]
            yield document.problem(
                (*key, "circuits", index), what, f"{listed(members)}; an interconnect goes into `needs`"
            )
    for index, name in enumerate(group.needs):
        if name in group.circuits:
            what = f"{name} is a member of the group; `needs` is for circuits that a member depends on"
            yield document.problem((*key, "needs", index), what, "circuits outside the group")
    yield from _canaries(document, inventory, group)


def _canaries(document: Document, inventory: Inventory, group: Group) -> Iterator[Problem]:
    if group.proof != "canary":
        return
    for name in group.circuits:
        circuit = inventory.circuits.get(name)
        if circuit and circuit.canary is None and name != group.primary:
            what = f"canary needs an address pair on each survivor, and {name} has none"
            allowed = f"`canary: {{source: …, target: …}}` on {name}, or l2, first-move"
            yield document.problem(("groups", group.name, "proof"), what, allowed)
