"""What needs a person: the review queue, and the state of the sources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.maintenance import Maintenance, belongs_to, merge
from maintsched.domain.matching import CircuitImpact, match
from maintsched.domain.notice import Impact, Status
from maintsched.errors import InvalidInput, NotFound, Refused
from maintsched.services.booking import circuits_of, recheck
from maintsched.services.project import Project
from maintsched.services.situation import stale_sources
from maintsched.store import notices
from maintsched.store.engine import Transaction, numbered
from maintsched.store.notices import REVIEW, StoredMaintenance, StoredNotice


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as it is listed. `state`: ok, stale or unavailable."""

    name: str
    location: str
    state: str
    last_fetch: datetime | None
    last_content: datetime | None
    reason: str


def source_rows(project: Project) -> list[SourceLine]:
    """Every configured source and freeze calendar."""
    inventory = project.inventory
    with project.store.read() as tx:
        states = notices.source_states(tx)
        stale = {source.name: source.reason for source in stale_sources(tx, inventory, project.now())}
    rows = []
    places = {source.name: source.location for source in inventory.sources.values()}
    places |= {freeze.name: freeze.location for freeze in inventory.freezes.values()}
    for name, location in places.items():
        state = states.get(name)
        reason = stale.get(name, "")
        word = "unavailable" if state is not None and state.state != "ok" else "stale" if reason else "ok"
        fetched, content = (state.last_fetch, state.last_content) if state else (None, None)
        rows.append(SourceLine(name, location, word, fetched, content, reason))
    return rows


def confirm_source(project: Project, name: str) -> None:
    """A person looked: this quiet source really has nothing new."""
    with project.store.write(project.actor) as tx:
        state = notices.source_states(tx).get(name)
        if name not in project.inventory.sources:
            known = ", ".join(project.inventory.sources) or "none"
            raise NotFound(f"there is no calendar source {name}", f"sources of the config: {known}")
        if state is None or state.last_fetch is None:
            raise Refused(f"source {name} was never read", "`maintsched calendar import` reads it")
        notices.put_source(tx, replace(state, confirmed_at=tx.now))
        tx.audit("calendar.confirm", name, {})


def listed_maintenances(
    project: Project, after: datetime | None
) -> tuple[tuple[StoredMaintenance, ...], tuple[str, ...]]:
    """Maintenances of ours that count and end after `after` (None: all), and the stale sources."""
    with project.store.read() as tx:
        found = notices.maintenances(tx)
        stale = stale_sources(tx, project.inventory, project.now())
    if after is not None:
        found = tuple(
            row
            for row in found
            if row.maintenance.status.counts and row.maintenance.interval and row.maintenance.interval.end > after
        )
    return found, tuple(source.name for source in stale)


def one_maintenance(project: Project, text: str) -> tuple[StoredMaintenance, tuple[StoredNotice, ...]]:
    """By `M-12` or the provider's own id. Raises NotFound."""
    with project.store.read() as tx:
        rows = notices.maintenances(tx)
        wanted = text.casefold()
        hits = [r for r in rows if wanted in (f"m-{r.id}", str(r.id), r.maintenance.key[2].casefold())]
        if not hits:
            raise NotFound(f"there is no maintenance {text}", "`maintsched calendar list --all` shows them")
        if len(hits) > 1:
            found = ", ".join(f"M-{row.id}" for row in hits)
            raise NotFound(f"{len(hits)} maintenances are called {text}: {found}", "name one of them")
        return hits[0], notices.notices(tx, maintenance=hits[0].id)


def waiting(project: Project) -> tuple[tuple[StoredNotice, ...], tuple[str, ...]]:
    """The notices that need a person, and the stale sources."""
    with project.store.read() as tx:
        stale = stale_sources(tx, project.inventory, project.now())
        return notices.notices(tx, state=REVIEW), tuple(source.name for source in stale)


def raw_notice(project: Project, text: str) -> bytes:
    """The bytes as received."""
    with project.store.read() as tx:
        return notices.raw(tx, _notice(tx, text).raw_sha256)


def _notice(tx: Transaction, text: str) -> StoredNotice:
    number = numbered(text, "N-")
    found = notices.get_notice(tx, number) if number is not None else None
    if found is None:
        raise NotFound(f"there is no notice {text}", "`maintsched calendar review` lists what waits")
    return found


def resolve_notice(
    project: Project,
    text: str,
    *,
    ignore: bool,
    circuits: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    reason: str,
) -> str:
    """A person settles a notice: ignored, or a fact on `circuits`. Returns what was decided, in words."""
    if not reason.strip():
        raise InvalidInput("a reason is needed", "--reason TEXT: it is kept in the audit trail")
    with project.store.write(project.actor) as tx:
        stored = _notice(tx, text)
        if stored.state != REVIEW:
            raise Refused(f"N-{stored.id} does not wait: it is {stored.state}", "`maintsched calendar review`")
        if ignore:
            notices.settle_notice(tx, stored.id, "ignored", reason)
            _without_ignored(tx, project.inventory, stored)
            said = f"N-{stored.id} is ignored"
        else:
            named = circuits_of(project.inventory, circuits)
            said = _take_as_fact(tx, stored, named, _interval(stored, start, end))
            notices.settle_notice(tx, stored.id, "resolved", reason)
        tx.audit("calendar.resolve", f"N-{stored.id}", {"reason": reason, "decided": said})
    recheck(project)
    return said


def _interval(stored: StoredNotice, start: datetime | None, end: datetime | None) -> Interval:
    begin = start or (stored.interval.start if stored.interval else None)
    finish = end or (stored.interval.end if stored.interval else None)
    if begin is None or finish is None:
        raise InvalidInput(f"N-{stored.id} tells no time", "give --start T --end T")
    if finish <= begin:
        raise InvalidInput("it would end before it begins", "correct --start and --end")
    return Interval(begin, finish)


def _without_ignored(tx: Transaction, inventory: Inventory, stored: StoredNotice) -> None:
    """Merge again without the ignored revision; a maintenance of nothing else is cancelled."""
    if stored.maintenance is None:
        return
    row = notices.maintenances(tx, ids=[stored.maintenance])[0]
    rest = notices.revisions_of(tx, stored.maintenance)
    after = merge(rest) if rest else replace(row.maintenance, status=Status.CANCELLED, needs_review=())
    if after.interval is None:
        after = replace(after, interval=row.maintenance.interval, status=Status.CANCELLED)
    revisions = max(1, len(rest))
    hits = match(after, inventory, inventory.sources.get(row.source), after.needs_review).circuits
    hits = hits or (row.told if rest else row.circuits)
    notices.put_maintenance(tx, after, source=row.source, circuits=hits, revisions=revisions, known=stored.maintenance)


def _take_as_fact(tx: Transaction, stored: StoredNotice, circuits: tuple[str, ...], interval: Interval) -> str:
    notice = stored.notice
    worst = notice.impact if notice else Impact.OUTAGE
    every = notices.KnownKeys(tx).like(notice) if notice else {}
    own = (stored.source, "", f"N-{stored.id}")
    key = next((k for k in belongs_to(notice, every)), own) if notice else own
    known = stored.maintenance if stored.maintenance is not None else every.get(key)
    status = (notice.status if notice else None) or Status.CONFIRMED
    fact = Maintenance(
        key=key,
        uid=notice.uid if notice else "",
        title=stored.title,
        interval=interval,
        status=status,
        impact=worst,
        objects=notice.objects if notice else (),
        sites=notice.sites if notice else (),
        sequence=notice.sequence if notice else None,
        stamp=None,
    )
    hits = [CircuitImpact(name, worst, notices.TOLD) for name in circuits]
    revisions = len(notices.revisions_of(tx, known)) if known is not None else 1
    made = notices.put_maintenance(
        tx, fact, source=stored.source, circuits=hits, revisions=max(1, revisions), known=known
    )
    notices.settle_notice(tx, stored.id, "resolved", "", made)
    return (
        f"N-{stored.id} is M-{made}: {', '.join(circuits)} {worst} {iso(interval.start)} – {iso(interval.end)} {status}"
    )
