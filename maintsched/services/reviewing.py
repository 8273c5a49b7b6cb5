"""What needs a person: the review queue, and the state of the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from maintsched.errors import NotFound, Refused
from maintsched.services.booking import circuits_of
from maintsched.services.project import Project
from maintsched.services.situation import stale_sources
from maintsched.store import maintenances, notices, sources
from maintsched.store.engine import Transaction, numbered
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.notices import REVIEW, StoredNotice


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as it is listed. `state`: ok, stale or unavailable; `counts`: its notices so far, by their state."""

    name: str
    location: str
    state: str
    last_fetch: datetime | None
    last_content: datetime | None
    reason: str
    known_until: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """file, folder, https or imaps."""
        scheme, mark, _ = self.location.partition("://")
        if mark:
            return scheme.lower()
        return "folder" if Path(self.location).is_dir() else "file"


def source_rows(project: Project) -> list[SourceLine]:
    """Every configured source and freeze calendar."""
    inventory = project.inventory
    with project.store.read() as tx:
        states = sources.source_states(tx)
        stale = {source.name: source.reason for source in stale_sources(tx, inventory, project.now())}
        counts = sources.statistics(tx)
    rows = []
    places = {source.name: source.location for source in inventory.sources.values()}
    places |= {freeze.name: freeze.location for freeze in inventory.freezes.values()}
    for name, location in places.items():
        state = states.get(name)
        reason = stale.get(name, "")
        word = "unavailable" if state is not None and state.state != "ok" else "stale" if reason else "ok"
        fetched, content = (state.last_fetch, state.last_content) if state else (None, None)
        until = state.known_until if state else None
        rows.append(SourceLine(name, location, word, fetched, content, reason, until, counts.get(name, {})))
    return rows


def confirm_source(project: Project, name: str) -> None:
    """A person looked: this quiet source really has nothing new."""
    with project.store.write(project.actor) as tx:
        state = sources.source_states(tx).get(name)
        every = [*project.inventory.sources, *project.inventory.freezes]
        if name not in every:
            known = ", ".join(every) or "none"
            raise NotFound(f"there is no calendar source {name}", f"sources of the config: {known}")
        if state is None or state.last_fetch is None:
            raise Refused(f"source {name} was never read", "`maintsched calendar import` reads it")
        sources.put_source(tx, replace(state, confirmed_at=tx.now))
        tx.audit("calendar.confirm", name, {})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which maintenances to list; None and False leave nothing out, but that only `everything` shows what is over."""

    after: datetime | None = None
    before: datetime | None = None
    circuit: str | None = None
    source: str | None = None
    everything: bool = False

    def fits(self, row: StoredMaintenance) -> bool:
        interval = row.maintenance.interval
        assert interval is not None  # it is kept, so it has one
        if self.source not in (None, row.source) or not (self.everything or row.maintenance.status.counts):
            return False
        if self.circuit is not None and self.circuit not in {hit.circuit for hit in row.circuits}:
            return False
        return (self.after is None or interval.end > self.after) and (
            self.before is None or interval.start < self.before
        )


def listed_maintenances(project: Project, wanted: Wanted) -> tuple[tuple[StoredMaintenance, ...], tuple[str, ...]]:
    """Those that are wanted, by start, and the stale sources. Raises InvalidInput for an unknown circuit."""
    if wanted.circuit is not None:
        (circuit,) = circuits_of(project.inventory, [wanted.circuit])
        wanted = replace(wanted, circuit=circuit)
    every = [*project.inventory.sources, "by-hand"]
    with project.store.read() as tx:
        found = maintenances.maintenances(tx)
        if wanted.source not in (None, *every, *(row.source for row in found)):
            raise NotFound(f"there is no calendar source {wanted.source}", f"sources: {', '.join(every)}")
        stale = stale_sources(tx, project.inventory, project.now())
    return tuple(row for row in found if wanted.fits(row)), tuple(source.name for source in stale)


def named_nothing_of_ours(project: Project) -> tuple[tuple[StoredNotice, ...], tuple[str, ...]]:
    """The notices that were not ours or from unknown senders, newest first, and the stale sources."""
    with project.store.read() as tx:
        found = notices.notices(tx, state="not_ours") + notices.notices(tx, state="foreign")
        stale = stale_sources(tx, project.inventory, project.now())
    newest = tuple(sorted(found, key=lambda row: -row.id))
    return newest, tuple(source.name for source in stale)


def one_maintenance(project: Project, text: str) -> tuple[StoredMaintenance, tuple[StoredNotice, ...]]:
    """With every notice that is about it. Raises NotFound."""
    with project.store.read() as tx:
        found = the_maintenance(tx, text)
        return found, notices.notices(tx, ref=found.maintenance.ref)


def the_maintenance(tx: Transaction, text: str) -> StoredMaintenance:
    """By `M-12` or the provider's own id. Raises NotFound."""
    rows = maintenances.maintenances(tx)
    wanted = text.casefold()
    hits = [r for r in rows if wanted in (f"m-{r.id}", str(r.id), r.maintenance.key[2].casefold())]
    if not hits:
        raise NotFound(f"there is no maintenance {text}", "`maintsched calendar list --all` shows them")
    if len(hits) > 1:
        found = ", ".join(f"M-{row.id}" for row in hits)
        raise NotFound(f"{len(hits)} maintenances are called {text}: {found}", "name one of them")
    return hits[0]


def waiting(project: Project) -> tuple[tuple[StoredNotice, ...], tuple[str, ...]]:
    """The notices that need a person, and the stale sources."""
    with project.store.read() as tx:
        stale = stale_sources(tx, project.inventory, project.now())
        return notices.notices(tx, state=REVIEW), tuple(source.name for source in stale)


def raw_notice(project: Project, text: str) -> bytes:
    """The bytes as received."""
    with project.store.read() as tx:
        return notices.raw(tx, stored_notice(tx, text).raw_sha256)


def stored_notice(tx: Transaction, text: str) -> StoredNotice:
    """By `N-12`. Raises NotFound."""
    number = numbered(text, "N-")
    found = notices.get_notice(tx, number) if number is not None else None
    if found is None:
        raise NotFound(f"there is no notice {text}", "`maintsched calendar review` lists what waits")
    return found
