"""What a notice does to what is known: whether it says the same, and whether it takes work away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from maintsched.domain.maintenance import Maintenance
from maintsched.domain.notice import Notice, Status
from maintsched.domain.ticket import Part, Told, derive
from maintsched.store.tickets import Line


def told_together(notices: Sequence[Notice]) -> list[Told]:
    return [Told(notice, "one") for notice in notices]


def parts_of(lines: Sequence[Line]) -> tuple[Part, ...]:
    told = [Told(line.notice, f"{line.source} {line.sha256}", line.fixed) for line in lines if line.notice is not None]
    return derive(told)


def same(one: Notice | None, other: Notice | None) -> bool:
    """Whether they say the same, whenever they say it."""
    if one is None or other is None:
        return one is other
    return replace(one, stamp=None, sender="", uid="", part=1) == replace(other, stamp=None, sender="", uid="", part=1)


def frees(before: Sequence[Part], after: Sequence[Part], said: Sequence[Notice]) -> bool:
    """Whether work is taken away, moved, shortened, made milder or less certain; or ends before it was ever known."""
    if not before:
        return any(notice.status is not None and not notice.status.counts for notice in said)
    later = [part.maintenance for part in after]
    for part in before:
        now = part.maintenance
        if now.interval is None or not now.status.counts:
            continue
        if not any(_stands(now, one) for one in later):
            return True
    return False


def _stands(now: Maintenance, later: Maintenance) -> bool:
    if not later.status.counts or later.interval is None or now.interval is None:
        return False
    certain = later.status is not Status.TENTATIVE or now.status is Status.TENTATIVE
    named = {item.object_id for item in now.objects} <= {item.object_id for item in later.objects}
    places = set(now.sites) <= set(later.sites) or bool(later.objects)
    milder = later.impact.rank < now.impact.rank
    own = {item.object_id: item.impact or now.impact for item in now.objects}
    new = {item.object_id: item.impact or later.impact for item in later.objects}
    milder = milder or any(new[name].rank < impact.rank for name, impact in own.items() if name in new)
    return later.interval.contains(now.interval) and certain and named and places and not milder
