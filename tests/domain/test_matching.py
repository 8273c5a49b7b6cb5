"""Which circuits a maintenance takes: objects, then sites, then metro, then what the source is mapped to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Site, Source, TitleRule
from maintsched.domain.matching import OBJECTS_INCOMPLETE, PLACES_INCOMPLETE, CircuitImpact, known_not_ours, match
from maintsched.domain.notice import Impact, ObjectImpact


def circuit(name: str, site: str, *aliases: str, connection: str | None = None) -> Circuit:
    return Circuit(name, CircuitKind.CROSS_CONNECT, site, "Equinix", aliases=aliases, connection=connection)


INVENTORY = Inventory(
    broker="Northgate",
    database="sqlite://",
    timezone="Europe/London",
    sites={
        "LD4": Site("LD4", "Equinix", "Europe/London", metro="London", campus="Slough"),
        "LD7": Site("LD7", "Equinix", "Europe/London", metro="London", campus="Slough"),
        "EQLD5": Site("EQLD5", "Equinix", "Europe/London", metro="London"),
        "TCSH": Site("TCSH", "Digital Realty", "Europe/London", metro="London"),
        "NY2": Site("NY2", "Equinix", "America/New_York", metro="New York"),
        "NY6": Site("NY6", "Equinix", "America/New_York", metro="New York"),
    },
    routers={},
    circuits={
        one.name: one
        for one in (
            circuit("uk-ld4", "LD4", "20931177-A", "PP:0101:1100001"),
            circuit("uk-ld7", "LD7", "0912345"),
            circuit("aws-a", "EQLD5", connection="dxcon-fexamp1a"),
            circuit("aws-b", "TCSH"),
            circuit("us-ny2", "NY2"),
        )
    },
    groups={
        "uk-direct": Group("uk-direct", "Spotware", ("uk-ld4", "uk-ld7"), "uk-ld4"),
        "uk-aws": Group("uk-aws", "Spotware", ("aws-a", "aws-b"), "aws-a"),
    },
)


@dataclass(frozen=True)
class Said:
    """What a notice says of what it hits."""

    objects: tuple[ObjectImpact, ...] = ()
    sites: tuple[str, ...] = ()
    impact: Impact = Impact.OUTAGE
    title: str = ""


def said(*objects: str, sites: tuple[str, ...] = ()) -> Said:
    return Said(tuple(ObjectImpact(name) for name in objects), sites)


CASES = [
    # (what it says, circuits, how, not ours, whether a person must look)
    ("an alias", said("20931177-A"), {"uk-ld4"}, "object", False, False),
    ("small letters and spaces", said(" 20931177-a"), {"uk-ld4"}, "object", False, False),
    ("spaces inside", said("PP: 0101: 1100001"), {"uk-ld4"}, "object", False, False),
    ("without its leading zero", said("912345"), {"uk-ld7"}, "object", False, False),
    ("with one more", said("0020931177-A"), {"uk-ld4"}, "object", False, False),
    ("a connection", said("dxcon-fexamp1a"), {"aws-a"}, "object", False, False),
    ("our own name", said("UK-LD7"), {"uk-ld7"}, "object", False, False),
    ("only a part of an alias", said("20931177"), set(), "", True, False),
    ("more than an alias", said("20931177-AB"), set(), "", True, False),
    ("ours among others", said("X-1", "20931177-A", sites=("LD7",)), {"uk-ld4"}, "object", False, False),
    ("others at our site", said("X-1", sites=("LD4",)), set(), "", True, False),
    ("our site alone", said(sites=("LD4",)), {"uk-ld4"}, "site", False, False),
    ("our site in small letters", said(sites=("ld4", "AM6")), {"uk-ld4"}, "site", False, False),
    ("a site that AWS names otherwise", said(sites=("LD5",)), {"aws-a"}, "site", False, False),
    ("a foreign site", said(sites=("SG1",)), set(), "", True, False),
    ("a longer code", said(sites=("LD40",)), set(), "", True, False),
    ("site before metro", said(sites=("LD4", "London")), {"uk-ld4"}, "site", False, False),
    ("metro", said(sites=("London",)), {"uk-ld4", "uk-ld7", "aws-a", "aws-b"}, "site", False, False),
    ("campus", said(sites=("SLOUGH",)), {"uk-ld4", "uk-ld7"}, "site", False, False),
    ("letters of the metro", said(sites=("LD",)), {"uk-ld4", "uk-ld7"}, "site", False, False),
    ("our site without a circuit", said(sites=("NY6",)), set(), "", False, True),
    ("nothing", said(), set(), "", False, True),
]


@pytest.mark.parametrize(("why", "says", "circuits", "how", "not_ours", "review"), CASES, ids=[c[0] for c in CASES])
def test_narrowest_wins(why: str, says: Said, circuits: set[str], how: str, not_ours: bool, review: bool) -> None:
    found = match(says, INVENTORY, Source("box", "inbox/", provider="Equinix"))
    assert {hit.circuit for hit in found.circuits} == circuits
    assert {hit.how for hit in found.circuits} == ({how} if how else set())
    assert (found.not_ours, bool(found.reasons), found.service) == (not_ours, review, False)


def test_an_object_has_its_own_impact_else_that_of_the_whole_and_the_worst_counts() -> None:
    objects = (
        ObjectImpact("20931177-A", Impact.NO_IMPACT),
        ObjectImpact("PP:0101:1100001", Impact.DEGRADED),
        ObjectImpact("0912345"),
    )
    assert match(Said(objects, impact=Impact.REDUCED_REDUNDANCY), INVENTORY).circuits == (
        CircuitImpact("uk-ld4", Impact.DEGRADED, "object"),
        CircuitImpact("uk-ld7", Impact.REDUCED_REDUNDANCY, "object"),
    )


SOURCES = [
    (Source("s", "x", groups=("uk-direct",)), {"uk-ld4", "uk-ld7"}, False, False),
    (Source("s", "x", sites=("NY2",)), {"us-ny2"}, False, False),
    (Source("s", "x", affects="service", groups=("uk-direct",)), set(), True, False),
    (Source("s", "x"), set(), False, True),
    (None, set(), False, True),
]


@pytest.mark.parametrize(("source", "circuits", "service", "review"), SOURCES)
def test_what_names_nothing_hits_what_its_source_is_mapped_to(
    source: Source | None, circuits: set[str], service: bool, review: bool
) -> None:
    found = match(said(), INVENTORY, source)
    assert {hit.circuit for hit in found.circuits} == circuits
    assert (found.service, bool(found.reasons), found.not_ours) == (service, review, False)


def test_an_object_of_ours_counts_before_the_platform() -> None:
    found = match(said("20931177-A"), INVENTORY, Source("s", "x", affects="service"))
    assert ({hit.circuit for hit in found.circuits}, found.service) == ({"uk-ld4"}, False)


ALARMS = [
    (said(sites=("LD4", "LD7")), True),
    (said("20931177-A", "0912345"), True),
    (said("20931177-A"), False),
    (Said(sites=("LD4", "LD7"), impact=Impact.NO_IMPACT), False),
    (said(sites=("LD4", "LD5")), False),
]


@pytest.mark.parametrize(("says", "alarm"), ALARMS)
def test_two_sites_of_one_group_at_once_are_an_alarm(says: Said, alarm: bool) -> None:
    found = match(says, INVENTORY)
    assert bool(found.findings) is alarm
    assert not alarm or "LD4 and LD7 of uk-direct" in found.findings[0]


def test_nothing_is_concluded_from_a_list_that_is_not_complete() -> None:
    objects, places = (f"{OBJECTS_INCOMPLETE}: a row is cut",), (f"{PLACES_INCOMPLETE}: 'x'",)
    assert match(said("X-1", sites=("LD4",)), INVENTORY, problems=objects).circuits[0].circuit == "uk-ld4"
    assert match(said("X-1"), INVENTORY, problems=objects).reasons
    both = match(said("20931177-A", sites=("LD7",)), INVENTORY, problems=objects)
    assert {hit.circuit for hit in both.circuits} == {"uk-ld4", "uk-ld7"}
    assert match(said(sites=("SG1",)), INVENTORY, problems=places).reasons == (PLACES_INCOMPLETE,)


TITLED = Source(
    "cal",
    "x",
    affects="service",
    groups=("us-direct",),
    titles=(
        TitleRule("*team lunch*", ignore=True),
        TitleRule("*both routers*", groups=("uk-direct",)),
        TitleRule("*new york*", sites=("NY2",)),
        TitleRule("*", impact=Impact.DEGRADED),
    ),
)


@pytest.mark.parametrize(
    ("title", "circuits", "service", "not_ours"),
    [
        ("Team lunch", set(), False, True),
        ("Both routers, then team dinner", {"uk-ld4", "uk-ld7"}, False, False),
        ("Routers in New York", {"us-ny2"}, False, False),
        ("Monthly maintenance", set(), True, False),
    ],
)
def test_what_names_nothing_may_be_told_by_its_title(
    title: str, circuits: set[str], service: bool, not_ours: bool
) -> None:
    found = match(Said(title=title), INVENTORY, TITLED)
    assert ({hit.circuit for hit in found.circuits}, found.service, found.not_ours) == (circuits, service, not_ours)


def test_a_title_never_overrules_what_a_notice_names() -> None:
    found = match(Said((ObjectImpact("20931177-A"),), title="team lunch"), INVENTORY, TITLED)
    assert [hit.circuit for hit in found.circuits] == ["uk-ld4"]


@pytest.mark.parametrize(
    ("says", "patterns", "known"),
    [
        (said("20770001-A", "2077 0002"), ("2077*",), True),
        (said("20770001-A", "2088"), ("2077*",), False),
        (said("20770001-A", sites=("LD4",)), ("2077*",), True),
        (said(sites=("SG1", "SG3")), ("sg*",), True),
        (said(sites=("SG1",)), (), False),
        (said(), ("*",), False),
    ],
)
def test_what_a_person_knows_not_to_be_ours(says: Said, patterns: tuple[str, ...], known: bool) -> None:
    assert known_not_ours(says, patterns) is known
