"""One folder for each case: a message as it may arrive, and the notices that it must be read as.

`expected.yaml` holds `origin` (fields of Origin; `horizon` as start/end) and `notices`, in order, or `unreadable`, a
part of the error. Each notice needs `id`, `when` (start/end in UTC, empty where no time can be trusted), `status`,
`impact`, `objects` and `sites`; `problems` are parts of the reader's own, one for each, none where the notice is sound;
any further field is one of Notice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from maintsched.domain.interval import iso
from maintsched.domain.notice import Impact, Notice
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read

from .given import origin, shown, span

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/expected.yaml"))
NEEDED = {"id", "when", "status", "impact", "objects", "sites"}


def expected_of(case: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(case.joinpath("expected.yaml").read_text(), yaml.BaseLoader)
    return found


def described(notice: Notice, wanted: dict[str, Any]) -> dict[str, Any]:
    """The notice in the words of `expected.yaml`, with the fields that it names."""
    told: dict[str, Any] = {
        "id": notice.maintenance_id,
        "when": shown(notice.interval),
        "status": notice.status.value if notice.status else "",
        "impact": notice.impact.value,
        "objects": [f"{o.object_id} {o.impact}" if o.impact else o.object_id for o in notice.objects],
        "sites": list(notice.sites),
    }
    for name in set(wanted) - NEEDED - {"problems"}:
        value = getattr(notice, name)
        told[name] = (
            iso(value) if name == "stamp" and value else list(value) if isinstance(value, tuple) else str(value)
        )
    return told


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_message_is_read_as_it_is_meant(case: Path) -> None:
    expected = expected_of(case)
    (message,) = [path for path in case.iterdir() if path.stem == "input"]
    settings = dict(expected.get("origin", {}))
    if "horizon" in settings:
        settings["horizon"] = span(settings["horizon"])
    if "impact" in settings:
        settings["impact"] = Impact(settings["impact"])
    if "unreadable" in expected:
        with pytest.raises(NoticeUnreadable, match=expected["unreadable"]):
            read(message.read_bytes(), origin(**settings))
        return
    found = read(message.read_bytes(), origin(**settings))
    wanted = expected["notices"]
    assert all(set(each) >= NEEDED for each in wanted), "expected.yaml leaves out what must be said"
    assert [described(notice, each) for notice, each in zip(found, wanted, strict=True)] == [
        {name: value for name, value in each.items() if name != "problems"} for each in wanted
    ]
    for notice, each in zip(found, wanted, strict=True):
        parts = each.get("problems", [])
        assert len(notice.problems) == len(parts), notice.problems
        assert all(part in problem for part, problem in zip(parts, notice.problems, strict=True)), notice.problems


def test_there_are_cases() -> None:
    assert CASES
