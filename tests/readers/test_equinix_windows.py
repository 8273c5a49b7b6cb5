"""Equinix mails with several windows: lists and blocks that must pair, halves that repeat each other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from maintsched.domain.maintenance import key_of
from maintsched.domain.notice import Notice
from maintsched.readers import read
from maintsched.readers.equinix_metros import zone_of_code

from .given import origin, shown
from .test_equinix import body, mail

FIRST = "2026-12-09T01:00Z/2026-12-09T05:00Z"
SECOND = "2026-12-10T01:00Z/2026-12-10T05:00Z"
ONE = "WEDNESDAY, 09 DEC 01:00 - WEDNESDAY, 09 DEC 05:00"
TWO = "THURSDAY, 10 DEC 01:00 - THURSDAY, 10 DEC 05:00"
THREE = "FRIDAY, 11 DEC 01:00 - FRIDAY, 11 DEC 05:00"


def notices(
    changes: Mapping[str, str | None], before: str = "", subject: str = "Splicing [CHG0300101]"
) -> list[Notice]:
    fields = {"SPAN": "09-DEC-2026 - 10-DEC-2026", "LOCAL": None, "UTC": None, **changes}
    return list(read(mail(body(fields, before=before), subject=subject), origin()))


LISTS = [
    # (LOCAL, UTC, the windows; none: in doubt, what the doubt says)
    (None, f"{ONE} and {TWO}", [FIRST, SECOND], ""),
    (None, f"{TWO}, {ONE}", [FIRST, SECOND], ""),
    (None, f"{ONE}<br>{TWO}", [FIRST, SECOND], ""),
    (None, f"{ONE}<br><br>{TWO}", [FIRST, SECOND], ""),
    (None, f"<br>- {ONE}<br>- {TWO}", [FIRST, SECOND], ""),
    (None, f"<ul><li>{ONE}</li><li>{TWO}</li></ul>", [FIRST, SECOND], ""),
    (None, f"{ONE} / {ONE} / {TWO}", [FIRST, SECOND], ""),
    (f"{ONE}; {TWO}", f"{TWO}; {ONE}", [FIRST, SECOND], ""),
    (f"{ONE}; {TWO}", None, [FIRST, SECOND], ""),
    (ONE, f"{ONE}; {TWO}", [], "do not give as many windows"),
    (f"{ONE}; {TWO}", ONE, [], "do not give as many windows"),
    (f"{ONE}; {TWO}", f"{ONE}; THURSDAY, 10 DEC 02:00 - 06:00", [], "not the same in Europe/London"),
    (None, f"{ONE}; {THREE}; SATURDAY, 12 DEC 01:00 - 02:00", [], "is not near"),
    (None, f"{ONE}; WEDNESDAY, 09 DEC 04:00 - 06:00", [], "UTC is given as"),
    (None, f"{ONE}; TUESDAY, 10 DEC 01:00 - 05:00", [], "2026-12-10 is a Thursday"),
    (f"{ONE}; {THREE}", f"{ONE}; {THREE}", [], "outside of SPAN"),
    (None, f"{ONE} and 09:00 - 10:00", [], "belongs to no window"),
]


@pytest.mark.parametrize(("local", "utc", "windows", "says"), LISTS)
def test_lists_of_windows(local: str | None, utc: str | None, windows: list[str], says: str) -> None:
    found = notices({"LOCAL": local, "UTC": utc})
    assert [shown(notice.interval) for notice in found] == (windows or [""])
    assert [notice.part for notice in found] == list(range(1, len(found) + 1))
    assert all((says in " ".join(notice.problems)) if says else notice.problems == () for notice in found)


def test_each_further_window_is_a_maintenance_of_its_own() -> None:
    found = notices({"UTC": f"{ONE} and {TWO}"})
    assert [key_of(notice)[2] for notice in found] == ["CHG0300101", "CHG0300101#2"]
    assert found[0].objects == found[1].objects != ()


def block(span: str, window: str, local: bool = True) -> str:
    return (
        f"<p><b>SPAN:</b> {span}<br>" + (f"<b>LOCAL:</b> {window}<br>" if local else "") + f"<b>UTC:</b> {window}</p>"
    )


BLOCKS = [
    ([("09-DEC-2026", ONE), ("10-DEC-2026", TWO)], True, [FIRST, SECOND], ""),
    ([("10-DEC-2026", TWO), ("09-DEC-2026", ONE)], True, [FIRST, SECOND], ""),
    ([("09-DEC-2026", ONE), ("10-DEC-2026", TWO)], False, [FIRST, SECOND], ""),
    ([("09-DEC-2026", ONE), ("09-DEC-2026", ONE)], True, [FIRST], ""),
    ([("09-DEC-2026", ONE), ("10-DEC-2026", ONE)], True, [], "not each has its window"),
    ([("09-DEC-2026", ONE), ("10-DEC-2026", ONE)], False, [], "not each has its window"),
    ([("09-DEC-2026", ONE), ("09-DEC-2026", TWO)], False, [], "UTC is given as"),
]


@pytest.mark.parametrize(("blocks", "local", "windows", "says"), BLOCKS)
def test_blocks_of_span_local_and_utc(
    blocks: list[tuple[str, str]], local: bool, windows: list[str], says: str
) -> None:
    text = "".join(block(f"{day} - {day}", window, local) for day, window in blocks)
    found = notices({"SPAN": None}, before=text)
    assert [shown(notice.interval) for notice in found] == (windows or [""])
    assert all((says in " ".join(notice.problems)) if says else notice.problems == () for notice in found)


HALVES = [
    ("WOENSDAG, 09 DEC 01:00 - WOENSDAG, 09 DEC 05:00; DONDERDAG, 10 DEC 01:00 - DONDERDAG, 10 DEC 05:00", ""),
    ("KESKIVIIKKO, 09 JOULU 01:00 - KESKIVIIKKO, 09 JOULU 05:00", ""),
    ("WOENSDAG, 09 DEC 01:00 - WOENSDAG, 09 DEC 06:00; DONDERDAG, 10 DEC 01:00 - DONDERDAG, 10 DEC 05:00", "given as"),
    ("WOENSDAG, 09 DEC 01:00 - WOENSDAG, 09 DEC 05:00", "given as"),
]


@pytest.mark.parametrize(("other", "says"), HALVES)
def test_a_half_in_another_language_repeats_the_windows(other: str, says: str) -> None:
    found = notices({"UTC": f"{ONE}; {TWO}"}, before=f"<p>UTC: {other}</p>")
    assert [shown(notice.interval) for notice in found] == ([""] if says else [FIRST, SECOND])
    assert says in " ".join(found[0].problems)


def test_a_window_outside_of_the_labels_must_be_one_of_theirs() -> None:
    same, other = ({"UTC": ONE, "DESCRIPTION": f"Access is needed {when}"} for when in (ONE, TWO))
    assert [shown(notice.interval) for notice in notices(same)] == [FIRST]
    (doubtful,) = notices(other)
    assert doubtful.interval is None
    assert "stands outside of UTC and LOCAL" in doubtful.problems[0]


def test_one_window_that_is_too_long_does_not_stain_the_other() -> None:
    found = notices(
        {"SPAN": "05-DEC-2026 - 10-DEC-2026", "UTC": f"SATURDAY, 05 DEC 01:00 - MONDAY, 07 DEC 01:00; {TWO}"}
    )
    assert [len(notice.problems) for notice in found] == [1, 0]


ZONES = [
    ("LD4", "Europe/London"),
    ("EqLD5", "Europe/London"),
    ("ld7", "Europe/London"),
    ("LD", "Europe/London"),
    ("PA8x", "Europe/Paris"),
    ("NY2", "America/New_York"),
    ("TY11", "Asia/Tokyo"),
    ("MX1", "America/Mexico_City"),
    ("AE1", "Australia/Adelaide"),
    ("MB2", "Asia/Kolkata"),
    ("JN1", "Africa/Johannesburg"),
    ("QQ2", None),
    ("DUB1", None),
    ("SYD2", None),
    ("London", None),
    ("LD4 and more", None),
    ("", None),
]


@pytest.mark.parametrize(("code", "zone"), ZONES)
def test_zones_of_codes(code: str, zone: str | None) -> None:
    assert zone_of_code(code) == zone
