"""The text that a partner reads: nothing missing, nothing broken, for every status, impact and length."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, Status
from maintsched.readers import Origin, read
from maintsched.writers.announcement import AnnouncedCircuit, Announcement, announcement_text
from maintsched.writers.ics import FeedEntry, message

NIGHT = Interval(datetime(2026, 12, 9, 1, tzinfo=UTC), datetime(2026, 12, 9, 5, tzinfo=UTC))
FACTS = Announcement(
    broker="Northgate Markets",
    partner="Spotware",
    reference="W-12",
    title="line card",
    status=Status.CONFIRMED,
    impact=Impact.OUTAGE,
    interval=NIGHT,
    clocks=(("GMT, local time of LD4", "2026-12-09 01:00–05:00"),),
    circuits=(AnnouncedCircuit("uk-ld4", "cross connect of Equinix at LD4", ("20931177-A",)),),
    sites=("Equinix LD4, London",),
    standing=("uk-direct: 1 of 2 circuits (uk-ld7)",),
    revision=3,
)
WHOLE = """\
Northgate Markets: announcement of planned work

Reference:     W-12, change CHG77 (revision 3)
Status:        CONFIRMED: approved
What:          line card
Where:         site Equinix LD4, London
Circuits:      uk-ld4 (20931177-A): cross connect of Equinix at LD4
When:          2026-12-09 01:00Z–05:00Z (UTC), 4 h
               2026-12-09 01:00–05:00  GMT, local time of LD4
Impact:        OUTAGE: the circuits are down
What stays up: uk-direct: 1 of 2 circuits (uk-ld7)
Rollback:      old card back
Contact:       Northgate NOC, +44 20 7946 0002
               noc@northgate.example

We ask Spotware to acknowledge this work: please answer with your reference
for W-12. Please tell us at once if the time does not suit you. The attached
calendar (MAINTNOTE, NANOG BCOP) says the same to machines.
"""


def test_the_whole_text() -> None:
    contacts = ("Northgate NOC, +44 20 7946 0002", "noc@northgate.example")
    assert announcement_text(replace(FACTS, change_id="CHG77", rollback="old card back", contacts=contacts)) == WHOLE


ENDS = {
    Status.TENTATIVE: "We ask Spotware to acknowledge",
    Status.CONFIRMED: "We ask Spotware to acknowledge",
    Status.IN_PROCESS: "We ask Spotware to acknowledge",
    Status.COMPLETED: "Please tell us if anything on your side is not as before",
    Status.CANCELLED: "Please close what you have opened for W-12",
}


@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_is_asked(status: Status) -> None:
    text = announcement_text(replace(FACTS, status=status))
    assert f"Status:        {status}: " in text
    assert ENDS[status] in text


@pytest.mark.parametrize("impact", Impact)
def test_every_impact_is_told_in_words(impact: Impact) -> None:
    assert f"Impact:        {impact}: the circuits" in announcement_text(replace(FACTS, impact=impact)) or (
        impact is Impact.NO_IMPACT
    )
    assert announcement_text(replace(FACTS, impact=impact)).count("Impact:") == 1


def test_the_subject_is_one_line_that_says_it_all() -> None:
    assert FACTS.subject == "[Northgate Markets W-12] CONFIRMED OUTAGE: uk-ld4, 2026-12-09 01:00Z - 05:00Z"


words = some.text(some.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)


@given(some.lists(words, min_size=1, max_size=60).map(" ".join))
def test_a_long_title_is_broken_into_lines_and_stays_whole(title: str) -> None:
    text = announcement_text(replace(FACTS, title=title))
    assert max(map(len, text.splitlines())) <= 78
    assert " ".join(title.split()) in " ".join(text.split())


times = some.integers(0, 5_000_000).map(lambda minutes: NIGHT.start + timedelta(minutes=minutes))
plain = some.text(some.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=80).map(str.strip)


@given(times, some.integers(1, 10_000), plain.filter(bool), some.sampled_from(Status), some.sampled_from(Impact))
def test_a_mailed_calendar_is_read_back(
    start: datetime, minutes: int, title: str, status: Status, impact: Impact
) -> None:
    slot = Interval(start, start + timedelta(minutes=minutes))
    entry = FeedEntry(
        *("window-12@northgate.maintsched", 3, start, slot, f"W-12: {title}"),
        status=status,
        provider="northgate.example",
        account="Spotware",
        maintenance_id="W-12",
        objects=(),
        impact=impact,
        organizer="noc@northgate.example",
    )
    data = message(entry)
    assert b"METHOD" not in data
    assert max(map(len, data.split(b"\r\n"))) <= 75
    [notice] = read(data, Origin("northgate", Interval(start - timedelta(days=1), start + timedelta(days=400))))
    assert (notice.interval, notice.status, notice.impact, notice.sequence) == (slot, status, impact, 3)
    assert (notice.stamp, notice.uid) == (start, "window-12@northgate.maintsched")
