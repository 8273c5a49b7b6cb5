"""The journal: what was written is there after any crash; what cannot be written is told before anything is sent."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from maintsched.domain.inventory import Secret
from maintsched.errors import Unavailable
from maintsched.services.journal import RESERVED, Journal, process_start, read_journal
from maintsched.state import reveal

HEAD = {"run": "R-1", "primary": "uk-ld4"}
LINES = [("arm", "started", ""), ("shut", "intended", "edge1: vtysh ⟲ no shutdown"), ("restore", "sent", "edge1: é\n2")]


def written(path: Path) -> Journal:
    journal = Journal.open(path, HEAD)
    for line in LINES:
        journal.write(*line)
    return journal


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    journal = written(tmp_path / "deep" / "R-1.jsonl")
    found = read_journal(journal.path)
    assert found is not None
    assert found.head == HEAD
    assert [(e.step, e.state, e.detail) for e in found.entries] == LINES
    assert found.entries == tuple(journal.entries)
    assert (found.has("shut", "intended"), found.has("shut", "sent"), found.ended) == (True, False, False)
    journal.write("run", "ended")
    journal.close()
    closed = read_journal(journal.path)
    assert closed is not None
    assert closed.ended


def test_its_space_is_laid_aside_at_the_start_and_given_back_at_the_end(tmp_path: Path) -> None:
    journal = written(tmp_path / "R-1.jsonl")
    assert journal.path.stat().st_size == RESERVED
    assert journal.path.stat().st_blocks * 512 >= RESERVED
    assert journal.path.stat().st_mode & 0o777 == 0o600
    journal.close()
    journal.close()
    assert journal.path.read_bytes().count(b"\n") == len(LINES) + 1
    assert journal.path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("padding", [b"", b"\0" * 64], ids=["cut", "the rest never reached the disk"])
def test_a_last_line_that_is_cut_anywhere_costs_no_line_before_it(tmp_path: Path, padding: bytes) -> None:
    journal = written(tmp_path / "R-1.jsonl")
    journal.close()
    whole = journal.path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last, len(whole) + 1):
        journal.path.write_bytes(whole[:cut] + padding)
        found = read_journal(journal.path)
        assert found is not None
        entries = [(e.step, e.state, e.detail) for e in found.entries]
        assert entries == (LINES if cut >= len(whole) - 1 else LINES[:-1])


def test_a_journal_that_is_cut_in_its_first_line_is_none(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "R-1.jsonl", HEAD)
    journal.close()
    whole = journal.path.read_bytes()
    for cut in range(len(whole) - 1):
        journal.path.write_bytes(whole[:cut] + b"\0" * 8)
        assert read_journal(journal.path) is None


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path / "R-1.jsonl").close()
    before = (tmp_path / "R-1.jsonl").read_bytes()
    with pytest.raises(Unavailable, match="cannot be written: File exists"):
        Journal.open(tmp_path / "R-1.jsonl", HEAD)
    assert (tmp_path / "R-1.jsonl").read_bytes() == before


def test_no_secret_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_PASSWORD", "hunter2-of-the-journal")
    reveal(Secret(env="EDGE_PASSWORD"), "routers.edge1.password")
    journal = Journal.open(tmp_path / "R-1.jsonl", HEAD)
    entry = journal.write("shut", "failed", "login with hunter2-of-the-journal refused")
    journal.close()
    assert entry.detail == "login with [redacted] refused"
    assert b"hunter2" not in journal.path.read_bytes()


# A full disk, which a limit of the file's size stands for: the kernel takes what fits and refuses the rest.

FULL = """
import json, resource, sys
from pathlib import Path
from maintsched.errors import Unavailable
from maintsched.services.journal import RESERVED, Journal, read_journal

path, spare, must = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "must"
resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVED + spare, RESERVED + spare))
said = []
try:
    journal = Journal.open(path, {"run": "R-1"})
    for number in range(1000):
        journal.write("hold", "note", f"{number} " + "x" * 3000, must=must)
    journal.write("run", "ended", must=must)
    journal.close()
except Unavailable as error:
    said.append(error.message)
found = read_journal(path) if path.exists() else None
details = [int(e.detail.split()[0]) for e in found.entries if e.step == "hold"] if found else None
kept = len(journal.entries) if found else None
print(json.dumps({"said": said, "read": details, "kept": kept, "ended": bool(found and found.ended)}))
"""


def on_a_full_disk(path: Path, spare: int, must: str) -> dict[str, list[int] | list[str] | int | None]:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(spare), must],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, list[int] | list[str] | int | None] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("spare", [0, 1, 1500, 3000])
def test_a_full_disk_stops_what_must_be_written_and_keeps_every_line_before(tmp_path: Path, spare: int) -> None:
    found = on_a_full_disk(tmp_path / "R-1.jsonl", spare, "must")
    assert found["said"] == [f"the journal {tmp_path / 'R-1.jsonl'} cannot be written: File too large"]
    read = found["read"]
    assert isinstance(read, list)
    assert len(read) > 300
    assert read == list(range(len(read)))


def test_a_full_disk_does_not_stop_restoring(tmp_path: Path) -> None:
    found = on_a_full_disk(tmp_path / "R-1.jsonl", 100, "may")
    assert found["said"] == []
    assert found["kept"] == 1001
    read = found["read"]
    assert isinstance(read, list)
    assert read == list(range(len(read)))
    assert found["ended"] is True  # a shorter line still fits where a longer one did not


def test_without_room_for_its_space_no_journal_is_opened_and_none_left_behind(tmp_path: Path) -> None:
    found = on_a_full_disk(tmp_path / "R-1.jsonl", -1, "must")
    assert found["said"] == [f"the journal {tmp_path / 'R-1.jsonl'} cannot be written: File too large"]
    assert not (tmp_path / "R-1.jsonl").exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written: Not a directory"):
        Journal.open(tmp_path / "file" / "journal" / "R-1.jsonl", HEAD)


# Whether a runner still lives.


def test_a_process_is_known_by_when_it_started() -> None:
    own = process_start(os.getpid())
    assert own is not None
    assert own == process_start(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert process_start(child.pid) not in (None, own)
        assert process_start(child.pid) == process_start(child.pid)
    finally:
        child.communicate(b"\n")
    assert process_start(child.pid) is None


def test_a_process_that_ended_but_was_not_waited_for_is_gone() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(child.pid) is None
    child.wait()


def test_a_process_may_have_any_name(tmp_path: Path) -> None:
    program = tmp_path / ") S 1 2 (\udcff"
    program.symlink_to("/bin/cat")
    child = subprocess.Popen([str(program)], stdin=subprocess.PIPE)
    try:
        assert str(process_start(child.pid)).isdigit()
    finally:
        child.communicate()
