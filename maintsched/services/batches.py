"""From a source's bytes to the database: cut, read what is new, decide, write; each batch holds the lock briefly."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256

from maintsched import readers
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Source
from maintsched.domain.matching import Aliases
from maintsched.domain.notice import Notice
from maintsched.errors import NoticeUnreadable, Unavailable
from maintsched.readers.authentication import authenticated
from maintsched.readers.ics import read_ics
from maintsched.readers.jsontext import looks_like_json
from maintsched.readers.mail import looks_like_mail, read_mail
from maintsched.readers.pieces import Piece, cut, read_again, whole
from maintsched.services.confining import Confined
from maintsched.services.project import Project, require_in_force
from maintsched.services.reporting import Imported, report
from maintsched.services.taking import Known, Message, Taking, Unit
from maintsched.services.tuning import EXPAND_AGAIN
from maintsched.sources import Fetched
from maintsched.store import notices, sources, tickets
from maintsched.store.engine import Transaction
from maintsched.store.sources import Entry

SHORT_S, LONG_S = 0.05, 0.12  # how long a batch should hold the write lock
FIRST, MOST = 150, 300  # notices in a batch
TOGETHER = 500  # of one message: its windows are told together; only the occurrences of a series may be more
READING_S = 120  # what one source may take to read, in one import
AHEAD = timedelta(days=1)
_OCCURRENCE = re.compile(r"@\d{8}(T\d{6}Z)?$")
_NO_HORIZON = Interval(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Fresh:
    """A piece that must be read. `before` is what its entry held last; `problem` why it is not whole.

    `mailed`: it is a mail. `after`: it was read before, and only what begins from then on is new.
    """

    piece: Piece
    origin: str
    mailed: bool
    before: Entry | None = None
    problem: str = ""
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class SortedOut:
    """What a source holds: what must be read, what is not there any more (keys), and how many are as they were."""

    fresh: list[Fresh]
    missing: list[str]
    unchanged: int


@dataclass
class Batches:
    """One source's import. `dry` is kept from batch to batch in a dry run, which writes nothing."""

    project: Project
    source: Source
    origin: readers.Origin
    confined: Confined
    result: Imported
    by_hand: bool = False
    grows: bool = False
    dry: Known | None = None

    @cached_property
    def aliases(self) -> Aliases:
        return Aliases(self.project.inventory)

    @cached_property
    def settings(self) -> str:
        """A hash of all that the config says about reading this source."""
        return sha256(repr(replace(self.origin, horizon=_NO_HORIZON)).encode()).hexdigest()[:16]

    def as_before(self) -> SortedOut:
        """The same bytes as last time: nothing must be read, and what was missing still is."""
        with self.project.store.read() as tx:
            return SortedOut([], sources.missing(tx, self.source.name), sources.held(tx, self.source.name))

    def sorted_out(self, fetched: Fetched) -> SortedOut:
        """What of it must be read."""
        name, adds = self.source.name, self.grows or self.by_hand
        pieces = [
            each
            for message in fetched.messages
            for each in _pieces(message.data, message.origin, message.problem, adds)
        ]
        with self.project.store.read() as tx:
            if adds:
                old = sources.entries_of(tx, name, {each.piece.sha256 for each in pieces})
                fresh = [each for each in pieces if each.piece.sha256 not in old]
                return SortedOut(fresh, [], len(pieces) - len(fresh) if self.by_hand else sources.held(tx, name))
            held = sources.marks(tx, name)
            here = {each.piece.key for each in pieces}
            new = [each for each in pieces if held.get(each.piece.key) != each.piece.mark]
            before = sources.entries_of(tx, name, [each.piece.key for each in new])
        fresh = [replace(each, before=before.get(each.piece.key)) for each in new]
        return SortedOut(fresh, [key for key in held if key not in here], len(pieces) - len(fresh))

    def again(self) -> list[Fresh]:
        """What was taken before and must be read anew: with other settings, further in time, or of new senders."""
        with self.project.store.read() as tx:
            short = self.origin.horizon.end - EXPAND_AGAIN
            found = [self._again(tx, e) for e in sources.to_read_again(tx, self.source.name, self.settings, short)]
            for line in notices.notices(tx, state="foreign", source=self.source.name):
                if line.notice is not None and self._is_sender(line.notice.sender):
                    before = sources.entries_of(tx, self.source.name, [line.raw_sha256]).get(line.raw_sha256)
                    found.append(Fresh(whole(notices.raw(tx, line.raw_sha256)), line.origin, True, before))
        return found

    def _again(self, tx: Transaction, entry: Entry) -> Fresh:
        data = notices.raw(tx, entry.raw_sha256)
        after = entry.known_until if entry.settings in ("", self.settings) else None
        piece = read_again(entry.key, entry.mark, data)
        return Fresh(piece, self.source.location, looks_like_mail(data), entry, after=after)

    def _is_sender(self, address: str) -> bool:
        return address.lower() in {sender.lower() for sender in self.source.senders}

    def run(self, fresh: Iterable[Fresh]) -> None:
        """Read and take all of it."""
        size, waiting = FIRST, list[tuple[Unit, Fresh]]()
        for unit, each in self._units(fresh):
            waiting.append((unit, each))
            if len(waiting) >= size and (unit.last or len(waiting) >= TOGETHER):
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
            now = self.project.now()
            found = tuple(_written_by(notice, now) for notice in found)
            if each.after is not None:
                found = tuple(n for n in found if n.interval and n.interval.start >= each.after)
            else:
                self.result.notices += max(1, len(found))
            message = self._message(each, found)
            told: list[tuple[Notice | None, str]] = [(notice, "") for notice in found]
            if each.problem or not found:
                told.append((None, each.problem or error))
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

    def _message(self, fresh: Fresh, found: Sequence[Notice]) -> Message:
        data = fresh.piece.data
        vouched, refused, foreign = True, "", ""
        if fresh.mailed and not self.by_hand:
            sender = found[0].sender if found else _sender_of(data)
            if self.source.senders and not self._is_sender(sender):
                foreign = f"sent by {sender}"
            vouched = self.source.trust == "senders"
            if not vouched and self.source.authserv is not None:
                vouched, why = authenticated(data, self.source.authserv)
                refused = "" if vouched else f"its sender is not authenticated: {why}"
        structured = looks_like_json(data)
        return Message(
            sha256=fresh.piece.sha256,
            data=data,
            origin=fresh.origin,
            key=fresh.piece.key,
            mark=fresh.piece.mark,
            mailed=fresh.mailed,
            vouched=vouched,
            refused=refused,
            foreign=foreign,
            replaced=not (self.grows or self.by_hand),
            later=fresh.after is not None,
            may_be_about_else=fresh.mailed or structured or bool(fresh.piece.uid),
            timeless=structured,
        )

    def _write(self, batch: Sequence[tuple[Unit, Fresh]]) -> float:
        """Decide and write a batch; returns for how many seconds it held the lock."""
        if self.dry is not None:
            with self.project.store.read() as tx:
                report(self.result, self._taken(tx, batch, self.dry))
            return 0.0
        with self.project.store.write(self.project.actor) as tx:
            began = time.monotonic()
            require_in_force(self.project, tx)
            again = {each.piece.sha256 for _, each in batch if each.mailed}
            notices.supersede_foreign(tx, self.source.name, again)
            taking = self._taken(tx, self._still_fresh(tx, batch), Known())
            tickets.save(tx, taking.known.changed, taking.loose)
            sources.put_entries(tx, self.source.name, self._entries(batch))
            report(self.result, taking)
            tx.audit("calendar.import", self.source.name, _summary(taking))
        return time.monotonic() - began

    def _still_fresh(self, tx: Transaction, batch: Sequence[tuple[Unit, Fresh]]) -> Sequence[tuple[Unit, Fresh]]:
        """Another import may have been faster."""
        held = sources.entries_of(tx, self.source.name, {_key(unit, each) for unit, each in batch})

        def taken_since(unit: Unit, each: Fresh) -> bool:
            now = held.get(_key(unit, each))
            same = now is not None and now.mark == _mark(unit, each) and not now.missing
            return same and now != each.before and each.after is None

        return [(unit, each) for unit, each in batch if not taken_since(unit, each)]

    def _taken(self, tx: Transaction, batch: Sequence[tuple[Unit, Fresh]], known: Known) -> Taking:
        patterns = (*self.source.not_ours, *sources.not_ours(tx, self.source.name))
        inventory = self.project.inventory
        taking = Taking(tx, inventory, self.source, self.aliases, patterns, known)
        taking.take([unit for unit, each in batch if unit.notice is not None or each.after is None])
        for unit, each in batch:
            if unit.last and each.before is not None and each.piece.uid and each.after is None:
                taking.cancel_gone(unit.message, each.piece.uid, unit.of)
        return taking

    def _entries(self, batch: Sequence[tuple[Unit, Fresh]]) -> list[Entry]:
        """A message is known once its last notice is written; where it ends before that, all of it is read again."""
        until = self.origin.horizon.end
        found = {}
        for unit, each in batch:
            if unit.last:
                key = _key(unit, each)
                expanded = until if _recurs(unit, each) else None
                found[key] = Entry(key, _mark(unit, each), unit.message.sha256, self.settings, expanded)
        return list(found.values())


def _pieces(data: bytes, origin: str, problem: str, adds: bool) -> list[Fresh]:
    # A mail is taken whole, with its headers: who sent the calendar in it is told nowhere else.
    mailed = looks_like_mail(data)
    # A feed may be empty for the time being; a message that somebody sent without anything in it is odd.
    found = (whole(data),) if mailed else cut(data) or (whole(data),) * adds
    return [Fresh(piece, origin, mailed, problem=problem) for piece in found]


def _key(unit: Unit, each: Fresh) -> str:
    """What a piece is known by: its UID in what is replaced as a whole, elsewhere its very bytes."""
    if each.before is not None:
        return each.before.key
    return unit.message.key if unit.message.replaced else unit.message.sha256


def _mark(unit: Unit, each: Fresh) -> str:
    if each.before is not None and each.before.mark == sources.ONCE:
        return sources.ONCE
    return unit.message.mark if unit.message.replaced else sources.ONCE


def _recurs(unit: Unit, each: Fresh) -> bool:
    """Whether its occurrences go on behind the horizon, as far as that can be told."""
    known = each.before is not None and each.before.known_until is not None
    occurrences = any(_OCCURRENCE.search(notice.maintenance_id) for notice in unit.of)
    return not each.piece.plain and (known or occurrences or bool(each.piece.uid))


def _written_by(notice: Notice, now: datetime) -> Notice:
    """Nobody writes tomorrow: a stamp that lies ahead would outdo all that is still to come."""
    if notice.stamp is None or notice.stamp <= now + AHEAD:
        return notice
    problem = f"it says that it was written on {notice.stamp:%Y-%m-%d %H:%MZ}, which is still to come"
    return replace(notice, stamp=now, problems=(*notice.problems, problem))


def _sender_of(data: bytes) -> str:
    try:
        return read_mail(data).sender
    except NoticeUnreadable:
        return ""


def _summary(taking: Taking) -> dict[str, object]:
    counts: dict[str, int] = {}
    for line in taking.new:
        counts[line.state] = counts.get(line.state, 0) + 1
    ids = {target.id for ticket in taking.touched.values() for target in ticket.targets if target.touched}
    return {
        "notices": len(taking.new),
        "states": counts,
        "maintenances": [f"M-{number}" for number in sorted(number for number in ids if number)],
        "needs_review": [f"N-{line.id}" for line in taking.new if line.state == "review"],
    }
