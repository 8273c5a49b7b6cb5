"""A second evaluator that looks at every minute by itself, and the situations that both are asked about.

It knows nothing of sweeps, shadows and edges: it remembers for each circuit when it was last worked on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from maintsched.domain.conflict import Candidate, Freeze, Occupation, Situation
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy, Site
from maintsched.domain.notice import Impact

OUTAGE, DEGRADED, REDUCED, NONE = Impact.OUTAGE, Impact.DEGRADED, Impact.REDUCED_REDUNDANCY, Impact.NO_IMPACT
MINUTE = timedelta(minutes=1)
MEMBERS = ("ld-4", "ld-7", "ny-2")
INTERCONNECT = "x-ld"  # at the site of ld-4, so work on it takes the two others
NEIGHBOUR = "other"  # of no group, on the router of ld-4
# midnight by UTC before clocks change in London, in New York, and before nothing
DAYS = tuple(
    datetime(year, month, day, tzinfo=UTC)
    for year, month, day in ((2026, 10, 25), (2027, 3, 28), (2026, 11, 1), (2027, 3, 14), (2026, 12, 9))
)
LASTS = 600  # minutes: both changes of clocks lie inside


def minute_of(day: datetime, minute: int) -> datetime:
    return day + minute * MINUTE


spans = st.tuples(st.integers(0, LASTS - 120), st.integers(1, 120))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    hours = st.sampled_from(["", "", "00:00-02:00", "00:30-01:30", "22:00-06:00", "01:15-00:45", "19:00-22:30"])
    sites = {
        "LD4": Site("LD4", "Equinix", "Europe/London", hours=draw(hours)),
        "LD7": Site("LD7", "Equinix", "Europe/London"),
        "NY2": Site("NY2", "Equinix", "America/New_York", hours=draw(hours)),
    }
    speeds = st.sampled_from([None, 50_000_000, 100_000_000, 1_000_000_000])
    kind = CircuitKind.CROSS_CONNECT
    circuits = [
        Circuit("ld-4", kind, "LD4", "Equinix", router="edge1", speed=draw(speeds)),
        Circuit("ld-7", kind, "LD7", "Equinix", router="edge2", speed=draw(speeds)),
        Circuit("ny-2", kind, "NY2", "Equinix", router="edge3", speed=draw(speeds)),
        Circuit(INTERCONNECT, CircuitKind.INTERCONNECT, "LD4", "Equinix"),
        Circuit(NEIGHBOUR, kind, "LD4", "Equinix", router="edge1"),
    ]
    group = Group(
        "three",
        "Spotware",
        MEMBERS,
        "ld-4",
        min_up=draw(st.integers(1, 3)),
        mode=draw(st.sampled_from(["active_standby", "active_active"])),
        needs=(INTERCONNECT,),
        concurrent_users=draw(st.sampled_from([None, 100, 3000, 5001])),
    )
    policy = Policy(
        guard=draw(st.sampled_from([0, 1, 7, 30])) * MINUTE, tentative=draw(st.sampled_from(["confirmed", "warn"]))
    )
    named = {each.name: each for each in circuits}
    return Inventory("Northgate", "sqlite:///x.db", "UTC", sites, {}, named, {"three": group}, policy=policy)


@st.composite
def occupations(draw: st.DrawFn, day: datetime, facts: bool = True) -> Occupation:
    start, length = draw(spans)
    fact = draw(st.booleans()) if facts else False
    return Occupation(
        "maintenance" if fact else "window",
        f"{'m' if fact else 'w'}{draw(st.integers(1, 9))}",
        "",
        draw(st.sampled_from([*MEMBERS, *MEMBERS, INTERCONNECT, NEIGHBOUR])),
        Interval(minute_of(day, start), minute_of(day, start + length)),
        draw(st.sampled_from(list(Impact))),
        draw(st.sampled_from(["object", "site"])) if fact else "booking",
        fact,
        tentative=fact and draw(st.booleans()),
    )


@st.composite
def maintenances(draw: st.DrawFn, day: datetime) -> list[Occupation]:
    """A long one, on several circuits at once: there may be an outage to work in."""
    first = draw(occupations(day))
    start, end = draw(st.integers(0, LASTS // 2)), draw(st.integers(LASTS // 2 + 1, LASTS))
    fact = replace(
        first,
        kind="maintenance",
        fact=True,
        interval=Interval(minute_of(day, start), minute_of(day, end)),
        how="object",
    )
    names = draw(st.lists(st.sampled_from([*MEMBERS, INTERCONNECT]), min_size=1, max_size=3, unique=True))
    return [replace(fact, circuit=name) for name in names]


@st.composite
def candidates(draw: st.DrawFn, day: datetime) -> Candidate:
    start, length = draw(spans)
    names = draw(st.lists(st.sampled_from([*MEMBERS, INTERCONNECT]), min_size=1, max_size=2, unique=True))
    return Candidate(
        tuple(names),
        Interval(minute_of(day, start), minute_of(day, start + length)),
        draw(st.sampled_from([OUTAGE, OUTAGE, DEGRADED, REDUCED, NONE])),
        day - timedelta(days=30),
        kind=draw(st.sampled_from(["window", "window", "drill"])),
        emergency=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Candidate, Situation, datetime]:
    day = draw(st.sampled_from(DAYS))
    frozen = st.builds(
        lambda span: Freeze(Interval(minute_of(day, span[0]), minute_of(day, sum(span))), f"freeze {span[0]}"), spans
    )
    long = draw(st.lists(maintenances(day), max_size=1))
    situation = Situation(
        draw(inventories()),
        (*draw(st.lists(occupations(day), max_size=7)), *(each for one in long for each in one)),
        tuple(draw(st.lists(frozen, max_size=2))),
    )
    return draw(candidates(day)), situation, day


def moved(candidate: Candidate, start: datetime) -> Candidate:
    return replace(candidate, interval=Interval(start, start + candidate.interval.duration))


def on(interval: Interval, moment: datetime) -> bool:
    return interval.start <= moment < interval.end


@dataclass(frozen=True)
class Walker:
    """The worst that each rule says of a candidate: block or warn, by rule; rules that are kept are not named."""

    candidate: Candidate
    situation: Situation
    day: datetime

    def verdict(self) -> dict[str, str]:
        if self.candidate.impact is NONE:
            return {}
        self_, found = self.candidate, {"REDUNDANCY": "", "CAPACITY": "", "CLASH": "", "FREEZE": "", "HOURS": ""}
        inside = False
        guard = self.situation.inventory.policy.guard // MINUTE
        works, last = self.situation.occupations, dict[Occupation, int]()
        mine: int | None = None
        for minute in range(LASTS + 200):
            moment = minute_of(self.day, minute)
            here = [each for each in works if on(each.interval, moment) and each.impact is not NONE]
            last |= dict.fromkeys(here, minute)
            if on(self_.interval, moment):
                mine = minute
                self._walk_alone(moment, here, found)
                facts = [each for each in here if each.fact and not self._soft(each)]
                inside |= len(self._members(each.circuit for each in facts)) > len(MEMBERS) - self._group().min_up
            if mine is None or minute - mine > guard or not self._own() or self._forgiven(minute, guard):
                continue
            self._walk_members([each for each, seen in last.items() if minute - seen <= guard], found)
        if inside and self._own() and found["REDUNDANCY"] != "block":
            found["INSIDE-OUTAGE"] = "warn"
        skipped = ("FREEZE", "HOURS") if self_.emergency else ()
        return {rule: severity for rule, severity in found.items() if severity and rule not in skipped}

    def _walk_alone(self, moment: datetime, here: list[Occupation], found: dict[str, str]) -> None:
        """What needs no look at the members: who works on the same circuit or router, freezes, and the clock."""
        inventory, mild = self.situation.inventory, "block" if self.candidate.impact.takes_down else "warn"
        ours = [inventory.circuits[name] for name in self.candidate.circuits]
        routers = [circuit.router for circuit in ours if circuit.router]
        for each in here:
            theirs = inventory.circuits[each.circuit]
            if not each.fact and (each.circuit in self.candidate.circuits or theirs.router in routers):
                found["CLASH"] = "block"
        if any(on(freeze.interval, moment) for freeze in self.situation.freezes):
            found["FREEZE"] = mild
        for circuit in ours:
            site = inventory.sites[circuit.site]
            if site.hours and not shows(site, moment):
                found["HOURS"] = mild

    def _walk_members(self, there: list[Occupation], found: dict[str, str]) -> None:
        """One minute: how many members are left, and what they carry, with what is only warned of and without."""
        sure = [each for each in there if not self._soft(each)]
        left = [self._left(works) for works in (sure, there)]
        for number, names in enumerate(left):
            if len(names) < self._group().min_up:
                found["REDUNDANCY"] = "block" if number == 0 or found["REDUNDANCY"] == "block" else "warn"
        needed = self._needed()
        if needed is None:
            return
        short = [bool(names) and self._carry(names) < needed * 1_000_000 for names in left]
        if short[0] or short[1]:
            others = [each.impact for each in there if not each.fact and self._takes_another(each)]
            hard = short[0] and any(impact in (OUTAGE, DEGRADED) for impact in (self.candidate.impact, *others))
            found["CAPACITY"] = "block" if hard or found["CAPACITY"] == "block" else "warn"

    def _group(self) -> Group:
        return self.situation.inventory.groups["three"]

    def _own(self) -> set[str]:
        return self._members(self.candidate.circuits)

    def _members(self, circuits: Iterable[str]) -> set[str]:
        names = set(circuits)
        return (names & set(MEMBERS)) | ({"ld-7", "ny-2"} if INTERCONNECT in names else set())

    def _left(self, works: Iterable[Occupation]) -> list[str]:
        taken = self._own() | self._members(each.circuit for each in works)
        return [name for name in MEMBERS if name not in taken]

    def _takes_another(self, each: Occupation) -> bool:
        return bool(self._members([each.circuit]) - self._own())

    def _needed(self) -> int | None:
        users = self._group().concurrent_users
        return None if users is None else 3 * ((users + 99) // 100)

    def _carry(self, names: list[str]) -> int:
        speeds = [self.situation.inventory.circuits[name].speed or 0 for name in names]
        return sum(speeds) if self._group().mode == "active_active" else min(speeds)

    def _soft(self, each: Occupation) -> bool:
        if self.candidate.kind == "drill" or not each.fact:
            return False
        tentative = each.tentative and self.situation.inventory.policy.tentative == "warn"
        return tentative or (each.how == "site" and each.impact is REDUCED)

    def _forgiven(self, minute: int, guard: int) -> bool:
        """Whether facts as bad as the booking hold all its members, and have for a guard."""
        bad = (OUTAGE, DEGRADED) if self.candidate.impact.takes_down else (OUTAGE, DEGRADED, REDUCED)
        facts = [e for e in self.situation.occupations if e.fact and e.impact in bad and not self._soft(e)]
        return all(
            any(
                on(each.interval, minute_of(self.day, when)) and name in self._members([each.circuit]) for each in facts
            )
            for name in self._own()
            for when in range(minute - guard, minute + 1)
        )


def shows(site: Site, moment: datetime) -> bool:
    """Whether the clock on the wall of `site` shows an allowed time."""
    clock = f"{moment.astimezone(ZoneInfo(site.timezone)):%H:%M}"
    opening, closing = site.hours.split("-")
    return opening <= clock < closing if opening < closing else clock >= opening or clock < closing
