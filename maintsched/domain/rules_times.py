"""The rules about when: freezes, the hours of a site, how long, and how long before."""

from __future__ import annotations

from collections.abc import Iterable

from maintsched.domain.case import Case
from maintsched.domain.hours import outside, sites_with_hours
from maintsched.domain.interval import Interval
from maintsched.domain.situation import Colliding, Conflict
from maintsched.domain.wording import length, moment, span


def freeze(case: Case) -> Iterable[Conflict]:
    """FREEZE: nothing is changed in it."""
    for each in case.situation.freezes:
        if inside := each.interval.intersection(case.candidate.interval):
            message = f"nothing is changed during the freeze {each.name}, {span(each.interval)}"
            frozen = (Colliding("freeze", each.name, each.name, (), each.interval),)
            yield case.conflict("FREEZE", inside, message, with_=frozen)


def hours(case: Case) -> Iterable[Conflict]:
    """HOURS: the whole window lies in the allowed hours of every site of its circuits."""
    for site in sites_with_hours(case.candidate.circuits, case.inventory):
        parts = outside(site, case.candidate.interval)
        if not parts:
            continue
        rest = f" and {len(parts) - 2} more" if len(parts) > 2 else ""
        told = f"{', '.join(map(span, parts[:2]))}{rest}"
        message = f"{site.name} may be worked on {site.hours} {site.timezone}, which leaves out {told}"
        there = tuple(sorted(case.reach.circuits.intersection(case.inventory.circuits_at(site.name))))
        closed = (Colliding("site", site.name, f"hours {site.hours} {site.timezone}", there),)
        yield case.conflict("HOURS", Interval(parts[0].start, parts[-1].end), message, with_=closed)


def longest(case: Case) -> Iterable[Conflict]:
    """LENGTH: no longer than policy allows."""
    most, wanted = case.policy.max_window, case.candidate.interval
    if wanted.duration > most:
        message = f"it lasts {length(wanted.duration)}, longer than the {length(most)} allowed"
        yield case.conflict("LENGTH", wanted, message)


def lead_time(case: Case) -> Iterable[Conflict]:
    """LEAD-TIME: asked for early enough."""
    candidate, lead = case.candidate, case.policy.lead_time
    if candidate.kind == "drill":
        return  # it runs in slots that are booked ahead; by hand, its approval is what was needed
    if candidate.interval.start - candidate.requested_at < lead:
        message = f"starts less than {length(lead)} after the request of {moment(candidate.requested_at)}"
        yield case.conflict("LEAD-TIME", candidate.interval, message)
