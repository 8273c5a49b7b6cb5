"""The evaluator in the field's words: what is left of a group."""

from __future__ import annotations

import pytest

from maintsched.domain.conflict import (
    Candidate,
    Occupation,
    Situation,
    find_conflicts,
)
from tests.domain.situations import (
    DEGRADED,
    NONE,
    REDUCED,
    asking,
    during,
    inventory,
    judged,
    maintenance,
    window,
)

REDUNDANCY = [("REDUNDANCY", "block")]
SHARED_FATE = ("SHARED-FATE", "warn")
INSIDE = [("INSIDE-OUTAGE", "warn")]
BOTH = ("uk-ld4", "uk-ld7")
CASES: dict[str, tuple[Candidate, tuple[Occupation, ...], list[tuple[str, str]]]] = {
    "nothing else is on": (asking("01:00-03:00", "uk-ld4"), (), []),
    "the other member is taken": (asking("01:00-03:00", "uk-ld4"), maintenance("02:00-05:00", "uk-ld7"), REDUNDANCY),
    "degraded is down": (
        asking("01:00-03:00", "uk-ld4", impact=DEGRADED),
        maintenance("02:00-05:00", "uk-ld7", impact=DEGRADED),
        REDUNDANCY,
    ),
    "reduced is not clean": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("02:00-05:00", "uk-ld7", impact=REDUCED),
        REDUNDANCY,
    ),
    "work without impact takes nothing": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("02:00-05:00", "uk-ld7", impact=NONE),
        [],
    ),
    "a booking without impact is never in the way": (
        asking("01:00-03:00", "uk-ld4", impact=NONE),
        maintenance("02:00-05:00", "uk-ld7"),
        [],
    ),
    "the same circuit is taken anyway": (
        asking("01:00-03:00", "uk-ld7"),
        maintenance("02:00-05:00", "uk-ld7"),
        [],
    ),
    "back to back on one circuit": (
        asking("01:00-03:00", "uk-ld7"),
        maintenance("03:00-05:00", "uk-ld7"),
        [],
    ),
    "back to back on two members": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("03:00-05:00", "uk-ld7"),
        REDUNDANCY,
    ),
    "a minute less than the guard before it": (
        asking("01:00-02:31", "uk-ld4"),
        maintenance("03:00-05:00", "uk-ld7"),
        REDUNDANCY,
    ),
    "one guard before it, not two": (asking("01:00-02:30", "uk-ld4"), maintenance("03:00-05:00", "uk-ld7"), []),
    "a minute less than the guard after it": (
        asking("05:29-06:00", "uk-ld4"),
        maintenance("03:00-05:00", "uk-ld7"),
        REDUNDANCY,
    ),
    "one guard after it, not two": (asking("05:30-06:00", "uk-ld4"), maintenance("03:00-05:00", "uk-ld7"), []),
    "both members in one booking": (asking("01:00-03:00", *BOTH), (), REDUNDANCY),
    "a maintenance of another group": (asking("01:00-03:00", "uk-ld4"), maintenance("01:00-03:00", "ny-2"), []),
    "two of three may be worked on": (asking("01:00-03:00", "ny-6"), maintenance("01:00-03:00", "ny-2"), []),
    "three of three may not": (
        asking("01:00-03:00", "ny-6"),
        maintenance("01:00-03:00", "ny-2", "ny-4"),
        REDUNDANCY,
    ),
    "the interconnect is needed by the member at the other site": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("01:00-03:00", "ld4-ld7"),
        REDUNDANCY,
    ),
    "that member and the interconnect are one loss": (
        asking("01:00-03:00", "uk-ld7"),
        maintenance("01:00-03:00", "ld4-ld7"),
        [],
    ),
    "a booking on the interconnect takes it too, and stands at the site of the other": (
        asking("01:00-03:00", "ld4-ld7"),
        maintenance("01:00-03:00", "uk-ld4"),
        [*REDUNDANCY, SHARED_FATE],
    ),
    "inside the platform's own outage": (asking("02:30-05:30", "uk-ld4"), maintenance("02:00-06:00", *BOTH), INSIDE),
    "both members inside the platform's own outage": (
        asking("02:30-05:30", *BOTH),
        maintenance("02:00-06:00", *BOTH),
        INSIDE,
    ),
    "too near the beginning of that outage": (
        asking("02:29-05:30", "uk-ld4"),
        maintenance("02:00-06:00", *BOTH),
        REDUNDANCY,
    ),
    "too near the end of that outage": (
        asking("02:30-05:31", "uk-ld4"),
        maintenance("02:00-06:00", *BOTH),
        REDUNDANCY,
    ),
    "just after that outage": (asking("06:00-06:30", "uk-ld4"), maintenance("02:00-06:00", *BOTH), REDUNDANCY),
    "just before that outage": (asking("01:00-01:45", "uk-ld4"), maintenance("02:00-06:00", *BOTH), REDUNDANCY),
    "a guard after that outage": (asking("06:30-07:00", "uk-ld4"), maintenance("02:00-06:00", *BOTH), []),
    "reduced redundancy is no outage to hide an outage in": (
        asking("02:30-05:30", "uk-ld4"),
        maintenance("02:00-06:00", *BOTH, impact=REDUCED),
        REDUNDANCY,
    ),
    "the last member that facts have left": (
        asking("02:30-05:30", "ny-6"),
        maintenance("02:00-06:00", "ny-2", "ny-4"),
        REDUNDANCY,
    ),
    "reduced at the other site, named by site only": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("02:00-05:00", "uk-ld7", impact=REDUCED, how="site"),
        [("REDUNDANCY", "warn")],
    ),
    "the same for a drill": (
        asking("01:00-03:00", "uk-ld4", kind="drill"),
        maintenance("02:00-05:00", "uk-ld7", impact=REDUCED, how="site"),
        REDUNDANCY,
    ),
    "an outage named by site only": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("02:00-05:00", "uk-ld7", how="site"),
        REDUNDANCY,
    ),
    "tentative counts like confirmed": (
        asking("01:00-03:00", "uk-ld4"),
        maintenance("02:00-05:00", "uk-ld7", tentative=True),
        REDUNDANCY,
    ),
    "our own booking on the other member": (
        asking("01:00-03:00", "uk-ld4"),
        window("02:00-05:00", "uk-ld7").occupations(),
        REDUNDANCY,
    ),
    "a drill on the other member": (
        asking("01:00-03:00", "uk-ld4"),
        window("02:00-05:00", "uk-ld7", kind="drill").occupations(),
        REDUNDANCY,
    ),
    "our own booking on the same circuit": (
        asking("01:00-03:00", "uk-ld4"),
        window("02:00-05:00", "uk-ld4").occupations(),
        [("CLASH", "block")],
    ),
    "our own booking just before on the same circuit": (
        asking("01:00-03:00", "uk-ld4"),
        window("00:00-01:00", "uk-ld4").occupations(),
        [],
    ),
    "our own booking on the same router": (
        asking("01:00-03:00", "ny-2"),
        window("02:00-05:00", "ny-4").occupations(),
        [SHARED_FATE, ("CLASH", "block")],
    ),
    "a maintenance that runs already": (
        asking("04:59-06:00", "uk-ld4"),
        maintenance("00:00-05:00", "uk-ld7"),
        REDUNDANCY,
    ),
    "inside an outage that facts of two providers make": (
        asking("02:30-04:00", "uk-ld4"),
        (*maintenance("02:00-05:00", "uk-ld4"), *maintenance("01:00-04:30", "uk-ld7", id_="m2")),
        INSIDE,
    ),
    "a circuit without a group": (
        asking("01:00-03:00", "alone"),
        maintenance("02:00-05:00", "alone", "uk-ld4", "uk-ld7"),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_left(case: str) -> None:
    candidate, occupations, expected = CASES[case]
    assert judged(candidate, *occupations) == expected


def test_a_conflict_says_what_collides_when_and_what_is_left() -> None:
    (conflict,) = find_conflicts(
        asking("00:00-03:00", "uk-ld4"), Situation(inventory(), maintenance("01:00-05:00", "uk-ld7"))
    )
    assert (conflict.group, conflict.available, conflict.required) == ("uk-direct", 0, 1)
    assert conflict.interval == during("01:00-03:00")
    (other,) = conflict.with_
    assert (other.kind, other.id, other.circuits, other.interval) == (
        "maintenance",
        "m1",
        ("uk-ld7",),
        during("01:00-05:00"),
    )
    assert conflict.message == (
        "uk-direct would have 0 of 1 needed member left 2026-12-09 01:00Z–03:00Z: "
        "Equinix CHG0123456 (maintenance m1) takes uk-ld7 2026-12-09 01:00Z–05:00Z"
    )


def test_a_guard_that_is_too_short_is_told_from_the_end_of_the_first_work() -> None:
    (conflict,) = find_conflicts(
        asking("05:20-06:00", "uk-ld4"), Situation(inventory(), maintenance("01:00-05:00", "uk-ld7"))
    )
    assert conflict.interval == during("05:20-05:30")
    assert "a member counts as back 30 min after its work" in conflict.message


def test_everything_that_collides_is_named_once_with_all_its_circuits() -> None:
    others = (*maintenance("01:00-02:00", "ny-4", "ny-6"), *maintenance("03:00-04:00", "ny-4", "ny-6", id_="m2"))
    judged_so = find_conflicts(asking("00:00-05:00", "ny-2"), Situation(inventory(), others))
    conflicts = [each for each in judged_so if each.rule == "REDUNDANCY"]
    assert [each.interval for each in conflicts] == [during("01:00-02:00"), during("03:00-04:00")]
    assert [[(other.id, other.circuits) for other in each.with_] for each in conflicts] == [
        [("m1", ("ny-4", "ny-6"))],
        [("m2", ("ny-4", "ny-6"))],
    ]
