"""From a source's bytes to the database: cut, read what is new, decide, write; each batch holds the lock briefly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from maintsched import readers
from maintsched.domain.inventory import Source
from maintsched.domain.maintenance import difference, ref_of
from maintsched.domain.matching import Aliases
from maintsched.domain.notice import Notice
from maintsched.errors import NoticeUnreadable, Unavailable
from maintsched.readers.authentication import authenticated
from maintsched.readers.ics import read_ics
from maintsched.readers.jsontext import looks_like_json
from maintsched.readers.mail import looks_like_mail
from maintsched.readers.pieces import Piece, cut, whole
from maintsched.services.confining import Confined
from maintsched.services.project import Project
from maintsched.services.taking import Known, Message, Taking, Unit
from maintsched.sources import Fetched
from maintsched.store import sources, taken
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import reference_of
from maintsched.store.notices import REVIEW
from maintsched.store.sources import Entry
from maintsched.store.taken import Kept, Target

SHORT_S, LONG_S = 0.05, 0.12  # how long a batch should hold the write lock
FIRST, MOST = 150, 300  # notices in a batch
READING_S = 120  # what one source may take to read, in one import


@dataclass
class Imported:
    """What an import of one source did. `created` and `updated` are maintenance ids, `changes` readable lines."""

    name: str
    state: str = "ok"
    error: str = ""
    hint: str = ""
    note: str = ""
    notices: int = 0
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    not_ours: int = 0
    unknown: list[str] = field(default_factory=list)
    foreign: int = 0
    needs_review: list[tuple[str, str]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A piece that must be read. `before` is what its entry held last; `problem` why it is not whole."""

    piece: Piece
    origin: str
    before: Entry | None = None
    problem: str = ""
    later: bool = False


@dataclass(frozen=True, slots=True)
class SortedOut:
    """What a source holds: new or changed, not there any more (keys), and as it was, of `unchanged` in all."""

    fresh: list[Fresh]
    missing: list[str]
    same: list[Piece]
    unchanged: int


@dataclass
class Batches:
    """One source's import. `known` is kept from batch to batch only in a dry run, which writes nothing."""

    project: Project
    source: Source
    origin: readers.Origin
    confined: Confined
    result: Imported
    by_hand: bool = False
    grows: bool = False
    dry: Known | None = None
    after: datetime | None = None

    def as_before(self) -> SortedOut:
        """The same bytes as last time: nothing must be read, and what was missing still is."""
        with self.project.store.read() as tx:
            return SortedOut([], sources.missing(tx, self.source.name), [], sources.held(tx, self.source.name))

    def sorted_out(self, fetched: Fetched) -> SortedOut:
        """What of it must be read."""
        name = self.source.name
        adds = self.grows or self.by_hand
        # A feed may be empty for the time being; a message that somebody sent without anything in it is odd.
        pieces = [
            (p, message) for message in fetched.messages for p in cut(message.data) or (whole(message.data),) * adds
        ]
        with self.project.store.read() as tx:
            if adds:
                old = sources.entries_of(tx, name, {piece.sha256 for piece, _ in pieces})
                fresh = [Fresh(p, m.origin, None, m.problem) for p, m in pieces if p.sha256 not in old]
                same = [piece for piece, _ in pieces if piece.sha256 in old]
                return SortedOut(fresh, [], same, len(same) if self.by_hand else sources.held(tx, name))
            held = sources.entries(tx, name)
        here = {piece.key for piece, _ in pieces}
        same = [p for p, _ in pieces if p.key in held and held[p.key].mark == p.mark and not held[p.key].missing]
        as_it_was = {piece.key for piece in same}
        fresh = [Fresh(p, m.origin, held.get(p.key), m.problem) for p, m in pieces if p.key not in as_it_was]
        return SortedOut(fresh, [key for key in held if key not in here], same, len(same))

    def run(self, fresh: Iterable[Fresh]) -> None:
        """Read and take all of it."""
        size, waiting = FIRST, list[tuple[Unit, Fresh]]()
        for unit in self._units(fresh):
            waiting.append(unit)
            if len(waiting) >= size:
                size = self._resized(size, self._write(waiting))
                waiting = []
        if waiting:
            self._write(waiting)

    @staticmethod
    def _resized(size: int, seconds: float) -> int:
        if seconds > LONG_S:
            return max(10, size // 2)
        return min(MOST, size * 2) if seconds < SHORT_S else size

    def _units(self, fresh: Iterable[Fresh]) -> Iterator[tuple[Unit, Fresh]]:
        spent = 0.0
        for each in fresh:
            began = time.monotonic()
            found, error = self.read(each.piece)
            spent += time.monotonic() - began
            if spent > READING_S:
                raise Unavailable(
                    f"reading it takes more than {READING_S} s; what was read so far is kept",
                    "the next import goes on; where that does not help, look at what it holds",
                )
            if each.later:
                found = tuple(n for n in found if n.interval and self.after and n.interval.start >= self.after)
                if not found:
                    continue
            self.result.notices += max(1, len(found))
            message = self._message(each)
            if message.may_be_about_else and not message.mailed:  # what an interface tells without a time, it tells now
                now = self.project.now()
                found = tuple(replace(notice, stamp=notice.stamp or now) for notice in found)
            told = [(notice, "") for notice in found]
            if not found or each.problem:
                told.append((None, each.problem or error))  # type: ignore[arg-type]  # the message without a notice
            for position, (notice, why) in enumerate(told):
                yield Unit(message, position, notice, why, found, position == len(told) - 1), each

    def read(self, piece: Piece) -> tuple[tuple[Notice, ...], str]:
        """Its notices, or why it could not be read. What has to be taken apart or expanded is read in a child."""
        try:
            if piece.plain:
                return read_ics(piece.data, self.origin), ""
            return self.confined.read(piece.data, self.origin), ""
        except NoticeUnreadable as error:
            return (), error.message
        except Unavailable:  # no reading process could be had: nothing is wrong with the message
            raise
        except Exception as error:  # noqa: BLE001  # one file that trips a reader must not keep the others out
            return (), f"it could not be read, by a bug: {type(error).__name__}: {error}"[:300]

    def _message(self, fresh: Fresh) -> Message:
        data = fresh.piece.data
        mailed = looks_like_mail(data)  # the organizer of a calendar file is no sender
        vouched, refused = self.by_hand or not mailed or self.source.trust == "senders", ""
        if not vouched and self.source.authserv is not None:
            vouched, why = authenticated(data, self.source.authserv)
            refused = "" if vouched else f"its sender is not authenticated: {why}"
        return Message(
            sha256=fresh.piece.sha256,
            data=data,
            origin=fresh.origin,
            key=fresh.piece.key,
            mark=fresh.piece.mark,
            mailed=mailed,
            vouched=vouched,
            refused=refused,
            replaced=not (self.grows or self.by_hand),
            later=fresh.later,
            may_be_about_else=mailed or looks_like_json(data),
        )

    def _write(self, batch: Sequence[tuple[Unit, Fresh]]) -> float:
        """Decide and write a batch; returns for how many seconds it held the lock."""
        if self.dry is not None:
            with self.project.store.read() as tx:
                self._taken(tx, batch, self.dry)
            return 0.0
        with self.project.store.write(self.project.actor) as tx:
            began = time.monotonic()
            taking = self._taken(tx, self._still_fresh(tx, batch), Known())
            taken.save(tx, taking.kept, taking.known.targets)
            sources.put_entries(tx, self.source.name, _entries(batch))
            self._report(taking)
            tx.audit("calendar.import", self.source.name, _summary(taking))
        return time.monotonic() - began

    def _still_fresh(self, tx: Transaction, batch: Sequence[tuple[Unit, Fresh]]) -> Sequence[tuple[Unit, Fresh]]:
        """Another import may have been faster."""
        held = sources.entries_of(tx, self.source.name, {_key(unit) for unit, _ in batch})

        def taken_since(unit: Unit, each: Fresh) -> bool:
            now = held.get(_key(unit))
            return now is not None and now != each.before and now.mark == _mark(unit) and not now.missing

        return [(unit, each) for unit, each in batch if each.later or not taken_since(unit, each)]

    def _taken(self, tx: Transaction, batch: Sequence[tuple[Unit, Fresh]], known: Known) -> Taking:
        patterns = (*self.source.not_ours, *sources.not_ours(tx, self.source.name))
        inventory = self.project.inventory
        taking = Taking(tx, inventory, self.source, Aliases(inventory), patterns, known)
        taking.take([unit for unit, _ in batch])
        for unit, each in batch:
            if unit.last and each.before is not None and each.piece.uid and not each.later and unit.notice:
                provider = unit.notice.provider
                taking.cancel_gone(unit.message, ref_of(provider, f"{self.source.name}:{each.piece.uid}@"), unit.of)
        if self.dry is not None:
            self._report(taking)
        return taking

    def _report(self, taking: Taking) -> None:
        """Add what this batch did to the result."""
        result = self.result
        for each in taking.kept:
            if each.state == REVIEW:
                result.needs_review.append((f"N-{each.id}" if each.id else each.title, each.reason))
            elif each.state == "not_ours":
                result.not_ours += 1
                result.unknown += _unknown(each)
            elif each.state == "foreign":
                result.foreign += 1
        targets = dict.fromkeys(id(each.target) for each in taking.kept if each.target)
        by_id = {id(target): target for target in taking.known.targets}
        for number in targets:
            if number in by_id:
                self._report_target(by_id[number], taking)

    def _report_target(self, target: Target, taking: Taking) -> None:
        if target.after is None or (target.id is None and self.dry is None):
            return
        before = target.row.maintenance if target.row is not None else None
        lines = difference(before, target.after)
        name = f"M-{target.id}" if target.id is not None else "new"
        if target.row is None:
            self.result.created.append(name)
        elif lines and name not in self.result.updated:
            self.result.updated.append(name)
        found = taking.match(target.after)
        hit = ", ".join(f"{c.circuit} {c.impact}" for c in target.circuits)
        hit = hit or ("the platform" if found.service else "none")
        reference = reference_of(target.after.key, target.source)
        self.result.changes += [f"{name} {reference} [{hit}]: {line}" for line in lines]
        self.result.changes += [f"{name} ALARM: {finding}" for finding in found.findings if lines]


def _unknown(kept: Kept) -> list[str]:
    """Ids that nobody has called not ours so far: one of them may be an alias that the inventory lacks."""
    if kept.notice is None or kept.reason.startswith("known"):
        return []
    return [item.object_id for item in kept.notice.objects] or list(kept.notice.sites)


def _key(unit: Unit) -> str:
    """What a piece is known by: its UID in what is replaced as a whole, elsewhere its very bytes."""
    return unit.message.key if unit.message.replaced else unit.message.sha256


def _mark(unit: Unit) -> str:
    return unit.message.mark if unit.message.replaced else sources.ONCE


def _entries(batch: Sequence[tuple[Unit, Fresh]]) -> list[Entry]:
    """A message is known once its last notice is written; where it ends before that, all of it is read again."""
    return [Entry(_key(unit), _mark(unit), unit.message.sha256) for unit, each in batch if unit.last and not each.later]


def _summary(taking: Taking) -> dict[str, object]:
    counts: dict[str, int] = {}
    for each in taking.kept:
        counts[each.state] = counts.get(each.state, 0) + 1
    return {
        "notices": len(taking.kept),
        "states": counts,
        "maintenances": [f"M-{target.id}" for target in taking.known.targets if target.touched],
        "needs_review": [f"N-{each.id}" for each in taking.kept if each.state == REVIEW],
    }
