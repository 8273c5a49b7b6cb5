"""A provider's work that is said to be in process, and whose planned end is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Status
from maintsched.domain.situation import OpenReview
from maintsched.domain.wording import moment


def held(status: Status, planned: Interval, now: datetime, guard: timedelta) -> Interval | None:
    """The time that a maintenance takes; None where it takes none (any more).

    In process beyond its end it goes on for one guard; after that nobody knows, and a person must look.
    """
    if not status.counts or overran(status, planned, now, guard):
        return None
    late = status is Status.IN_PROCESS and planned.end <= now
    return Interval(planned.start, planned.end + guard) if late and guard else planned


def overran(status: Status, planned: Interval, now: datetime, guard: timedelta) -> bool:
    """Whether it is said to be in process although its end, and a guard more, is over."""
    return status is Status.IN_PROCESS and planned.end + guard <= now


def overrun_review(maintenance: str, planned: Interval, circuits: Iterable[str]) -> OpenReview:
    """What a person is asked about a `maintenance` (M-12) that overran; it blocks until there is an answer."""
    reason = (
        f"said to be in process, but its end {moment(planned.end)} is over: is it done? "
        f"`maintsched calendar update {maintenance} --status COMPLETED`"
    )
    return OpenReview(maintenance, reason, tuple(sorted(set(circuits))))
