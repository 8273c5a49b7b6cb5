"""Import: fetch all sources at once, then read, decide and write each; nothing that was received is lost.

What cannot be placed waits for a person and blocks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, as_completed, wait
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from maintsched import readers, sources
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import FreezeCalendar, Inventory, Source
from maintsched.domain.matching import Aliases, match
from maintsched.errors import InvalidInput, MaintschedError, Unavailable
from maintsched.readers.pieces import WHOLE
from maintsched.services.batches import Batches, SortedOut
from maintsched.services.breaking import Broken, recheck, would_break
from maintsched.services.confining import Confined
from maintsched.services.placing import Placing
from maintsched.services.project import Project, require_in_force
from maintsched.services.reporting import Imported
from maintsched.services.taking import Known
from maintsched.services.tuning import EXPANSION, LOOK_BACK
from maintsched.sources import Fetched
from maintsched.store import freezes, maintenances, notices, tickets
from maintsched.store import sources as kept
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import reference_of
from maintsched.store.notices import REVIEW
from maintsched.store.sources import SourceState
from maintsched.store.tickets import PERSON, Ticket
from maintsched.store.vanishing import note_vanished

FETCHERS = 8
BY_HAND = "by-hand"  # the source of what is given by its path, and of no source of the config
ROUNDS = 10  # of fetching what one answer could not hold
PATIENCE_S = 0.5  # for the next in order, before the others are taken


def import_sources(
    project: Project,
    *,
    only: str | None = None,
    paths: Iterable[str] = (),
    dry_run: bool = False,
    batches: type[Batches] = Batches,
) -> tuple[list[Imported], tuple[Broken, ...]]:
    """Import configured sources, or `paths` by hand (vouched for by who does it) under the source `only`.

    Returns what each source brought, in the config's order, and what new facts break, of a dry run too. `batches` is
    for who wants to watch them.
    """
    with project.store.read() as tx:
        require_in_force(project, tx)
        states = kept.source_states(tx)
    wanted = _wanted(project.inventory, only, list(paths))
    by_hand = bool(list(paths))
    dry = Known() if dry_run else None
    results: dict[int, Imported] = {}
    with Confined() as confined:
        begun = _fetched([(_as_source(each), _validators(each, states, by_hand)) for each in wanted])
        for number in _as_they_come(begun):
            each = wanted[number]
            one = _One(project, confined, states.get(each.name), dry, by_hand, batches)
            try:
                results[number] = one.take_all(each, begun[number].result())
            except MaintschedError as error:
                results[number] = one.unavailable(each.name, error)
        if not by_hand and only is None and dry is None:
            _go_on_by_hand(project, confined)
    ordered = [results[number] for number in sorted(results)]
    return ordered, recheck(project) if dry is None else would_break(project, dry)


def _fetched(asked: list[tuple[Source, str]]) -> list[Future[Fetched]]:
    """All at once, some at a time; in threads that keep nobody who is interrupted from going."""
    begun: list[Future[Fetched]] = [Future() for _ in asked]
    free = threading.Semaphore(FETCHERS)

    def fetch(number: int) -> None:
        with free:
            try:
                begun[number].set_result(sources.fetch(*asked[number]))
            except BaseException as error:  # noqa: BLE001  # whoever asks for the result gets it
                begun[number].set_exception(error)

    for number in range(len(asked)):
        threading.Thread(target=fetch, args=(number,), name=f"fetch-{number}", daemon=True).start()
    return begun


def _go_on_by_hand(project: Project, confined: Confined) -> None:
    """What was imported by hand and recurs is expanded further as time goes by, like all other calendars."""
    source = Source(BY_HAND, "")
    origin = origin_of(project.inventory, source, project.now())
    batches = Batches(project, source, origin, confined, Imported(source.name), by_hand=True)
    batches.run(batches.again())


def _as_they_come(begun: list[Future[Fetched]]) -> Iterator[int]:
    """In order, but nobody waits for a slow one while another is there."""
    late = []
    for number, each in enumerate(begun):
        wait([each], timeout=PATIENCE_S)
        if each.done():
            yield number
        else:
            late.append(number)
    numbers = {begun[number]: number for number in late}
    for each in as_completed(numbers):
        yield numbers[each]


def _wanted(inventory: Inventory, only: str | None, paths: list[str]) -> list[Source | FreezeCalendar]:
    every: dict[str, Source | FreezeCalendar] = {**inventory.sources, **inventory.freezes}
    if only is not None and only not in every:
        raise InvalidInput(f"there is no source {only}", f"sources of the config: {', '.join(every) or 'none'}")
    if paths:
        source = inventory.sources.get(only or "", Source(only or BY_HAND, ""))
        return [replace(source, location=path) for path in paths]
    return [source for name, source in every.items() if only in (None, name)]


def _as_source(each: Source | FreezeCalendar) -> Source:
    return each if isinstance(each, Source) else Source(each.name, each.location)


def _validators(each: Source | FreezeCalendar, states: dict[str, SourceState], by_hand: bool) -> str:
    """What to ask the far end with, whether anything is new."""
    state = states.get(each.name)
    return "" if by_hand or state is None or isinstance(each, FreezeCalendar) else state.validators


class _One:
    """The import of one source that was fetched. `before` is its state, None where it was never read."""

    def __init__(
        self,
        project: Project,
        confined: Confined,
        before: SourceState | None,
        dry: Known | None,
        by_hand: bool,
        batches: type[Batches],
    ) -> None:
        self.batches = batches
        self.project = project
        self.confined = confined
        self.before = before
        self.dry = dry
        self.by_hand = by_hand
        self.now = project.now()

    def take(self, each: Source | FreezeCalendar, fetched: Fetched) -> Imported:
        """Raises MaintschedError where it is not to be believed."""
        if isinstance(each, FreezeCalendar):
            return self._take_freezes(each, fetched)
        result = Imported(each.name, note=fetched.note)
        batches = self.batches(
            project=self.project,
            source=each,
            origin=origin_of(self.project.inventory, each, self.now),
            confined=self.confined,
            result=result,
            by_hand=self.by_hand,
            grows=fetched.grows,
            dry=self.dry,
        )
        told = self.before.content_sha256 if self.before is not None else None
        same = fetched.unchanged or (not fetched.grows and told == digest(fetched))
        alike = same and not self.by_hand
        sorted_out = batches.as_before() if alike else batches.sorted_out(fetched)
        if not alike:
            self._believed(each, fetched, sorted_out, batches)
        result.unchanged = sorted_out.unchanged
        batches.run([*sorted_out.fresh, *([] if self.by_hand else batches.again())])
        if not self.by_hand and self.dry is None:  # a file given by hand says nothing of whether the source can be read
            self._note_success(each, fetched, sorted_out, result)
            try:
                sources.confirm(each, fetched)
            except Unavailable as error:  # they are kept, and will not be taken twice
                result.note = f"its mails could not be marked as seen: {error.message}"
        return result

    def take_all(self, each: Source | FreezeCalendar, fetched: Fetched) -> Imported:
        """Take it, and the rest of what one answer could not hold. Raises MaintschedError as `take` does."""
        result = self.take(each, fetched)
        rounds = 1
        while fetched.more and fetched.messages and isinstance(each, Source) and not self.by_hand and self.dry is None:
            if rounds == ROUNDS:
                raise Unavailable(f"only a part of it was read so far ({fetched.note})", "the next import goes on")
            with self.project.store.read() as tx:
                self.before = kept.source_states(tx).get(each.name)
            fetched = sources.fetch(each, fetched.validators)
            result = _joined(result, self.take(each, fetched))
            rounds += 1
        return result

    def _believed(self, source: Source, fetched: Fetched, sorted_out: SortedOut, batches: Batches) -> None:
        """Raise Unavailable for what looks like no answer at all: what was known is kept."""
        if self.by_hand or self.before is None:
            return
        gone = not fetched.grows and bool(sorted_out.missing) and not sorted_out.fresh and not sorted_out.unchanged
        held_before = self.before.last_content is not None
        bare = fetched.grows and not fetched.messages and not fetched.unchanged and held_before
        bare = bare and not source.location.lower().startswith("imaps:")  # people archive their mails
        if (fetched.emptied or gone or bare) and not self._confirmed():
            raise _emptied(source)
        only = sorted_out.fresh[0].piece if len(sorted_out.fresh) == 1 and not sorted_out.unchanged else None
        if fetched.grows or only is None or only.key != WHOLE:
            return
        found, error = batches.read(only)
        if error:
            raise Unavailable(f"it holds nothing that can be read ({error}); what was known is kept", "look at it")
        if not found and held_before and not self._confirmed():
            raise _emptied(source)

    def _confirmed(self) -> bool:
        """Whether a person has looked since it was found to be empty."""
        before = self.before
        if before is None or before.confirmed_at is None or before.state == "ok" or EMPTIED not in (before.error or ""):
            return False
        return before.confirmed_at > before.last_try

    def unavailable(self, name: str, error: MaintschedError) -> Imported:
        """Nothing was taken; the source's state says so, and blocks, unless it was a file given by hand."""
        if not self.by_hand and self.dry is None:
            with self.project.store.write(self.project.actor, self.now) as tx:
                empty = SourceState(name, "unavailable", self.now, None, None, None, None, None, None)
                state = replace(self.before or empty, state="unavailable", last_try=self.now, error=error.message)
                kept.put_source(tx, state)
                tx.audit("calendar.unavailable", name, {"error": error.message})
        return Imported(name, state="unavailable", error=error.message, hint=error.hint)

    def _note_success(self, source: Source, fetched: Fetched, sorted_out: SortedOut, result: Imported) -> None:
        part = fetched.more and bool(fetched.messages)
        with self.project.store.write(self.project.actor, self.now) as tx:
            before = kept.source_states(tx).get(source.name)  # somebody may have confirmed it in the meantime
            content = self.now if sorted_out.fresh else before.last_content if before else None
            kept.put_source(
                tx,
                SourceState(
                    name=source.name,
                    state="unavailable" if part else "ok",
                    last_try=self.now,
                    last_fetch=before.last_fetch if part and before else None if part else self.now,
                    last_content=content,
                    confirmed_at=before.confirmed_at if before else None,
                    content_sha256=before.content_sha256 if fetched.unchanged and before else digest(fetched),
                    known_until=self.now + EXPANSION,
                    error=f"only a part of it was read so far ({fetched.note})" if part else None,
                    validators=fetched.validators,
                ),
            )
            result.changes += note_vanished(tx, source.name, sorted_out.missing)
            tx.audit("calendar.read", source.name, {"notices": result.notices, "unchanged": result.unchanged})

    def _take_freezes(self, each: FreezeCalendar, fetched: Fetched) -> Imported:
        """All or nothing: what cannot be read in a freeze calendar is an error, never a free slot."""
        horizon = Interval(self.now - LOOK_BACK, self.now + EXPANSION)
        lists = [self.confined.read_freezes(message.data, horizon) for message in fetched.messages]
        found = [freeze for each_list in lists for freeze in each_list.freezes]
        ends = [horizon.end if each_list.known_until is None else each_list.known_until for each_list in lists]
        if not found and self.before is not None and self.before.content_sha256 is not None and not self._confirmed():
            raise _emptied(each)
        until = min(ends, default=horizon.start)
        if each.known_until is not None:
            until = max(until, datetime.fromisoformat(f"{each.known_until}T23:59:59+00:00"))
        if self.dry is None:
            with self.project.store.write(self.project.actor, self.now) as tx:
                freezes.put_freezes(tx, each.name, found)
                sha = digest(fetched) if found else None
                state = SourceState(each.name, "ok", self.now, self.now, self.now, None, sha, until, None)
                kept.put_source(tx, state)
                tx.audit("calendar.import", each.name, {"freezes": len(found)})
        return Imported(each.name, notices=len(found))


def _joined(one: Imported, other: Imported) -> Imported:
    """Two rounds of one source, told as one."""
    joined = replace(other)
    for name in ("created", "updated", "unknown", "needs_review", "changes", "notices", "not_ours", "foreign"):
        setattr(joined, name, getattr(one, name) + getattr(other, name))
    return joined


EMPTIED = "it is suddenly empty; what was known is kept"


def _emptied(each: Source | FreezeCalendar) -> Unavailable:
    hint = f"is {each.location} the right place? if so: `calendar sources --confirm {each.name}`"
    return Unavailable(EMPTIED, hint)


def digest(fetched: Fetched) -> str:
    """SHA-256 over all of a source's messages."""
    return sha256("".join(sorted(message.sha256 for message in fetched.messages)).encode()).hexdigest()


def origin_of(inventory: Inventory, source: Source, now: datetime) -> readers.Origin:
    """What a reader must know of a source."""
    sites = {*source.sites}
    for group in source.groups:
        sites |= {inventory.circuits[name].site for name in inventory.groups[group].circuits}
    zones = {inventory.sites[name].timezone for name in sites if name in inventory.sites}
    return readers.Origin(
        source=source.name,
        horizon=Interval(now - LOOK_BACK, now + EXPANSION),
        provider=source.provider,
        timezone=source.timezone,
        site_zones={name: site.timezone for name, site in inventory.sites.items()},
        impact=source.impact,
        impacts=tuple((rule.match, rule.impact) for rule in source.titles if rule.impact is not None),
        place_zone=zones.pop() if len(zones) == 1 else None,
    )


def rematch(tx: Transaction, inventory: Inventory) -> tuple[str, ...]:
    """Match every maintenance again, after the inventory changed, and every notice that named nothing of ours then.

    Returns a line for each that became ours.
    """
    aliases = Aliases(inventory)
    for stored in maintenances.maintenances(tx):
        source = inventory.sources.get(stored.source)
        found = match(stored.maintenance, inventory, source, stored.maintenance.needs_review, aliases).circuits
        gone = source is None and not found  # with its source went what it was mapped to
        # What a person said, and what was matched beside it, is not undone by an inventory that changed.
        circuits = stored.circuits if gone or stored.told else found
        if set(circuits) != set(stored.circuits):
            maintenances.put_hits(tx, stored, circuits)
    waiting: dict[str, str] = {}
    for notice in notices.notices(tx, state="not_ours"):
        if notice.ref and (notice.interval is None or notice.interval.end > tx.now):
            waiting.setdefault(notice.ref, notice.source)
    lines: list[str] = []
    for ref, ticket in tickets.tickets_of(tx, list(waiting)).items():
        source = inventory.sources.get(waiting[ref], Source(waiting[ref], ""))
        lines += _matched_again(tx, ticket, Placing(inventory, source, aliases))
    return tuple(lines)


def _matched_again(tx: Transaction, ticket: Ticket, placing: Placing) -> list[str]:
    """Notices that named nothing of ours: placed anew, and those that nobody vouched for wait for a person."""
    before = {id(target) for target in ticket.targets}
    placing.place(ticket)
    for line in ticket.lines:
        if line.state != "not_ours" or line.counts or line.settles != PERSON or line.notice is None:
            continue
        hits = match(line.notice, placing.inventory, placing.source, line.notice.problems, placing.aliases).circuits
        if hits:
            line.state, line.concerns = REVIEW, tuple(hit.circuit for hit in hits)
    tickets.save(tx, [ticket])
    new = [target for target in ticket.targets if id(target) not in before and target.id is not None]
    return [f"M-{target.id} {reference_of(target.key, target.source)} is ours now" for target in new]
