"""A small inventory and the works on it, in the field's words: what the conflict tests are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from maintsched.domain.conflict import Candidate, Conflict, Occupation, Situation, find_conflicts
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy, Site
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState

DAY = datetime(2026, 12, 9, tzinfo=UTC)
ASKED = DAY - timedelta(days=30)
OUTAGE, DEGRADED, REDUCED, NONE = Impact.OUTAGE, Impact.DEGRADED, Impact.REDUCED_REDUNDANCY, Impact.NO_IMPACT


def at(text: str) -> datetime:
    """`01:30` on the day; `24:00` and later are the next one."""
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def during(text: str) -> Interval:
    start, end = text.split("-")
    return Interval(at(start), at(end))


def circuit(name: str, site: str, router: str | None = None, kind: str = "cross_connect") -> Circuit:
    return Circuit(name, CircuitKind(kind), site, "Equinix", router=router)


def inventory(policy: Policy | None = None, groups: Mapping[str, Group] | None = None) -> Inventory:
    circuits = [
        circuit("uk-ld4", "LD4", "edge1"),
        circuit("uk-ld7", "LD7", "edge2"),
        circuit("ld4-ld7", "LD4", kind="interconnect"),
        circuit("ny-2", "NY2", "edge9"),
        circuit("ny-4", "NY4", "edge9"),
        circuit("ny-6", "NY6"),
        circuit("alone", "LD4"),
    ]
    pair = Group("uk-direct", "Spotware", ("uk-ld4", "uk-ld7"), "uk-ld4", needs=("ld4-ld7",))
    three = Group("ny-three", "Spotware", ("ny-2", "ny-4", "ny-6"), "ny-2")
    return Inventory(
        broker="Northgate Markets",
        database="sqlite:///x.db",
        timezone="UTC",
        sites={"LD4": Site("LD4", "Equinix", "Europe/London")},
        routers={},
        circuits={each.name: each for each in circuits},
        groups=groups or {"uk-direct": pair, "ny-three": three},
        policy=policy or Policy(),
    )


def maintenance(
    when: str, *circuits: str, impact: Impact = OUTAGE, how: str = "object", tentative: bool = False, id_: str = "m1"
) -> tuple[Occupation, ...]:
    return tuple(
        Occupation(
            "maintenance",
            id_,
            "Panel replacement",
            name,
            during(when),
            impact,
            how,
            fact=True,
            reference="Equinix CHG0123456",
            tentative=tentative,
        )
        for name in circuits
    )


def window(when: str, *circuits: str, id_: str = "w1", impact: Impact = OUTAGE, kind: str = "window") -> Window:
    return Window(id_, WindowState.APPROVED, circuits, during(when), impact, "Optics", "alice", kind=kind)


def asking(when: str, *circuits: str, impact: Impact = OUTAGE, kind: str = "window") -> Candidate:
    return Candidate(circuits, during(when), impact, ASKED, kind=kind)


def told(conflicts: tuple[Conflict, ...]) -> list[tuple[str, str]]:
    return [(each.rule, each.severity) for each in conflicts]


def judged(candidate: Candidate, *occupations: Occupation, policy: Policy | None = None) -> list[tuple[str, str]]:
    return told(find_conflicts(candidate, Situation(inventory(policy), occupations)))
