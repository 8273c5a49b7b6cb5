"""What a calendar may put into a Notice: text of one line that a person can see, and not too much of it."""

from __future__ import annotations

import unicodedata
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintsched.domain.notice import Notice
from maintsched.readers import read
from maintsched.readers.contentlines import MAX_ID, MAX_TITLE, clean
from maintsched.readers.freezes import read_freezes

from .given import HORIZON, calendar, maintnote, one, origin, plain_event

UNSEEN = {
    "escape": "\x1b",
    "bell": "\x07",
    "delete": "\x7f",
    "CSI of C1": "\x9b",
    "next line of C1": "\x85",
    "soft hyphen": "\xad",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "isolate": "\u2066",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "Hangul filler": "\u3164",
    "language tag": "\U000e0041",
    "last tag": "\U000e007f",
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_is_not_seen_is_not_in_a_notice(name: str) -> None:
    char = UNSEEN[name]
    dirty = f"WO{char}-7{char}"
    plain = one(calendar(plain_event(":20261209T010000Z", ":20261209T050000Z").replace("u1", dirty), header=""))
    assert plain.uid == "WO-7"
    assert plain.maintenance_id == "box:WO-7"
    names = ("PROVIDER", "ACCOUNT", "MAINTENANCE-ID", "OBJECT-ID")
    ids = {**{f"X-MAINTNOTE-{name}": dirty for name in names}, "UID": dirty, "SUMMARY": dirty}
    notice = one(calendar(maintnote({**ids, "ORGANIZER": f"mailto:{dirty}"})))
    assert {notice.provider, notice.account, notice.maintenance_id, notice.uid, notice.title, notice.sender} == {"WO-7"}
    assert [item.object_id for item in notice.objects] == ["WO-7"]


def test_what_is_only_blank_is_left_as_one_blank() -> None:
    assert clean(" a\t\tb \xa0 c\u3000\r\n d ") == "a b c d"


def test_letters_of_all_scripts_stay() -> None:
    for text in (
        "Kabelwechsel Köln",
        "Замена кабеля",
        "ケーブル交換",
        "תחזוקה",
        "صيانة",
        "naïve — “quoted”",
        "🚧 work",
    ):
        assert clean(text) == text


LONG = [
    ({"UID": "u" * 5000}, "UID (line 5) has 5000 characters, more than 200 are not read"),
    ({"X-MAINTNOTE-MAINTENANCE-ID": "m" * 201}, "X-MAINTNOTE-MAINTENANCE-ID (line 13) has 201 characters"),
    ({"X-MAINTNOTE-OBJECT-ID": "o" * 201}, "X-MAINTNOTE-OBJECT-ID (line 14) has 201 characters"),
    ({"X-MAINTNOTE-PROVIDER": "p" * 201}, "X-MAINTNOTE-PROVIDER (line 11) has 201 characters"),
    ({"X-MAINTNOTE-ACCOUNT": "a" * 201}, "X-MAINTNOTE-ACCOUNT (line 12) has 201 characters"),
    ({"SUMMARY": "s" * 301}, "SUMMARY (line 4) has 301 characters, more than 300 are not read"),
]


@pytest.mark.parametrize(("changes", "says"), LONG, ids=[str(*case[0]) for case in LONG])
def test_a_text_that_is_too_long_is_cut_and_said(changes: dict[str, str | None], says: str) -> None:
    notice = one(calendar(maintnote(changes)))
    assert any(problem.startswith(says) for problem in notice.problems)
    assert len(notice.title) <= MAX_TITLE
    ids = (notice.uid, notice.provider, notice.account, notice.maintenance_id, *(o.object_id for o in notice.objects))
    assert max(map(len, ids)) <= MAX_ID


def test_a_text_of_just_the_allowed_length_is_whole_and_no_problem() -> None:
    notice = one(calendar(maintnote({"SUMMARY": "s" * 300, "UID": "u" * 200})))
    assert (notice.title, notice.uid, notice.problems) == ("s" * 300, "u" * 200, ())


def test_two_long_ids_that_differ_at_the_end_stay_two() -> None:
    first, second = (maintnote({"X-MAINTNOTE-MAINTENANCE-ID": "m" * 400 + end}) for end in "ab")
    ids = {notice.maintenance_id for notice in read(calendar(first, second), origin())}
    assert len(ids) == 2


QUOTED = [
    "DTSTART:\x1b[31m{0}\nDTEND:20261209T050000Z",
    "DTSTART;TZID=\u202e{0}\x07:20261209T010000\nDTEND:20261209T050000Z",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nSTATUS:\u202e{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nSEQUENCE:\u202e{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nRRULE:FREQ=\u202e{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nRRULE:FREQ=DAILY;UNTIL=\u202e{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nRRULE:FREQ=DAILY;\u202e{0}=1",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nRDATE:\x1b{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\n\x1b{0} stands alone",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nDURATION:\u202e{0}",
    "DTSTART:20261209T010000Z\nDTEND:20261209T050000Z\nDTSTAMP:\u202e{0}",
]


@pytest.mark.parametrize("lines", QUOTED)
@pytest.mark.parametrize("word", ["x", "x" * 5000])
def test_what_a_problem_quotes_can_be_shown_on_a_terminal(lines: str, word: str) -> None:
    notice = one(calendar(f"UID:a\n{lines.format(word)}"))
    assert notice.problems
    for problem in notice.problems:
        assert problem.isprintable()
        assert len(problem) < 300


def texts_of(notice: Notice) -> list[str]:
    values = [getattr(notice, field.name) for field in fields(notice)]
    plain = [value for value in values if type(value) is str]
    lists = [item for value in values if isinstance(value, tuple) for item in value if isinstance(item, str)]
    return [*plain, *lists, *(item.object_id for item in notice.objects)]


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_characters="\r\n"), max_size=30),
    st.sampled_from([maintnote(), plain_event(":1", ":2")]),
)
def test_no_text_of_a_calendar_brings_anything_unseen_into_a_notice(text: str, event: str) -> None:
    lines = "".join(f"{line}{text}\n" for line in event.splitlines() if line)
    data = calendar(lines).decode() if not _has_half(text) else ""
    for notice in read(data.encode(), origin()) if data else ():
        for told in texts_of(notice):
            assert not {unicodedata.category(char) for char in told} & {"Cc", "Cs", "Zl", "Zp"}
            assert not any(char in UNSEEN.values() for char in told)
            assert len(told) <= 1000


def _has_half(text: str) -> bool:
    return any(unicodedata.category(char) == "Cs" for char in text)


def test_titles_of_freezes_are_cleaned_too() -> None:
    event = "UID:a\nSUMMARY:News\u202e\x1b day\nDTSTART:20261209T010000Z\nDTEND:20261209T050000Z"
    assert [title for _, title in read_freezes(calendar(event), HORIZON).freezes] == ["News day"]
