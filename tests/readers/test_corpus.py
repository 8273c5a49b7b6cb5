"""Real inputs that lie beside the clone: read right, or doubted with a reason, and never a crash."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Notice
from maintsched.readers import Origin, read

ROOT = Path(__file__).parents[2]
CORPUS = (ROOT / os.environ.get("MAINTSCHED_CORPUS", "../shared/corpus")).resolve()
pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real inputs is absent")]

# Where the file's own project is wrong: an object listed twice is one, and what has no SEQUENCE is not number 1.
EXPECTED = sorted(CORPUS.glob("*/*.expected.json"))
CALENDARS = sorted((*CORPUS.glob("plain/*.ics"), *CORPUS.glob("recurring/*.ics")))
MISSING = sorted(CORPUS.glob("maintnote/missing_*.ics"))


def named(path: Path) -> str:
    return path.name.removesuffix(".expected.json")


def notices(path: Path, year: int = 2026, zone: str | None = None) -> tuple[Notice, ...]:
    horizon = Interval(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 2, 5, tzinfo=UTC))
    return read(path.read_bytes(), Origin(source="corpus", horizon=horizon, timezone=zone))


FOLDERS = ("aws", "equinix", "maintnote")
# That project makes an AWS id of wording and dates, so that a cancellation has another one than its planned work.
MADE_UP = ("aws",)


@pytest.mark.parametrize("path", [path for path in EXPECTED if path.parent.name in FOLDERS], ids=named)
def test_what_senders_really_wrote_is_read_right(path: Path) -> None:
    source = next(there for suffix in (".eml", ".ics") if (there := path.with_name(named(path) + suffix)).exists())
    expected: list[dict[str, Any]] = json.loads(path.read_text())
    found = notices(source)
    assert len(found) == len(expected)
    for notice, wanted in zip(found, expected, strict=True):
        assert notice.interval is not None
        assert notice.interval.start.timestamp() == wanted["start"]
        assert notice.interval.end.timestamp() == wanted["end"]
        assert notice.account == wanted["account"].strip()
        assert path.parent.name in MADE_UP or notice.maintenance_id == wanted["maintenance_id"]
        assert notice.status == wanted["status"]
        assert {item.object_id: item.impact or notice.impact for item in notice.objects} == {
            circuit["circuit_id"]: circuit["impact"] for circuit in wanted["circuits"]
        }
        assert len(notice.objects) == len({circuit["circuit_id"] for circuit in wanted["circuits"]})
        assert notice.problems == ()


@pytest.mark.parametrize("path", MISSING, ids=named)
def test_a_missing_field_is_said_unless_it_does_no_harm(path: Path) -> None:
    (only,) = notices(path)
    assert bool(only.problems) is (path.stem not in ("missing_organizer", "missing_stamp"))


@pytest.mark.slow
@pytest.mark.parametrize("path", CALENDARS, ids=named)
def test_any_calendar_is_read_or_doubted_and_has_no_time_that_is_a_guess(path: Path) -> None:
    for notice in notices(path):
        assert notice.interval is not None or notice.problems
    assert all(not any("has no zone" in problem for problem in n.problems) for n in notices(path, zone="Asia/Tokyo"))


RECURRING = [
    ("recurring/each_week_but_two_deleted.ics", 2019, 6),
    ("recurring/three_events_one_edited.ics", 2019, 3),
    ("recurring/issue_18_cancel_status.ics", 2020, 3),
    ("recurring/issue_20_exdate_ignored.ics", 2019, 7),
    ("plain/khal_event_rrule_recuid.ics", 2014, 6),
]


@pytest.mark.parametrize(("name", "year", "count"), RECURRING, ids=[case[0] for case in RECURRING])
def test_recurring_calendars_give_as_many_occurrences_as_they_mean(name: str, year: int, count: int) -> None:
    found = notices(CORPUS / name, year)
    assert len(found) == count
    assert len({notice.maintenance_id for notice in found}) == count
