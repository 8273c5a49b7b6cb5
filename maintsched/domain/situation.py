"""What is asked for, what is known, and what collides: what the evaluator is given, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory
from maintsched.domain.notice import Impact

BLOCK = "block"
WARN = "warn"


@dataclass(frozen=True, slots=True)
class Occupation:
    """One circuit being worked on. `kind` maintenance, window or drill; `how` is object, site, source or booking.

    A `fact` (a provider's maintenance) is there whether we like it or not; a booking is ours. `reference` is what the
    provider calls it (`Equinix CHG0123456`). `tentative`: announced, not confirmed. `shares`: the windows beside which
    it was booked.
    """

    kind: str
    id: str
    title: str
    circuit: str
    interval: Interval
    impact: Impact
    how: str
    fact: bool
    reference: str = ""
    tentative: bool = False
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing is changed, by its name in the freeze calendar."""

    interval: Interval
    name: str


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A notice that needs a person. No `circuits`: it may concern any; `interval` None: any time."""

    id: str
    reason: str
    circuits: tuple[str, ...] = ()
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class StaleSource:
    """A calendar source that is not known to be up to date.

    Neither `circuits` nor `groups`, or a group that the inventory does not know: it may concern any.
    """

    name: str
    reason: str
    circuits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is asked for. `id`: of the window that is judged again, so that it does not collide with itself.

    `shares`: windows that it may run beside. `accepts`: rules whose block somebody entitled took upon himself; they
    are still told, as warnings.
    """

    circuits: tuple[str, ...]
    interval: Interval
    impact: Impact
    requested_at: datetime
    id: str | None = None
    shares: tuple[str, ...] = ()
    kind: str = "window"
    accepts: tuple[str, ...] = ()
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything known. Occupations farther than one guard from the candidate change nothing and may be left out.

    `known_until`: calendars are known up to here, `ends_first` is the one that ends then; None where there is no limit.
    """

    inventory: Inventory
    occupations: tuple[Occupation, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    reviews: tuple[OpenReview, ...] = ()
    stale: tuple[StaleSource, ...] = ()
    known_until: datetime | None = None
    ends_first: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Colliding:
    """One thing that a candidate collides with. `interval` is its own, None where it has no time."""

    kind: str
    id: str
    title: str
    circuits: tuple[str, ...] = ()
    interval: Interval | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A rule that the candidate breaks during `interval`; `available` of `required` members are left.

    `severity` is block or warn, `group` None where the rule is not about one.
    """

    rule: str
    severity: str
    group: str | None
    interval: Interval
    message: str
    available: int | None = None
    required: int | None = None
    with_: tuple[Colliding, ...] = ()

    @property
    def blocks(self) -> bool:
        return self.severity == BLOCK
