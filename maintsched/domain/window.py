"""A window: a slot that we book, from the request to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from maintsched.domain.conflict import Candidate, Occupation
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact


class WindowState(StrEnum):
    """The life of a window. `needs_review`: a fact landed on it; it cannot start, and still holds its slot."""

    REQUESTED = "requested"
    APPROVED = "approved"
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
            WindowState.IN_PROGRESS,
            WindowState.NEEDS_REVIEW,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A booked slot. `kind` window or drill; `shares`: ids of the windows that it may run beside."""

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

    def candidate(self, requested_at: datetime) -> Candidate:
        """This window, to be judged again; it does not collide with itself."""
        return Candidate(
            self.circuits, self.interval, self.impact, requested_at, id=self.id, shares=self.shares, kind=self.kind
        )

    def occupations(self) -> tuple[Occupation, ...]:
        """What it takes from others: one occupation per circuit, none in a state that does not count."""
        if not self.state.counts:
            return ()
        return tuple(
            Occupation(
                self.kind,
                self.id,
                self.title,
                circuit,
                self.interval,
                self.impact,
                how="booking",
                fact=False,
                reference=self.change_id or "",
                shares=self.shares,
            )
            for circuit in self.circuits
        )
