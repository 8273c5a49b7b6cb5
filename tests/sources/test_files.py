"""Files and folders: what is new is taken once, and what cannot be read is never taken for nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from maintsched.domain.inventory import Source
from maintsched.errors import Unavailable
from maintsched.sources import INPUT_LIMIT, Fetched, fetch, files

HOUR_AGO = 3600


def aged(path: Path, data: bytes) -> Path:
    """A file that was last written an hour ago."""
    path.write_bytes(data)
    os.utime(path, (time.time() - HOUR_AGO,) * 2)
    return path


def settled(*paths: Path) -> None:
    """Wait until none of the files counts as just written."""
    deadline = time.monotonic() + 10
    while any(files._is_recent(path) for path in paths):
        assert time.monotonic() < deadline
        Event().wait(0.05)


def look(path: Path, before: Fetched | None = None) -> Fetched:
    return fetch(Source("inbox", str(path)), before.validators if before else "", seconds=10)


def names(found: Fetched) -> list[str]:
    return [Path(message.origin).name for message in found.messages]


def test_a_folder_gives_its_messages_in_order_of_name_and_says_where_each_lay(tmp_path: Path) -> None:
    for name in ("b.eml", "a.ICS", "c.json"):
        aged(tmp_path / name, name.encode())
    (tmp_path / ".hidden").write_bytes(b"not a message")
    found = look(tmp_path)
    assert [(message.origin, message.data) for message in found.messages] == [
        (str(tmp_path / name), name.encode()) for name in ("a.ICS", "b.eml", "c.json")
    ]
    assert (found.grows, found.unchanged, found.emptied, found.more) == (True, False, False, False)


def test_a_folder_gives_each_message_once_until_it_changes(tmp_path: Path) -> None:
    aged(tmp_path / "a.eml", b"a")
    b = aged(tmp_path / "b.eml", b"b")
    first = look(tmp_path)
    again = look(tmp_path, first)
    assert (names(first), names(again), again.unchanged) == (["a.eml", "b.eml"], [], True)
    aged(tmp_path / "c.eml", b"c")
    os.utime(b, (1, 1))  # as long as before, and other times
    changed = look(tmp_path, again)
    assert (names(changed), changed.unchanged) == (["b.eml", "c.eml"], False)


def test_a_file_of_the_same_size_and_times_in_anothers_place_is_new(tmp_path: Path) -> None:
    a = aged(tmp_path / "a.eml", b"a")
    first = look(tmp_path)
    times = a.stat()
    other = tmp_path.parent / "other.eml"
    other.write_bytes(b"x")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(a)
    assert [message.data for message in look(tmp_path, first).messages] == [b"x"]


def test_a_file_that_was_just_written_is_taken_and_read_again_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"a")
    first = look(tmp_path)
    assert (names(first), names(look(tmp_path, first))) == (["a.eml"], ["a.eml"])
    settled(tmp_path / "a.eml")
    last = look(tmp_path, look(tmp_path, first))
    assert (names(last), last.unchanged) == ([], True)


def test_a_mail_that_is_still_being_copied_waits_and_holds_up_no_other(tmp_path: Path) -> None:
    aged(tmp_path / "whole.eml", b"whole")
    path, stop, begun = tmp_path / "half.eml", Event(), Event()

    def copy() -> None:
        with path.open("wb", buffering=0) as file:
            while not stop.wait(0.01):
                file.write(b"a line\n")
                begun.set()

    writer = Thread(target=copy)
    writer.start()
    begun.wait(10)
    try:
        found = look(tmp_path)
        with pytest.raises(Unavailable, match=r"half\.eml is being written right now"):
            look(path)
    finally:
        stop.set()
        writer.join()
    assert (names(found), found.more, found.unchanged) == (["whole.eml"], True, False)
    assert "half.eml is still being written" in found.note
    assert "half.eml" in names(look(tmp_path, found))


def test_a_file_that_was_made_and_not_filled_yet_waits(tmp_path: Path) -> None:
    aged(tmp_path / "old.eml", b"")
    (tmp_path / "new.eml").touch()
    found = look(tmp_path)
    assert (names(found), found.more) == (["old.eml"], True)
    (tmp_path / "new.eml").touch()
    waiting = look(tmp_path, found)
    assert (waiting.unchanged, waiting.more, waiting.emptied) == (True, True, False)


def test_archived_messages_are_no_news_but_a_folder_that_lost_them_all_is(tmp_path: Path) -> None:
    a, b = aged(tmp_path / "a.eml", b"a"), aged(tmp_path / "b.eml", b"b")
    first = look(tmp_path)
    a.unlink()
    fewer = look(tmp_path, first)
    assert (fewer.unchanged, fewer.emptied) == (True, False)
    b.unlink()
    emptied = look(tmp_path, fewer)
    assert (emptied.messages, emptied.emptied, emptied.unchanged) == ((), True, False)
    assert look(tmp_path, emptied).emptied  # until there is something again
    aged(a, b"new")
    assert not look(tmp_path, emptied).emptied


def test_a_folder_that_never_held_anything_is_no_news(tmp_path: Path) -> None:
    first = look(tmp_path)
    assert (first.messages, first.unchanged, first.emptied) == ((), True, False)
    assert look(tmp_path, first).unchanged


def test_a_file_is_given_whole_each_time_that_it_changed(tmp_path: Path) -> None:
    path = aged(tmp_path / "spotware.ics", b"one")
    first = look(path)
    assert ([message.data for message in first.messages], first.grows, first.unchanged) == ([b"one"], False, False)
    again = look(path, first)
    assert (again.messages, again.unchanged, again.grows) == ((), True, False)
    path.write_bytes(b"two")
    assert [message.data for message in look(path, again).messages] == [b"two"]
    assert [message.data for message in look(path).messages] == [b"two"]


@pytest.mark.parametrize("validators", ["{", "[]", "{}", '{"from": 1}', '{"from": "HERE", "held": true}', "nonsense"])
def test_validators_that_cannot_be_read_mean_that_nothing_is_known(tmp_path: Path, validators: str) -> None:
    path = aged(tmp_path / "a.eml", b"a")
    found = fetch(Source("inbox", str(tmp_path)), validators.replace("HERE", str(tmp_path)), seconds=10)
    assert (names(found), found.emptied) == ([path.name], False)


def test_validators_of_another_place_mean_that_nothing_is_known(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    path = aged(tmp_path / "one" / "a.eml", b"a")
    path.rename(tmp_path / "other" / "a.eml")
    elsewhere = look(tmp_path / "one")
    assert names(look(tmp_path / "other", elsewhere)) == ["a.eml"]
    assert not look(tmp_path / "one", look(tmp_path / "other")).emptied


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another suffix": (lambda folder: (folder / "a.pdf").write_bytes(b""), r"a\.pdf is no message"),
    "no suffix": (lambda folder: (folder / "1700000000.host:2,S").write_bytes(b""), "is no message"),
    "an inner folder": (lambda folder: (folder / "cur").mkdir(), "has folders in it"),
    "a link that leads nowhere": (lambda folder: (folder / "a.eml").symlink_to("gone"), r"a\.eml is no message"),
    "a pipe": (lambda folder: os.mkfifo(folder / "a.eml"), r"a\.eml is no message"),
    "a file too large": (lambda folder: (folder / "a.eml").write_bytes(bytes(INPUT_LIMIT + 1)), "allowed 20971520"),
}


@pytest.mark.parametrize(("put", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_folder_with_something_that_would_be_overlooked_is_refused(
    tmp_path: Path, put: Callable[[Path], object], reason: str
) -> None:
    aged(tmp_path / "b.eml", b"b")
    put(tmp_path)
    with pytest.raises(Unavailable, match=reason) as failure:
        look(tmp_path)
    assert failure.value.hint


@pytest.mark.parametrize("name", ["gone", "gone/a.ics", "a.ics/b"])
def test_what_is_not_there_is_unavailable_and_not_empty(tmp_path: Path, name: str) -> None:
    aged(tmp_path / "a.ics", b"a")
    with pytest.raises(Unavailable, match=r"No such file|Not a directory"):
        look(tmp_path / name)


def test_a_pipe_is_no_calendar_and_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.ics")
    with pytest.raises(Unavailable, match="neither a file nor a folder"):
        look(tmp_path / "a.ics")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
    try:
        with pytest.raises(Unavailable, match=r"Permission denied"):
            look(Path("/etc/shadow"))
    finally:
        os.seteuid(os.getuid())
        os.setegid(os.getgid())


def test_a_name_that_is_not_utf_8_can_be_stored(tmp_path: Path) -> None:
    aged(Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.eml")), b"a")
    found = look(tmp_path)
    assert found.messages[0].origin.encode().endswith("a\ufffd.eml".encode())
    assert look(tmp_path, found).unchanged


def test_a_folder_of_many_files_goes_on_where_the_run_ended(tmp_path: Path) -> None:
    for number in range(7):
        with (tmp_path / f"{number}.txt").open("wb") as file:
            file.truncate(INPUT_LIMIT)
        os.utime(tmp_path / f"{number}.txt", (1, 1))
    first = look(tmp_path)
    assert (names(first), first.more, first.note) == (
        [f"{number}.txt" for number in range(6)],
        True,
        "1 files wait for the next run",
    )
    last = look(tmp_path, first)
    assert (names(last), last.more, last.note) == (["6.txt"], False, "")
