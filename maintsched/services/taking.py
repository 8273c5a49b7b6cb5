"""What a batch of notices changes, worked out before anything is written: placed, in review, or not ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.maintenance import Maintenance, belongs_to, key_of, merge, ref_of
from maintsched.domain.matching import Aliases, Match, known_not_ours, match, worst
from maintsched.domain.notice import Notice, Status
from maintsched.readers.contentlines import clean
from maintsched.store import taken
from maintsched.store.engine import Transaction
from maintsched.store.notices import REVIEW
from maintsched.store.taken import Kept, Target

# The earlier revisions go on counting; the notice alone waits.
UNCONFIRMED = (
    "a mail that nobody authenticated cancels or shortens work: ask the provider, then"
    " `calendar resolve` it with --circuit to believe it, with --ignore not to"
)
OUTDATED = (
    "the source says otherwise than what is known, with an older revision; what is known is kept:"
    " where the source is right, SEQUENCE or DTSTAMP of that entry must be raised"
)
LOOSE = "it is over, but nothing is known by its id; {} may be what is meant"
FEWER = "the newest notice of {} has {}; this one, of an earlier notice, is not among them: is it off?"
WHICH = "{} has {} windows, and this is the time of none of them: which one is meant?"
GONE = "its calendar has taken this occurrence out of the series"


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of what was received: its bytes, where they lay, and how much they are believed.

    `vouched`: what it says may free a slot; `mailed`: it came as a mail; `refused`: why its sender is not believed.
    `replaced`: it is of a source that always holds everything; `later`: it was taken before, but not so far in time.
    `may_be_about_else`: of a format in which other things come, too.
    """

    sha256: str
    data: bytes
    origin: str
    key: str
    mark: str
    mailed: bool = False
    vouched: bool = True
    refused: str = ""
    replaced: bool = False
    later: bool = False
    may_be_about_else: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """One notice of a message, or the message without one; `of`: all notices of its message; `last` of them."""

    message: Message
    position: int
    notice: Notice | None
    error: str
    of: tuple[Notice, ...]
    last: bool


@dataclass
class Known:
    """Every maintenance that the batch may be about, read once and changed here until it is written."""

    tickets: dict[str, list[Target]] = field(default_factory=dict)
    aliases: dict[str, list[Target]] = field(default_factory=dict)

    def read(self, tx: Transaction, notices: Sequence[Notice]) -> None:
        """Read those of these notices that are not here yet."""
        own = {ref_of(notice.provider, notice.maintenance_id) for notice in notices}
        other = {ref_of(notice.provider, name) for notice in notices for name in notice.other_ids}
        new = (own | other) - set(self.tickets)
        self.tickets.update({ref: [] for ref in new})
        for ref, targets in taken.targets_of(tx, new).items():
            self.tickets[ref] = targets
        unasked = own - set(self.aliases)
        self.aliases.update({ref: [] for ref in unasked})
        for ref, targets in taken.targets_known_as(tx, unasked).items():
            self.aliases[ref] += [self.adopt(target) for target in targets]

    def also_called(self, notice: Notice) -> list[Target]:
        """Maintenances that go by one of this notice's other ids, or have its id as another one of theirs."""
        found = list(self.aliases.get(ref_of(notice.provider, notice.maintenance_id), []))
        for name in notice.other_ids:
            found += self.tickets.get(ref_of(notice.provider, name), [])
        return list({id(target): target for target in found}.values())

    def note_other_ids(self, target: Target, notice: Notice) -> None:
        """From now on it is known by those, too."""
        for name in notice.other_ids:
            there = self.aliases.setdefault(ref_of(notice.provider, name), [])
            if target not in there:
                there.append(target)

    def of(self, notice: Notice) -> list[Target]:
        return self.tickets.setdefault(ref_of(notice.provider, notice.maintenance_id), [])

    def adopt(self, target: Target) -> Target:
        """The same maintenance as it is here already; else it is from now on."""
        there = self.tickets.setdefault(ref_of(target.key[0], target.ticket), [])
        for each in there:
            if each.id is not None and each.id == target.id:
                return each
        there.append(target)
        return target

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(target for targets in self.tickets.values() for target in targets)


def _may_be(notice: Notice, target: Target) -> bool:
    """Whether the accounts do not speak against it."""
    return target.key in belongs_to(replace(notice, maintenance_id=target.ticket, part=target.part), [target.key])


def _renamed(notice: Notice, target: Target) -> Notice:
    """The notice under the id by which its maintenance is known; its own is one of the others from now on."""
    if ref_of(notice.provider, notice.maintenance_id) == ref_of(target.key[0], target.ticket):
        return notice
    others = dict.fromkeys((*notice.other_ids, notice.maintenance_id))
    return replace(
        notice, maintenance_id=target.ticket, other_ids=tuple(each for each in others if each != target.ticket)
    )


@dataclass
class Taking:
    """Works through one source's notices in order. `kept` is what is to be written."""

    tx: Transaction
    inventory: Inventory
    source: Source
    aliases: Aliases
    not_ours: tuple[str, ...]
    known: Known
    kept: list[Kept] = field(default_factory=list)

    def take(self, units: Sequence[Unit]) -> None:
        """Decide about all of them."""
        self.known.read(self.tx, [unit.notice for unit in units if unit.notice])
        for unit in units:
            unit = self._placed(unit)
            if unit.notice is None:
                if unit.error or not unit.message.may_be_about_else:
                    self._keep(unit, None, REVIEW, unit.error or "the file holds no notice", self.mapped())
                else:
                    self._keep(unit, None, "not_ours", "it was read, and is about nothing that circuits depend on")
            else:
                self._take(unit, unit.notice)
            if unit.last and not unit.message.refused:
                self._missing_parts(unit)

    def _placed(self, unit: Unit) -> Unit:
        """Of a ticket with several windows known: each notice as the part that it is about, told by its time.

        A message with as many windows tells all of them anew; of one with fewer only those that are as known can be
        told, and the others are left to a person.
        """
        if not unit.of or unit.message.later or unit.message.refused:
            return unit
        placed = tuple(self._part_of(notice, unit.of) for notice in unit.of)
        if placed == unit.of:
            return unit
        found = placed[unit.of.index(unit.notice)] if unit.notice is not None else None
        return replace(unit, notice=found, of=placed)

    def _part_of(self, notice: Notice, of: Sequence[Notice]) -> Notice:
        ref = ref_of(notice.provider, notice.maintenance_id)
        known = {target.part: target.state for target in self.known.tickets.get(ref, []) if _may_be(notice, target)}
        there = {part: state.interval for part, state in known.items() if state is not None}
        if len(there) < 2 or notice.interval is None:
            return notice
        mine = [one for one in of if ref_of(one.provider, one.maintenance_id) == ref and one.interval is not None]
        same = {one.interval: part for part, interval in there.items() for one in mine if one.interval == interval}
        if notice.interval in same:
            return replace(notice, part=same[notice.interval])
        if len(mine) < len(there):
            return replace(notice, problems=(*notice.problems, WHICH.format(notice.maintenance_id, len(there))))
        free = [part for part in sorted({*there, *range(1, len(mine) + 1)}) if part not in same.values()]
        moved = [one for one in mine if one.interval not in same]
        return replace(notice, part=free[moved.index(notice)])

    def cancel_gone(self, message: Message, prefix: str, of: Sequence[Notice]) -> None:
        """Occurrences that a changed entry no longer has: whoever keeps the calendar took them out."""
        here = {key_of(notice)[2] for notice in of}
        for found in taken.targets_below(self.tx, prefix):
            target = self.known.adopt(found)
            state = merge(target.revisions) if target.revisions else None
            if state is None or not state.status.counts or target.key[2] in here:
                continue
            newest = max((notice.sequence for notice in of if notice.sequence is not None), default=state.sequence)
            stamp = max((notice.stamp for notice in of if notice.stamp is not None), default=self.tx.now)
            gone = replace(target.revisions[-1], status=Status.CANCELLED, sequence=newest, stamp=stamp, problems=())
            unit = Unit(message, 0, gone, "", (gone,), False)
            self._settle(unit, gone, target, merge((*target.revisions, gone)), GONE)

    def mapped(self) -> tuple[str, ...]:
        """The circuits that a source's notices can concern at all; () where it may be any."""
        groups = [*self.source.groups, *(name for rule in self.source.titles for name in rule.groups)]
        sites = [*self.source.sites, *(name for rule in self.source.titles for name in rule.sites)]
        if not self.source.groups and not self.source.sites:
            return ()
        names = [name for group in groups for name in self.inventory.groups[group].circuits]
        names += [name for site in sites for name in self.inventory.circuits_at(site)]
        return tuple(dict.fromkeys(names))

    def match(self, found: Maintenance) -> Match:
        return match(found, self.inventory, self.source, found.needs_review, self.aliases)

    def _keep(
        self,
        unit: Unit,
        notice: Notice | None,
        state: str,
        reason: str,
        concerns: Iterable[str] = (),
        target: Target | None = None,
    ) -> Kept:
        message = unit.message
        kept = Kept(
            sha256=message.sha256,
            data=message.data,
            position=unit.position,
            source=self.source.name,
            origin=message.origin,
            state=state,
            reason=reason,
            title=notice.title if notice else clean(message.origin.rpartition("/")[2]),
            notice=notice,
            concerns=tuple(concerns),
            target=target,
        )
        self.kept.append(kept)
        return kept

    def _take(self, unit: Unit, notice: Notice) -> None:
        message = unit.message
        senders = {sender.lower() for sender in self.source.senders}
        if message.mailed and senders and notice.sender.lower() not in senders:
            self._keep(unit, notice, "foreign", f"sent by {notice.sender}")
            return
        known = [target for target in self._targets(notice) if target.circuits]
        if not known and known_not_ours(notice, self.not_ours):
            self._keep(unit, notice, "not_ours", "known not to be ours")
            return
        if message.refused:
            alone = self.match(merge((notice,)))
            ours = bool(known) or not alone.not_ours
            concerns = [hit.circuit for hit in alone.circuits] or self.mapped()
            self._keep(unit, notice, REVIEW if ours else "not_ours", message.refused, concerns)
            return
        for target in self._targets(notice) or [self._new(notice)]:
            notice = _renamed(notice, target)
            before = merge(target.revisions) if target.revisions else None
            after = merge((*target.revisions, notice))
            if not message.vouched and before is not None and self._frees(before, after):
                concerns = [hit.circuit for hit in self.match(before).circuits]
                self._keep(unit, notice, REVIEW, UNCONFIRMED, concerns)
                continue
            outdated = message.replaced and self._outdated(unit, notice, target, after)
            self._settle(unit, notice, target, after, doubt=OUTDATED if outdated else "")

    def _targets(self, notice: Notice) -> list[Target]:
        """The maintenances known that this is a revision of; by its UID where it has no id of its own."""
        there = self.known.of(notice)
        wanted = set(belongs_to(notice, [target.key for target in there]))
        found = [target for target in there if target.key in wanted]
        if found:
            return found
        same = self.known.also_called(notice)
        if not same and notice.maintenance_id == f"{self.source.name}:{notice.uid}":
            same = [self.known.adopt(each) for each in taken.targets_called(self.tx, notice.provider, notice.uid)]
        same = [target for target in same if notice.part == 1 and _may_be(notice, target)]
        return same if len(same) == 1 else []

    def _new(self, notice: Notice) -> Target:
        target = Target(key_of(notice), self.source.name, notice.maintenance_id, notice.part)
        self.known.of(notice).append(target)
        return target

    def _frees(self, before: Maintenance, after: Maintenance) -> bool:
        """Whether a revision takes work off a circuit of ours, shortens it, or makes it milder or less certain."""
        if before.interval is None or not before.status.counts:
            return False
        if not after.status.counts or after.interval is None or not after.interval.contains(before.interval):
            return True
        if after.status is Status.TENTATIVE and before.status is not Status.TENTATIVE:
            return True
        stands = {hit.circuit: hit.impact.rank for hit in self.match(after).circuits}
        return any(stands.get(hit.circuit, -1) < hit.impact.rank for hit in self.match(before).circuits)

    @staticmethod
    def _outdated(unit: Unit, notice: Notice, target: Target, after: Maintenance) -> bool:
        """What a source holds is what it says now; where that is not what counts, its revision is an older one."""
        if not target.revisions or unit.message.later:
            return False

        def agrees(one: Notice) -> bool:
            says = one.interval or after.interval, one.status or after.status
            return says == (after.interval, after.status)

        return not any(agrees(one) for one in unit.of if key_of(one)[2] == key_of(notice)[2])

    def _settle(
        self, unit: Unit, notice: Notice, target: Target, after: Maintenance, note: str = "", doubt: str = ""
    ) -> None:
        """Place one notice: not ours, in review, or taken; `after` is the maintenance that results.

        `doubt` sends it to review, `note` is why it is there at all.
        """
        is_new = not target.revisions
        found = self.match(after)
        if found.not_ours and is_new:
            self.known.of(notice).remove(target)
            named = ", ".join([item.object_id for item in notice.objects][:5]) or ", ".join(notice.sites[:5])
            self._keep(unit, notice, "not_ours", f"it names nothing of ours: {named or notice.title}"[:200])
            return
        told = target.row.told if target.row is not None else ()
        reasons = list(dict.fromkeys((*after.needs_review, *found.reasons)))
        if after.interval is None and after.status.counts:
            reasons.append("its time is not known")
        if is_new and not after.status.counts and (loose := self._loose(notice, after)):
            reasons.append(loose)
        waits = bool(reasons) and (after.status.counts or is_new)
        reasons += [doubt] if doubt else []
        state = REVIEW if waits or doubt else "taken"
        if after.interval is not None:
            target.after = replace(after, key=(after.key[0], after.key[1], target.key[2]))
            target.circuits = worst((*told, *found.circuits))
            target.touched = True
        target.revisions.append(notice)
        self.known.note_other_ids(target, notice)
        concerned = [hit.circuit for hit in worst((*told, *found.circuits))] or self.mapped()
        kept = self._keep(unit, notice, state, "; ".join(reasons) or note, concerned, target)
        if state == REVIEW:
            target.waits = True
        elif target.after is not None:
            self._settle_earlier(target, kept)

    def _settle_earlier(self, target: Target, kept: Kept) -> None:
        """A sound later revision leaves no doubt about the earlier ones."""
        kept.settles = True
        for earlier in self.kept:
            if earlier.target is target and earlier.state == REVIEW:
                earlier.state, earlier.resolution = "taken", "settled by the next revision"

    def _loose(self, notice: Notice, after: Maintenance) -> str:
        """What an end of something unknown may be the end of: work of that provider, there and then."""
        hit = {circuit.circuit for circuit in self.match(after).circuits}
        kept = [self.known.adopt(each) for each in taken.targets_like(self.tx, notice.provider, notice.interval)]
        for target in {id(each): each for each in (*kept, *self.known.targets)}.values():
            state = target.state
            if state is None or state is after or not state.status.counts or target.key[2] == after.key[2]:
                continue
            same = state.key[0].casefold() == notice.provider.casefold()
            there = notice.interval is None or state.interval is None or notice.interval.overlaps(state.interval)
            if same and there and not hit.isdisjoint(each.circuit for each in target.circuits):
                return LOOSE.format(target.key[2])
        return ""

    def _missing_parts(self, unit: Unit) -> None:
        """Windows that an earlier notice of a ticket had and its newest has not: nobody cancelled them."""
        if unit.message.later or not unit.of:
            return
        for ref in {ref_of(notice.provider, notice.maintenance_id) for notice in unit.of}:
            mine = [notice for notice in unit.of if ref_of(notice.provider, notice.maintenance_id) == ref]
            names = {key_of(notice)[2].casefold() for notice in mine}
            whole = [notice for notice in mine if notice.interval is None]
            for target in self.known.tickets.get(ref, []):
                state = target.state
                if whole or state is None or not state.status.counts or target.key[2].casefold() in names:
                    continue
                if target.key[1] not in {notice.account for notice in mine} or target.revisions[-1] in mine:
                    continue
                count = f"{len(mine)} window{'s' if len(mine) > 1 else ''}"
                reason = FEWER.format(mine[0].maintenance_id, count)
                concerns = [hit.circuit for hit in target.circuits]
                self._keep(unit, target.revisions[-1], REVIEW, reason, concerns, target)
                target.waits = True
