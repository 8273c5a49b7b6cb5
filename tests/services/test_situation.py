"""A source that is not known to be up to date blocks, and says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.services.intake import import_sources
from maintsched.services.situation import situation, stale_sources
from tests.cli.driving import Desk, Later, at, change, maintnote


def stale(desk: Desk, later: timedelta) -> dict[str, str]:
    with desk.project() as project, project.store.read() as tx:
        return {s.name: s.reason for s in stale_sources(tx, project.inventory, Later.of(project, later).now())}


AGES = [(timedelta(), None), (timedelta(hours=23, minutes=55), None), (timedelta(hours=24, minutes=5), "24 h ago"),
        (timedelta(days=9), "9 d ago")]  # fmt: skip


@pytest.mark.parametrize(("later", "told"), AGES, ids=[str(later) for later, _ in AGES])
def test_a_source_is_stale_when_it_was_not_read_for_too_long(desk: Desk, later: timedelta, told: str | None) -> None:
    found = stale(desk, later)
    assert set(found) == ({"equinix", "carrier"} if told else set())
    assert all(told in reason for reason in found.values() if told)


def test_reading_again_is_what_helps(desk: Desk) -> None:
    with desk.project() as project:
        import_sources(Later.of(project, timedelta(days=3)))
    assert stale(desk, timedelta(days=3)) == {}


def test_a_source_that_says_nothing_new_is_stale_until_somebody_looked(desk: Desk) -> None:
    desk.edit("trust: senders}", "trust: senders, quiet_after: 45d, stale_after: 365d}")
    desk.edit("from: carrier/}", "from: carrier/, stale_after: 365d}")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    assert stale(desk, timedelta(days=44)) == {}
    found = stale(desk, timedelta(days=46))
    assert set(found) == {"equinix"}
    assert "calendar sources --confirm equinix" in found["equinix"]
    with desk.project() as project:  # its folder is read, and nothing new is there
        import_sources(Later.of(project, timedelta(days=46)))
    assert set(stale(desk, timedelta(days=46))) == {"equinix"}
    assert desk.run("calendar", "sources", "--confirm", "equinix").code == 0


def test_work_in_process_counts_beyond_its_planned_end(desk: Desk) -> None:
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=4)
    desk.carrier("1", maintnote("WO-7", begun, hours=3.9, status="IN-PROCESS"))
    desk.ok("calendar", "import")
    with desk.project() as project, project.store.read() as tx:
        now = datetime.now(UTC)
        known = situation(tx, project.inventory, now, Interval(now, now + timedelta(hours=1)))
    (taken,) = known.occupations
    assert taken.interval.end > now
