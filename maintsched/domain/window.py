"""A window: a slot that we book, from the request to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from maintsched.domain.conflict import Candidate, Occupation
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact


class WindowState(StrEnum):
    """The life of a window: requested, approved, acknowledged by the partner, in progress, completed.

    `needs_review`: a fact landed on it; it cannot start, and still holds its slot.
    """

    REQUESTED = "requested"
    APPROVED = "approved"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NEEDS_REVIEW = "needs_review"

    @property
    def counts(self) -> bool:
        """Whether a window in this state holds its slot against others; from the request on."""
        return self in (
            WindowState.REQUESTED,
            WindowState.APPROVED,
            WindowState.ACKNOWLEDGED,
            WindowState.IN_PROGRESS,
            WindowState.NEEDS_REVIEW,
        )

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody's yes. `signed`: proven by an SSH signature; else `login` is all that vouches for the name."""

    by: str
    login: str
    at: datetime
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """A booked slot. `kind` window or drill; `shares`: ids of the windows that it may run beside.

    `emergency`, `override` and `accept_outage` say what was asked for besides, and `reason` why; `partner_ref` is the
    partner's own reference, once it has acknowledged.
    """

    id: str
    state: WindowState
    circuits: tuple[str, ...]
    interval: Interval
    impact: Impact
    title: str
    requester: str
    change_id: str | None = None
    rollback: str | None = None
    kind: str = "window"
    shares: tuple[str, ...] = ()
    emergency: bool = False
    override: bool = False
    accept_outage: bool = False
    reason: str = ""
    partner_ref: str | None = None
    approvals: tuple[Approved, ...] = ()

    def candidate(self, requested_at: datetime) -> Candidate:
        """This window, to be judged again; it does not collide with itself."""
        return Candidate(
            self.circuits,
            self.interval,
            self.impact,
            requested_at,
            id=self.id,
            shares=self.shares,
            kind=self.kind,
            accepts=accepted(override=self.override, accept_outage=self.accept_outage),
            emergency=self.emergency,
        )

    def overrun_since(self, now: datetime) -> datetime | None:
        """Its planned end, where the work goes on beyond it."""
        late = self.state is WindowState.IN_PROGRESS and self.interval.end <= now
        return self.interval.end if late else None

    def held(self, now: datetime | None = None, guard: timedelta = timedelta()) -> Interval:
        """The time that it takes: work that overruns goes on for one `guard` from `now`, a minute at least."""
        if now is None or self.overrun_since(now) is None:
            return self.interval
        return Interval(self.interval.start, now + max(guard, timedelta(minutes=1)))

    def occupations(self, now: datetime | None = None, guard: timedelta = timedelta()) -> tuple[Occupation, ...]:
        """What it takes from others: one occupation per circuit, none in a state that does not count."""
        if not self.state.counts:
            return ()
        return tuple(
            Occupation(
                self.kind,
                self.id,
                self.title,
                circuit,
                self.held(now, guard),
                self.impact,
                how="booking",
                fact=False,
                reference=self.change_id or "",
                shares=self.shares,
            )
            for circuit in self.circuits
        )


def accepted(*, override: bool, accept_outage: bool) -> tuple[str, ...]:
    """The rules whose block the request takes upon itself; a second person must agree before the start."""
    return ("REDUNDANCY", "CAPACITY") if override or accept_outage else ()
