"""Import: fetch and read outside the lock, then merge, match and write each source in one transaction.

Nothing that was received is lost: the raw bytes are kept, and what cannot be placed waits for a person and blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from maintsched import readers
from maintsched.domain.conflict import Conflict
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.maintenance import Maintenance, belongs_to, difference, merge
from maintsched.domain.matching import Match, match
from maintsched.domain.notice import Notice, Status
from maintsched.errors import InvalidInput, MaintschedError, Unavailable
from maintsched.readers.freezes import read_freezes
from maintsched.readers.mail import looks_like_mail
from maintsched.services.booking import recheck
from maintsched.services.fetching import Message, fetch
from maintsched.services.project import Project, require_in_force
from maintsched.services.rereading import ReadMessage, digest, doubtful, later_notices, read_message
from maintsched.services.tuning import EXPAND_AGAIN, EXPANSION, LOOK_BACK
from maintsched.store import freezes, notices
from maintsched.store.engine import Transaction
from maintsched.store.notices import REVIEW, KnownKeys, SourceState

# The earlier revisions go on counting; the notice alone waits.
UNCONFIRMED = (
    "a mail that nobody authenticated cancels or shortens work: ask the provider, then"
    " `calendar resolve` it with --circuit to believe it, with --ignore not to"
)


@dataclass
class Imported:
    """What an import of one source did. `created` and `updated` are maintenance ids, `changes` readable lines."""

    name: str
    state: str = "ok"
    error: str = ""
    hint: str = ""
    notices: int = 0
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    not_ours: int = 0
    foreign: int = 0
    needs_review: list[tuple[str, str]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


class _DryRun(Exception):
    """Ends a dry run's transaction: everything was worked out, nothing is kept."""


def import_sources(
    project: Project, *, only: str | None = None, paths: Iterable[str] = (), dry_run: bool = False
) -> tuple[list[Imported], tuple[Conflict, ...]]:
    """Import configured sources, or `paths` by hand (vouched for by who does it) under the source `only`.

    Returns what each source brought, and the bookings that new facts broke.
    """
    with project.store.read() as tx:
        require_in_force(project, tx)
    inventory = project.inventory
    given = list(paths)
    if only is not None and only not in inventory.sources and only not in inventory.freezes:
        known = ", ".join([*inventory.sources, *inventory.freezes]) or "none"
        raise InvalidInput(f"there is no source {only}", f"sources of the config: {known}")
    if given:
        source = inventory.sources.get(only or "", Source(only or "by-hand", ""))
        results = [
            _import_source(project, replace(source, location=path), by_hand=True, dry_run=dry_run) for path in given
        ]
    else:
        wanted = [source for name, source in inventory.sources.items() if only in (None, name)]
        results = [_import_source(project, source, by_hand=False, dry_run=dry_run) for source in wanted]
        for name, freeze in inventory.freezes.items():
            if only in (None, name):
                results.append(_import_freeze(project, name, freeze.location, dry_run=dry_run))
    return results, () if dry_run else recheck(project)


def _import_source(project: Project, source: Source, *, by_hand: bool, dry_run: bool) -> Imported:
    result = Imported(source.name)
    now = project.now()
    origin = _origin(project.inventory, source, now)
    try:
        messages = fetch(source.location)
    except MaintschedError as error:
        return _unavailable(project, result, error, note=not dry_run and not by_hand)
    with project.store.read() as tx:
        before = notices.source_states(tx).get(source.name)
        fresh = [m for m in messages if not notices.has_raw(tx, m.sha256, source.name)]
        believed = by_hand or before is None or bool(fresh)
        doubt = None if believed or before is None else doubtful(tx, source, before, messages, origin)
    if doubt is not None:
        return _unavailable(project, result, doubt, note=not dry_run)
    result.unchanged = len(messages) - len(fresh)
    read = [read_message(message, origin) for message in fresh]
    result.notices = sum(max(1, len(each.notices)) for each in read)
    known_until = before.known_until if before is not None and not by_hand else None
    again = known_until is not None and now + EXPANSION - known_until > EXPAND_AGAIN
    if known_until is not None and again:
        read += later_notices(messages, fresh, origin, known_until)
    try:
        with project.store.write(project.actor, now) as tx:
            vouched = by_hand or source.trust == "senders"
            into = _Intake(tx, project.inventory, source, KnownKeys(tx), result, vouched)
            for each in read:
                if each.later or not notices.has_raw(tx, each.message.sha256, source.name):  # nobody was faster
                    _take(into, each)
            if not by_hand:  # a file given by hand says nothing of whether the source itself can be read
                until = now + EXPANSION if known_until is None or again else known_until
                _note_success(tx, source, before, messages, until, changed=bool(fresh))
            tx.audit("calendar.import", source.name, _summary(result))
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return result


def _unavailable(project: Project, result: Imported, error: MaintschedError, *, note: bool) -> Imported:
    """Nothing was taken; where `note`, the source's state says so, and blocks."""
    result.state, result.error, result.hint = "unavailable", error.message, error.hint
    if note:
        _note_failure(project, result.name, error.message)
    return result


def _origin(inventory: Inventory, source: Source, now: datetime) -> readers.Origin:
    return readers.Origin(
        source=source.name,
        horizon=Interval(now - LOOK_BACK, now + EXPANSION),
        provider=source.provider,
        timezone=source.timezone,
        site_zones={name: site.timezone for name, site in inventory.sites.items()},
    )


@dataclass(frozen=True, slots=True)
class _Intake:
    """A source's transaction. `known`: every maintenance's key; `vouched`: its mails are what they say."""

    tx: Transaction
    inventory: Inventory
    source: Source
    known: KnownKeys
    result: Imported
    vouched: bool

    def keep(
        self,
        message: Message,
        position: int,
        notice: Notice | None,
        state: str,
        reason: str,
        concerns: Iterable[str] = (),
        maintenance: int | None = None,
    ) -> int:
        """Keep a notice, or a message without one; returns its id. One in review is told."""
        kept = notices.add_notice(
            self.tx,
            sha256=message.sha256,
            position=position,
            source=self.source.name,
            origin=message.origin,
            state=state,
            reason=reason,
            title=notice.title if notice else message.origin.rpartition("/")[2],
            notice=notice,
            concerns=concerns,
            maintenance=maintenance,
        )
        if state == REVIEW:
            self.result.needs_review.append((f"N-{kept}", reason))
        return kept

    def mapped(self) -> tuple[str, ...]:
        """The circuits that a source's notices can concern at all; () where it may be any."""
        names = [name for group in self.source.groups for name in self.inventory.groups[group].circuits]
        names += [name for site in self.source.sites for name in self.inventory.circuits_at(site)]
        return tuple(dict.fromkeys(names))

    def match(self, found: Maintenance) -> Match:
        return match(found, self.inventory, self.source, found.needs_review)


def _take(into: _Intake, read: ReadMessage) -> None:
    notices.add_raw(into.tx, read.message.sha256, read.message.data)
    if not read.notices:
        into.keep(read.message, 0, None, REVIEW, read.error or "the file holds no notice", into.mapped())
    for position, notice in enumerate(read.notices):
        _take_notice(into, read.message, position, notice)


def _take_notice(into: _Intake, message: Message, position: int, notice: Notice) -> None:
    mailed = looks_like_mail(message.data)  # the organizer of a calendar file is no sender
    senders = {sender.lower() for sender in into.source.senders}
    if mailed and senders and notice.sender.lower() not in senders:
        into.keep(message, position, notice, "foreign", f"sent by {notice.sender}")
        into.result.foreign += 1
        return
    known = into.known.like(notice)
    for key in belongs_to(notice, known):
        own = known.get(key)
        earlier = notices.revisions_of(into.tx, own) if own is not None else ()
        before = merge(earlier) if earlier else None
        after = merge((*earlier, notice))
        if mailed and not into.vouched and before is not None and _frees(into, before, after):
            concerns = [hit.circuit for hit in into.match(before).circuits]
            into.keep(message, position, notice, REVIEW, UNCONFIRMED, concerns)
            continue
        _settle(into, message, position, notice, before, after, own)


def _frees(into: _Intake, before: Maintenance, after: Maintenance) -> bool:
    """Whether a revision takes work off a circuit of ours, shortens it, or makes it milder or less certain."""
    if before.interval is None or not before.status.counts:
        return False
    if not after.status.counts or after.interval is None or not after.interval.contains(before.interval):
        return True
    if after.status is Status.TENTATIVE and before.status is not Status.TENTATIVE:
        return True
    stands = {hit.circuit: hit.impact.rank for hit in into.match(after).circuits}
    return any(stands.get(hit.circuit, -1) < hit.impact.rank for hit in into.match(before).circuits)


def _settle(
    into: _Intake,
    message: Message,
    position: int,
    notice: Notice,
    before: Maintenance | None,
    after: Maintenance,
    own: int | None,
) -> None:
    """Place one notice: not ours, in review, or taken; and write the maintenance that results."""
    found = into.match(after)
    if own is not None and not found.circuits:
        found = replace(found, circuits=notices.maintenances(into.tx, ids=[own])[0].told)
    reasons = list(dict.fromkeys((*after.needs_review, *found.reasons)))
    if found.not_ours and own is None:
        into.keep(message, position, notice, "not_ours", "it names nothing of ours")
        into.result.not_ours += 1
        return
    if after.interval is None and after.status.counts:
        reasons.append("its time is not known")
    maintenance = None
    if after.interval is not None:
        count = len(notices.revisions_of(into.tx, own)) + 1 if own is not None else 1
        maintenance = notices.put_maintenance(
            into.tx, after, source=into.source.name, circuits=found.circuits, revisions=count, known=own
        )
        into.known.note(after.key, maintenance)
        _report(before, after, maintenance, own is None, found, into.result)
    state = REVIEW if reasons and after.status.counts else "taken"
    concerned = [hit.circuit for hit in found.circuits] or into.mapped()
    kept = into.keep(message, position, notice, state, "; ".join(reasons), concerned, maintenance)
    if state != REVIEW and maintenance is not None:
        notices.settle_earlier(into.tx, maintenance, kept)


def _report(
    before: Maintenance | None, after: Maintenance, maintenance: int, is_new: bool, found: Match, result: Imported
) -> None:
    lines = difference(before, after)
    if is_new:
        result.created.append(f"M-{maintenance}")
    elif lines:
        result.updated.append(f"M-{maintenance}")
    hit = ", ".join(f"{c.circuit} {c.impact}" for c in found.circuits) or ("the platform" if found.service else "none")
    reference = notices.reference_of(after.key, result.name)
    result.changes += [f"M-{maintenance} {reference} [{hit}]: {line}" for line in lines]
    result.changes += [f"M-{maintenance} ALARM: {finding}" for finding in found.findings]


def _summary(result: Imported) -> dict[str, object]:
    return {
        "notices": result.notices,
        "created": result.created,
        "updated": result.updated,
        "unchanged": result.unchanged,
        "not_ours": result.not_ours,
        "foreign": result.foreign,
        "needs_review": [notice for notice, _ in result.needs_review],
    }


def _note_failure(project: Project, name: str, error: str) -> None:
    now = project.now()
    with project.store.write(project.actor, now) as tx:
        before = notices.source_states(tx).get(name)
        empty = SourceState(name, "unavailable", now, None, None, None, None, None, error)
        notices.put_source(tx, replace(before or empty, state="unavailable", last_try=now, error=error))
        tx.audit("calendar.unavailable", name, {"error": error})


def _note_success(
    tx: Transaction,
    source: Source,
    before: SourceState | None,
    messages: tuple[Message, ...],
    until: datetime,
    *,
    changed: bool,
) -> None:
    content = tx.now if changed else before.last_content if before else None
    confirmed, sha = before.confirmed_at if before else None, digest(messages)
    notices.put_source(tx, SourceState(source.name, "ok", tx.now, tx.now, content, confirmed, sha, until, None))


def _import_freeze(project: Project, name: str, location: str, *, dry_run: bool) -> Imported:
    result = Imported(name)
    now = project.now()
    until = now + EXPANSION
    try:
        messages = fetch(location)
        found = [each for m in messages for each in read_freezes(m.data, Interval(now - LOOK_BACK, until))]
        with project.store.read() as tx:
            before = notices.source_states(tx).get(name)
        if not found and before is not None and before.content_sha256 is not None:
            raise Unavailable("it is suddenly empty; what was known is kept", f"is {location} the right place?")
    except MaintschedError as error:
        return _unavailable(project, result, error, note=not dry_run)
    result.notices = len(found)
    if not dry_run:
        with project.store.write(project.actor, now) as tx:
            freezes.put_freezes(tx, name, found)
            sha = digest(messages) if found else None
            notices.put_source(tx, SourceState(name, "ok", now, now, now, None, sha, until, None))
            tx.audit("calendar.import", name, {"freezes": len(found)})
    return result


def rematch(tx: Transaction, inventory: Inventory) -> None:
    """Match every maintenance again, after the inventory changed, and every notice that named nothing of ours then."""
    for stored in notices.maintenances(tx):
        source = inventory.sources.get(stored.source)
        found = match(stored.maintenance, inventory, source, stored.maintenance.needs_review)
        notices.put_maintenance(
            tx,
            stored.maintenance,
            source=stored.source,
            circuits=found.circuits or stored.told,
            revisions=stored.revisions,
            known=stored.id,
        )
    known = KnownKeys(tx)
    for old in notices.notices(tx, state="not_ours"):
        if old.notice is None or (old.interval is not None and old.interval.end <= tx.now):
            continue
        source = inventory.sources.get(old.source, Source(old.source, ""))
        if match(old.notice, inventory, source, old.notice.problems).not_ours:
            continue
        notices.settle_notice(tx, old.id, "matched_again", "the inventory names it now")
        message = Message(old.origin, notices.raw(tx, old.raw_sha256))
        into = _Intake(tx, inventory, source, known, Imported(old.source), vouched=True)
        _take_notice(into, message, 0, old.notice)
