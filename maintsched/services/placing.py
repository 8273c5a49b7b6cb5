"""A ticket's notices put in their places: the maintenances that result, what they hit, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.maintenance import Maintenance
from maintsched.domain.matching import (
    OBJECTS_INCOMPLETE,
    PLACES_INCOMPLETE,
    Aliases,
    CircuitImpact,
    Match,
    match,
    worst,
)
from maintsched.domain.notice import Status
from maintsched.domain.ticket import Part, Told, derive
from maintsched.store.maintenances import TOLD
from maintsched.store.notices import REVIEW
from maintsched.store.tickets import NEXT, Line, Target, Ticket


@dataclass(frozen=True)
class Placing:
    """How one source's notices are placed; `source` None where it is not of the config (any more)."""

    inventory: Inventory
    source: Source | None
    aliases: Aliases

    def match(self, found: Maintenance) -> Match:
        return match(found, self.inventory, self.source, found.needs_review, self.aliases)

    def mapped(self) -> tuple[str, ...]:
        """The circuits that the source's notices can concern at all; () where it may be any."""
        source = self.source
        if source is None or not (source.groups or source.sites):
            return ()
        groups = [*source.groups, *(name for rule in source.titles for name in rule.groups)]
        sites = [*source.sites, *(name for rule in source.titles for name in rule.sites)]
        names = [name for group in groups for name in self.inventory.groups[group].circuits]
        names += [name for site in sites for name in self.inventory.circuits_at(site)]
        return tuple(dict.fromkeys(names))

    def place(self, ticket: Ticket, new: Sequence[Line] = (), told: Iterable[str] = ()) -> None:
        """Work out the ticket's maintenances anew. `told`: circuits that a person just named for them."""
        lines = [line for line in ticket.lines if line.counts and line.notice is not None]
        fresh = {id(line) for line in new}
        given = [Told(line.notice, f"{line.source} {line.sha256}", line.fixed) for line in lines if line.notice]
        parts = derive(given)
        if parts and parts[0].maintenance.ref != ticket.ref:
            _rename(ticket, parts[0].maintenance.ref)
        kept = list(ticket.targets)
        for part in parts:
            own = [lines[place] for place in part.told]
            target = _row_of(part, kept, own)
            self._settle(ticket, part, target, own, [line for line in own if id(line) in fresh], tuple(told))
        for target in kept:
            _retire(target)

    def _settle(
        self,
        ticket: Ticket,
        part: Part,
        target: Target | None,
        own: Sequence[Line],
        fresh: Sequence[Line],
        told: tuple[str, ...],
    ) -> None:
        after = part.maintenance
        found = self.match(after)
        hits = self._hits(after, found, target, fresh, told)
        if found.not_ours and not hits and (target is None or target.row is None):
            if target is not None:
                ticket.targets.remove(target)
            for line in own:
                _not_ours(line)
            return
        reasons = list(dict.fromkeys((*after.needs_review, *(() if hits else found.reasons))))
        if after.interval is None and after.status.counts:
            reasons.append("its time is not known")
        if target is None:
            target = Target(own[0].source)
            ticket.targets.append(target)
        if after.interval is not None:
            target.after, target.circuits, target.revisions, target.touched = after, hits, len(own), True
        for line in own:
            line.target = target if target.after is not None or target.row is not None else None
            if line.state == "not_ours":
                line.state, line.reason = "taken", "the inventory names it now"
        self._review(target, own, fresh, reasons if after.status.counts else [], hits)

    def _hits(
        self, after: Maintenance, found: Match, target: Target | None, fresh: Sequence[Line], told: tuple[str, ...]
    ) -> tuple[CircuitImpact, ...]:
        """What is hit: as matched, and as people said; theirs count, but never as milder than a later revision."""
        if told:
            return tuple(CircuitImpact(name, after.impact, TOLD) for name in told)
        before = target.circuits if target is not None else ()
        said = [hit for hit in before if hit.how == TOLD]
        if any(not line.fixed for line in fresh):
            said = [replace(hit, impact=max(hit.impact, after.impact, key=lambda one: one.rank)) for hit in said]
        elif fresh:
            said = [replace(hit, impact=after.impact) for hit in said]
        if said and not fresh:
            return tuple(before)  # nothing new was said, only the inventory changed
        if self.source is None and not found.circuits:
            return tuple(before)  # its source is gone, and with it what it was mapped to
        return worst((*said, *found.circuits))

    def _review(
        self,
        target: Target,
        own: Sequence[Line],
        fresh: Sequence[Line],
        reasons: Sequence[str],
        hits: Sequence[CircuitImpact],
    ) -> None:
        """Doubts wait at the newest notice, one for each maintenance; where none is left, nothing waits any more."""
        waiting = [line for line in own if line.state == REVIEW and line.settles == NEXT]
        if not reasons:
            for line in waiting:
                line.state, line.resolution = "taken", "settled by what came later"
            return
        holder = (list(fresh) or waiting or list(own))[-1]
        if holder.state == REVIEW and holder.settles != NEXT:
            return
        for line in waiting:
            if line is not holder:
                line.state, line.resolution = "taken", "the doubt is told with a later notice"
        holder.state, holder.reason, holder.settles = REVIEW, "; ".join(reasons), NEXT
        unsure = any(reason.startswith((OBJECTS_INCOMPLETE, PLACES_INCOMPLETE)) for reason in reasons)
        holder.concerns = self.mapped() if unsure or not hits else tuple(hit.circuit for hit in hits)


def _row_of(part: Part, kept: list[Target], own: Sequence[Line]) -> Target | None:
    """The maintenance that a part was until now: of its number, under its account or one that it shares."""
    number, account = part.maintenance.part, part.maintenance.key[1]
    for target in kept:
        if target.state is not None and target.state.key == part.maintenance.key:
            kept.remove(target)
            return target
    same = [target for target in kept if target.state is None or target.state.part == number]
    named = set(account.split("+")) - {""}
    for fits in (
        lambda other: other == account,
        lambda other: not named.isdisjoint(other.split("+")),
        lambda other: not other or not account,
    ):
        for target in same:
            if target.state is None or fits(target.state.key[1]):
                kept.remove(target)
                return target
    return None


def _rename(ticket: Ticket, ref: str) -> None:
    """A ticket of several ids is kept under the one by which it is called now; the other leads to it."""
    ticket.joined = (ticket.joined | {ticket.ref}) - {ref}
    ticket.ref = ref
    for line in ticket.lines:
        line.ref = ref


def _retire(target: Target) -> None:
    """A maintenance that nothing adds up to any more: its notices are another one's now, or do not count."""
    state = target.state
    if state is None or target.row is None or not state.status.counts:
        return
    target.after = replace(state, status=Status.CANCELLED, needs_review=())
    target.touched = True


def _not_ours(line: Line) -> None:
    notice = line.notice
    if notice is None or line.state not in ("taken", "not_ours") or (line.state == "not_ours" and line.reason):
        return
    named = ", ".join([item.object_id for item in notice.objects][:5]) or ", ".join(notice.sites[:5])
    line.state = "not_ours"
    line.reason = f"it names nothing of ours: {named or notice.title}"[:200]
