"""What a batch of notices changes, worked out before anything is written: placed, in review, or not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.maintenance import ref_of
from maintsched.domain.matching import Aliases, known_not_ours
from maintsched.domain.notice import Notice, Status
from maintsched.domain.ticket import derive
from maintsched.readers.contentlines import clean
from maintsched.services.judging import frees, parts_of, same, told_together
from maintsched.services.placing import Placing
from maintsched.store import tickets
from maintsched.store.engine import Transaction
from maintsched.store.notices import REVIEW
from maintsched.store.tickets import PERSON, SOURCE, Line, Target, Ticket

UNCONFIRMED = (
    "a mail that nobody authenticated cancels, moves or shortens work: ask the provider, then"
    " `calendar resolve` it with --believe, or with --ignore"
)
DOUBTFUL = "it cancels, moves or shortens work, but is not sound"
OUTDATED = (
    "the source says otherwise than what is known, with an older revision; what is known is kept:"
    " where the source is right, SEQUENCE of that entry must be raised"
)
LOOSE = "it is over, but nothing is known by its id; {} may be what is meant"
GONE = "its calendar has taken this occurrence out of the series"
_OCCURRENCE = re.compile(r"\d{8}(t\d{6}z)?")


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of what was received: its bytes, where they lay, and how much they are believed.

    `vouched`: what it says may free a slot; `mailed`: it came as a mail; `refused`: why its sender is not believed.
    `foreign`: it is of somebody who is no sender of this source. `replaced`: it is of a source that always holds
    everything; `later`: it was taken before, but not so far in time. `may_be_about_else`: of a format in which other
    things come, too; `timeless`: of one whose notices may have no time of writing.
    """

    sha256: str
    data: bytes
    origin: str
    key: str
    mark: str
    mailed: bool = False
    vouched: bool = True
    refused: str = ""
    foreign: str = ""
    replaced: bool = False
    later: bool = False
    may_be_about_else: bool = False
    timeless: bool = False


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
    """Every ticket that the batch may be about, read once and changed here until it is written."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def read(self, tx: Transaction, notices: Sequence[Notice]) -> None:
        """Read the tickets of these notices that are not here yet, by every name that they have."""
        named = [(notice.provider, name) for notice in notices for name in (notice.maintenance_id, *notice.other_ids)]
        names = dict.fromkeys(ref_of(provider, name) for provider, name in named)  # in order: so are the numbers given
        new = [name for name in names if name not in self.asked]
        self.asked.update(new)
        known_as = tickets.refs_known_as(tx, new)
        self.aliases.update({name: min(refs) for name, refs in known_as.items() if min(refs) != name})
        wanted = dict.fromkeys([*new, *(ref for refs in known_as.values() for ref in sorted(refs))])
        self.tickets.update(tickets.tickets_of(tx, [ref for ref in wanted if ref not in self.tickets]))

    def read_refs(self, tx: Transaction, refs: Iterable[str]) -> list[Ticket]:
        """These tickets."""
        wanted = list(dict.fromkeys(refs))
        for ref, ticket in tickets.tickets_of(tx, [ref for ref in wanted if ref not in self.tickets]).items():
            self.tickets[ref] = ticket
        return [self.tickets[ref] for ref in wanted]

    def of(self, notice: Notice) -> Ticket:
        """The ticket of a notice; where it goes by several names that are known, they are one from now on."""
        own = ref_of(notice.provider, notice.maintenance_id)
        names = [own, *(ref_of(notice.provider, name) for name in notice.other_ids)]
        known = [self.aliases.get(name, name) for name in names]
        there = [self.tickets[ref] for ref in dict.fromkeys(known) if ref in self.tickets and self.tickets[ref].lines]
        if not there:
            return self.tickets.setdefault(self.aliases.get(own, own), Ticket(own))
        first, *others = sorted(there, key=lambda ticket: min((line.id or 1 << 60) for line in ticket.lines))
        for other in others:
            _join(first, other)
            self.aliases[other.ref] = first.ref
        for name in names:
            if name != first.ref:
                self.aliases[name] = first.ref
        return first

    def renamed(self, before: str, ticket: Ticket) -> None:
        """A ticket is called otherwise now."""
        del self.tickets[before]
        self.tickets[ticket.ref] = ticket
        self.aliases[before] = ticket.ref
        self.aliases.pop(ticket.ref, None)

    @property
    def changed(self) -> list[Ticket]:
        return list(self.tickets.values())


def _join(ticket: Ticket, other: Ticket) -> None:
    ticket.lines += other.lines
    ticket.targets += other.targets
    ticket.joined |= {other.ref, *other.joined}
    other.lines, other.targets = [], []
    for line in ticket.lines:
        line.ref = ticket.ref


@dataclass
class Taking:
    """Works through one source's notices in order; `loose` are messages of no ticket. `new` are all that were taken."""

    tx: Transaction
    inventory: Inventory
    source: Source
    aliases: Aliases
    not_ours: tuple[str, ...]
    known: Known
    loose: list[Line] = field(default_factory=list)
    new: list[Line] = field(default_factory=list)
    touched: dict[str, Ticket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.placing = Placing(self.inventory, self.source, self.aliases)

    def take(self, units: Sequence[Unit]) -> None:
        """Decide about all of them: message by message, as the windows of one are told together."""
        self.known.read(self.tx, [unit.notice for unit in units if unit.notice])
        messages: dict[str, list[Unit]] = {}
        for unit in units:
            messages.setdefault(unit.message.sha256, []).append(unit)
        for of in messages.values():
            self._take_message(of)

    def cancel_gone(self, message: Message, uid: str, of: Sequence[Notice]) -> None:
        """Occurrences that a changed entry no longer has: whoever keeps the calendar took them out."""
        if not of or any(notice.problems or notice.interval is None for notice in of):
            return  # what cannot be read well says nothing of what is not there
        if any(not notice.maintenance_id.startswith(f"{self.source.name}:") for notice in of):
            return  # it has ids of its own, and no occurrences
        prefix = f"{self.source.name}:{uid}@"
        here = {ref_of(notice.provider, notice.maintenance_id) for notice in of}
        start = ref_of(of[0].provider, prefix)
        gone = [
            ref
            for ref in tickets.refs_below(self.tx, start, self.source.name)
            if ref not in here and ref.startswith(start) and _OCCURRENCE.fullmatch(ref[len(start) :])
        ]
        sequence = max((notice.sequence for notice in of if notice.sequence is not None), default=None)
        stamp = max((notice.stamp for notice in of if notice.stamp is not None), default=self.tx.now)
        for number, ticket in enumerate(self.known.read_refs(self.tx, gone)):
            last = next((line.notice for line in ticket.lines[::-1] if line.notice and line.counts), None)
            alive = [target for target in ticket.targets if target.state and target.state.status.counts]
            if last is None or not alive:
                continue
            newest = last.sequence if sequence is None else sequence
            notice = replace(last, status=Status.CANCELLED, sequence=newest, stamp=stamp, problems=())
            line = self._line(Unit(message, 100_000 + number, notice, "", (notice,), False), "taken", GONE)
            self._add(ticket, [line])

    def mapped(self) -> tuple[str, ...]:
        """The circuits that a source's notices can concern at all; () where it may be any."""
        return self.placing.mapped()

    def _line(self, unit: Unit, state: str, reason: str = "", *, counts: bool = True, settles: str = "next") -> Line:
        message, notice = unit.message, unit.notice
        line = Line(
            sha256=message.sha256,
            position=unit.position,
            source=self.source.name,
            origin=message.origin,
            state=state,
            notice=notice,
            title=notice.title if notice else clean(message.origin.rpartition("/")[2]),
            reason=reason,
            concerns=(),
            counts=counts,
            settles=settles,
            data=message.data,
        )
        self.new.append(line)
        return line

    def _alone(self, unit: Unit, state: str, reason: str) -> None:
        """A message without a notice, or whose notice makes no difference to any ticket."""
        line = self._line(unit, state, reason, counts=False, settles=PERSON)
        line.concerns = self.mapped() if state == REVIEW else ()
        self.loose.append(line)

    def _take_message(self, units: Sequence[Unit]) -> None:
        message = units[0].message
        timed: dict[int, tuple[Ticket, list[Unit]]] = {}
        for unit in units:
            if message.foreign:
                self._alone(unit, "foreign", message.foreign)
            elif unit.notice is None and (unit.error or not message.may_be_about_else):
                self._alone(unit, REVIEW, unit.error or "the file holds no notice")
            elif unit.notice is None:
                self._alone(unit, "not_ours", "read: nothing that circuits depend on, or that lies ahead")
            else:
                ticket = self._ticket(unit.notice)
                timed.setdefault(id(ticket), (ticket, []))[1].append(unit)
        for ticket, own in timed.values():
            self._take_windows(ticket, own)

    def _ticket(self, notice: Notice) -> Ticket:
        ticket = self.known.of(notice)
        made_up = notice.maintenance_id == f"{self.source.name}:{notice.uid}"
        if ticket.lines or not made_up:
            return ticket
        same = tickets.refs_called(self.tx, notice.provider, notice.uid, self.source.name)
        if len(same) == 1 and same[0] != ticket.ref:
            self.known.aliases[ticket.ref] = same[0]
            return self.known.read_refs(self.tx, same)[0]
        return ticket

    def _take_windows(self, ticket: Ticket, units: Sequence[Unit]) -> None:
        """The windows that one message tells of one ticket."""
        message = units[0].message
        units, as_before = self._not_known_yet(ticket, units)
        if as_before:
            self._seen_again(ticket, message, as_before)
        if not units:
            return
        notices = [unit.notice for unit in units if unit.notice is not None]
        alone = [self.placing.match(part.maintenance) for part in derive(told_together(notices))]
        hits = any(found.circuits for found in alone)
        ours = hits or any(target.circuits for target in ticket.targets)
        if not ours and all(known_not_ours(notice, self.not_ours) for notice in notices):
            self._add(ticket, [self._line(unit, "not_ours", "known not to be ours", counts=False) for unit in units])
            return
        if message.refused:
            state = REVIEW if ours or not all(found.not_ours for found in alone) else "not_ours"
            lines = [self._line(unit, state, message.refused, counts=False, settles=PERSON) for unit in units]
            self._concern(lines, hits, [circuit.circuit for found in alone for circuit in found.circuits])
            self._add(ticket, lines)
            return
        lines = [self._line(unit, "taken") for unit in units]
        self._judge_freeing(ticket, message, lines)
        if all(line.counts for line in lines):
            self._judge_loose(ticket, lines)
        self._add(ticket, lines)
        if message.replaced and not message.later:
            self._judge_outdated(ticket, lines)

    def _concern(self, lines: Iterable[Line], exact: bool, circuits: Sequence[str]) -> None:
        for line in lines:
            line.concerns = tuple(dict.fromkeys(circuits)) if exact else self.mapped()

    def _seen_again(self, ticket: Ticket, message: Message, lines: Sequence[Line]) -> None:
        """What a source holds again, or still: it has not vanished, and may contradict what is known by now."""
        for target in ticket.targets:
            target.after, target.touched = target.state, target.state is not None
            target.revisions = target.revisions or (target.row.revisions if target.row is not None else 0)
        self.touched[ticket.ref] = ticket
        if message.replaced and not message.later:
            self._judge_outdated(ticket, lines)

    def _not_known_yet(self, ticket: Ticket, units: Sequence[Unit]) -> tuple[list[Unit], list[Line]]:
        """Without what was read of the very same bytes before; what reads otherwise now takes its place."""
        message = units[0].message
        before = [line for line in ticket.lines if line.sha256 == message.sha256 and line.source == self.source.name]
        fresh, as_before = [], []
        for unit in units:
            assert unit.notice is not None  # those without stand by themselves
            if message.timeless:
                unit = replace(unit, notice=self._stamped(ticket, unit.notice))
                assert unit.notice is not None  # as before
            old = [line for line in before if line.position == unit.position or same(line.notice, unit.notice)]
            if any(line.state in ("ignored", "resolved") or line.notice == unit.notice for line in old):
                as_before += old
                continue
            for line in old:
                line.counts, line.state, line.resolution = False, "superseded", "read anew"
            fresh.append(unit)
        return fresh, as_before

    def _stamped(self, ticket: Ticket, notice: Notice) -> Notice:
        """What an interface tells without a time of writing is as new as it is other than before."""
        if notice.stamp is not None:
            return notice
        own = [line.notice for line in ticket.lines if line.source == self.source.name and line.notice]
        before = [each for each in own[-1:] if same(each, notice)]
        return replace(notice, stamp=before[0].stamp if before else self.tx.now)

    def _judge_freeing(self, ticket: Ticket, message: Message, lines: Sequence[Line]) -> None:
        """What cancels, moves or shortens work is believed only of who may say so, and only where it is sound."""
        sound = all(not line.notice.problems for line in lines if line.notice)
        if message.vouched and sound:
            return
        before = parts_of([line for line in ticket.lines if line.counts])
        after = parts_of([*(line for line in ticket.lines if line.counts), *lines])
        if not frees(before, after, [line.notice for line in lines if line.notice]):
            return
        found = [hit.circuit for part in before for hit in self.placing.match(part.maintenance).circuits]
        found += [hit.circuit for part in after for hit in self.placing.match(part.maintenance).circuits]
        named = all(self.placing.match(part.maintenance).not_ours for part in (*before, *after))
        for line in lines:
            problems = "; ".join(line.notice.problems) if line.notice else ""
            line.reason = UNCONFIRMED if sound else f"{DOUBTFUL}: {problems}"
            line.counts, line.settles = False, PERSON
            line.state = "not_ours" if named and not found else REVIEW
        self._concern(lines, bool(found), found)

    def _judge_loose(self, ticket: Ticket, lines: Sequence[Line]) -> None:
        """What an end of something unknown may be the end of: work of that provider, there and then."""
        if any(line.counts for line in ticket.lines):
            return
        for line in lines:
            notice = line.notice
            if notice is None or notice.status is None or notice.status.counts:
                continue
            hit = {c.circuit for part in parts_of([line]) for c in self.placing.match(part.maintenance).circuits}
            for target in self._alive(notice):
                if not hit.isdisjoint(each.circuit for each in target.circuits):
                    line.state, line.reason, line.settles = REVIEW, LOOSE.format(target.key[2]), PERSON
                    line.concerns = tuple(sorted(hit))

    def _alive(self, notice: Notice) -> list[Target]:
        there = [Target(stored.source, stored, circuits=stored.circuits, id=stored.id)
                 for stored in tickets.alive_of(self.tx, notice.provider, notice.interval)]  # fmt: skip
        here = {target.id for ticket in self.known.changed for target in ticket.targets if target.id is not None}
        there = [target for target in there if target.id not in here]
        for ticket in self.known.changed:
            for target in ticket.targets:
                state = target.state
                if state is None or not state.status.counts or state.key[0].casefold() != notice.provider.casefold():
                    continue
                if notice.interval is None or state.interval is None or notice.interval.overlaps(state.interval):
                    there.append(target)
        return there

    def _judge_outdated(self, ticket: Ticket, lines: Sequence[Line]) -> None:
        """What a source holds is what it says now; where that is not what counts, its revision is an older one."""
        for line in lines:
            state = line.target.state if line.target is not None else None
            if line.notice is None or state is None or not line.counts:
                continue
            same = [each.notice for each in lines if each.target is line.target and each.notice]
            says = [(one.interval or state.interval, one.status or state.status) for one in same]
            if (state.interval, state.status) not in says and line.state == "taken":
                self.new.append(line)
                line.state, line.reason, line.settles = REVIEW, OUTDATED, SOURCE
                line.concerns = tuple(hit.circuit for hit in line.target.circuits) if line.target else ()
                line.concerns = line.concerns or self.mapped()
            elif (state.interval, state.status) in says:
                _settle(ticket, SOURCE, self.source.name, "the source agrees again", but=line)

    def _add(self, ticket: Ticket, lines: Sequence[Line]) -> None:
        for line in lines:
            line.ref = ticket.ref
        ticket.lines += lines
        before = ticket.ref
        self.placing.place(ticket, lines)
        if ticket.ref != before:
            self.known.renamed(before, ticket)
        self.touched[before] = ticket


def _settle(ticket: Ticket, how: str, source: str, why: str, but: Line) -> None:
    for line in ticket.lines:
        mine = line is not but and line.settles == how and line.state == REVIEW
        if mine and line.source == source and line.target is but.target:
            line.state, line.resolution = "taken", why
