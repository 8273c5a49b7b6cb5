"""Which of our circuits a maintenance concerns. Narrowest wins: objects, sites, metro, the source's own mapping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from maintsched.domain.inventory import Inventory, Source, TitleRule
from maintsched.domain.notice import Impact, ObjectImpact

# A reader begins a problem with these words where objects may be missing: then nothing is concluded from those it saw.
OBJECTS_INCOMPLETE = "the list of affected objects is not complete"
PLACES_INCOMPLETE = "the list of affected places is not complete"
_UNMAPPED = "it names no object and no site, and its source is not mapped to circuits"


class Concerns(Protocol):
    """The part of a Notice or Maintenance that says what is hit."""

    @property
    def title(self) -> str: ...
    @property
    def impact(self) -> Impact: ...
    @property
    def objects(self) -> tuple[ObjectImpact, ...]: ...
    @property
    def sites(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class CircuitImpact:
    """What happens to one of our circuits; `how` says what named it: `object`, `site` or `source`."""

    circuit: str
    impact: Impact
    how: str


@dataclass(frozen=True, slots=True)
class Match:
    """The circuits hit, and why a person must look where `reasons` is not empty.

    `not_ours`: it names what is not in the inventory. `service`: the platform itself, no circuit is down.
    `findings` are alarms for people: one maintenance on several sites of a group at once.
    """

    circuits: tuple[CircuitImpact, ...] = ()
    reasons: tuple[str, ...] = ()
    not_ours: bool = False
    service: bool = False
    findings: tuple[str, ...] = ()


class Aliases:
    """Every name of every circuit, for looking up what notices call them; built once for many notices.

    Case, spaces and leading zeros do not count, anything else does.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._exact: dict[str, list[str]] = {}
        self._loose: dict[str, list[str]] = {}
        for circuit in inventory.circuits.values():
            for alias in circuit.all_aliases:
                self._exact.setdefault(_exact(alias), []).append(circuit.name)
                self._loose.setdefault(_without_zeros(alias), []).append(circuit.name)

    def circuits(self, name: str) -> tuple[str, ...]:
        """The circuits that are called so."""
        found = self._exact.get(_exact(name)) or self._loose.get(_without_zeros(name), [])
        return tuple(dict.fromkeys(found))


def match(
    concerns: Concerns,
    inventory: Inventory,
    source: Source | None = None,
    problems: Iterable[str] = (),
    aliases: Aliases | None = None,
) -> Match:
    """Match a Notice or Maintenance; `problems` are its reader's, which tell whether the objects are all there."""
    problems = tuple(problems)
    incomplete = any(problem.startswith(OBJECTS_INCOMPLETE) for problem in problems)
    ours = _by_object(concerns, aliases or Aliases(inventory))
    if ours and not incomplete:
        return _found(ours, inventory)
    if concerns.objects and not incomplete:
        return Match(not_ours=True)
    places = _by_place(concerns, inventory, source)
    if places is not None and places.not_ours and any(problem.startswith(PLACES_INCOMPLETE) for problem in problems):
        places = Match(reasons=(PLACES_INCOMPLETE,))
    if places is not None:
        return places if not ours else _found(worst((*ours, *places.circuits)), inventory)
    if ours:
        return _found(ours, inventory)
    return _by_source(concerns, inventory, source)


def known_not_ours(concerns: Concerns, patterns: Iterable[str]) -> bool:
    """Whether all objects that it names, or without any all places, are known not to be ours (shell patterns)."""
    folded = [_exact(pattern) for pattern in patterns]
    named = [item.object_id for item in concerns.objects] or list(concerns.sites)
    return bool(named) and all(any(fnmatchcase(_exact(name), pattern) for pattern in folded) for name in named)


def _found(circuits: tuple[CircuitImpact, ...], inventory: Inventory) -> Match:
    return Match(circuits, findings=_alarms(circuits, inventory))


def worst(circuits: Iterable[CircuitImpact]) -> tuple[CircuitImpact, ...]:
    """One entry for each circuit, the worst; the first of equals, so that objects come before sites."""
    found: dict[str, CircuitImpact] = {}
    for hit in circuits:
        seen = found.get(hit.circuit)
        if seen is None or hit.impact.rank > seen.impact.rank:
            found[hit.circuit] = hit
    return tuple(found.values())


def _exact(name: str) -> str:
    return "".join(name.split()).casefold()


def _without_zeros(name: str) -> str:
    return _exact(name).lstrip("0")


def _by_object(concerns: Concerns, aliases: Aliases) -> tuple[CircuitImpact, ...]:
    return worst(
        CircuitImpact(name, item.impact or concerns.impact, "object")
        for item in concerns.objects
        for name in aliases.circuits(item.object_id)
    )


def _by_place(concerns: Concerns, inventory: Inventory, source: Source | None) -> Match | None:
    """Sites, else metros. None where no place is named at all."""
    if not concerns.sites:
        return None
    named = {_exact(place) for place in concerns.sites}
    sites = [name for name in inventory.sites if named & _own_names(name)]
    sites = sites or [name for name in inventory.sites if named & _wider_names(name, inventory, source)]
    if not sites:
        return Match(not_ours=True)
    circuits = [name for site in sites for name in inventory.circuits_at(site)]
    if not circuits:
        return Match(reasons=(f"it names {', '.join(sites)}, which is ours, but no circuit of the inventory is there",))
    return _found(tuple(CircuitImpact(name, concerns.impact, "site") for name in dict.fromkeys(circuits)), inventory)


def _own_names(name: str) -> set[str]:
    """A site's code, as Equinix writes it (LD5) and as AWS does (EqLD5)."""
    code = _exact(name)
    bare = code.removeprefix("eq")
    return {code, bare, "eq" + bare} if bare[-1:].isdigit() else {code}


def _wider_names(name: str, inventory: Inventory, source: Source | None) -> set[str]:
    """A site's metro and campus, and the letters of its code where it is the sender's own (LD of LD4)."""
    site = inventory.sites[name]
    wider = {_exact(site.metro), _exact(site.campus)}
    letters = _exact(name).rstrip("0123456789")
    if source is None or not source.provider or _exact(source.provider) == _exact(site.operator):
        wider.add(letters)
    return wider - {""}


def _by_source(concerns: Concerns, inventory: Inventory, source: Source | None) -> Match:
    if source is None:
        return Match(reasons=(_UNMAPPED,))
    rule = _title_rule(concerns.title, source)
    if rule is not None and rule.ignore:
        return Match(not_ours=True)
    told = rule is not None and bool(rule.groups or rule.sites)
    if source.affects == "service" and not told:
        return Match(service=True)
    groups, sites = (rule.groups, rule.sites) if rule is not None and told else (source.groups, source.sites)
    names = [name for group in groups if group in inventory.groups for name in inventory.groups[group].circuits]
    names += [name for site in sites for name in inventory.circuits_at(site)]
    if not names:
        return Match(reasons=(_UNMAPPED,))
    return _found(tuple(CircuitImpact(name, concerns.impact, "source") for name in dict.fromkeys(names)), inventory)


def _title_rule(title: str, source: Source) -> TitleRule | None:
    fitting = (rule for rule in source.titles if fnmatchcase(title.casefold(), rule.match.casefold()))
    return next(fitting, None)


def _alarms(circuits: Iterable[CircuitImpact], inventory: Inventory) -> tuple[str, ...]:
    """Nobody should take two sites of one group at the same time; it is said aloud where somebody does."""
    down = {hit.circuit for hit in circuits if hit.impact.takes_down}
    alarms = []
    for group in inventory.groups.values():
        hit = [name for name in group.circuits if name in down]
        sites = sorted({inventory.circuits[name].site for name in hit})
        if len(sites) > 1:
            alarms.append(f"takes {' and '.join(sites)} of {group.name} at the same time ({', '.join(hit)})")
    return tuple(alarms)
