"""The process that reads what nobody vouches for: its limits, what it is given, and that it never outlives us."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maintsched.domain.notice import Impact
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read
from maintsched.readers.freezes import read_freezes
from maintsched.readers.worker import MEMORY, OPEN_FILES, origin_fields, origin_of
from maintsched.services.confining import Confined

from ..readers.given import HORIZON, calendar, maintnote, origin, plain_event

EVENT = plain_event(":20261209T010000Z", ":20261209T050000Z")
SOUND = calendar(EVENT)
# Grows for as long as it is let: many events, each of which must be kept.
HEAVY = calendar(*["UID:a\nX-A:b\n" + "X-B:c\n" * 4000] * 250)
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    with Confined() as reader:
        yield reader


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    waiting = select.poll()
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        waiting.poll(20)
    return held


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


READ = {
    "a maintnote": calendar(maintnote()),
    "a rule": calendar(plain_event(":20260704T080000Z", ":20260704T090000Z", "RRULE:FREQ=WEEKLY;COUNT=9")),
    "whole days, doubted": calendar(plain_event(";VALUE=DATE:20260704", ";VALUE=DATE:20260705")),
    "no events": calendar(),
    "text of all kinds": calendar("UID:ä\u202e€\U0001f600\nSUMMARY:Кабель\nDTSTART:20261209T010000Z\nDURATION:PT1H"),
}


@pytest.mark.parametrize("name", READ)
def test_what_comes_back_is_what_reading_here_gives(confined: Confined, name: str) -> None:
    given = origin(timezone="Europe/London", place_zone="Asia/Singapore", provider="P", impact=Impact.DEGRADED)
    assert confined.read(READ[name], given) == read(READ[name], given)


def test_freezes_come_back_as_read_here_with_how_far_they_are_known(confined: Confined) -> None:
    calendars = Path(__file__).parents[2] / "calendars"
    for name in ("fx-week", "fx-rollover", "news-days"):
        data = calendars.joinpath(f"{name}.ics").read_bytes()
        assert confined.read_freezes(data, HORIZON) == read_freezes(data, HORIZON)


def test_an_origin_goes_over_whole() -> None:
    given = origin(
        provider="P",
        timezone="NY+7",
        site_zones={"LD4": "Europe/London"},
        impact=Impact.DEGRADED,
        impacts=(("*demo*", Impact.NO_IMPACT),),
        place_zone="Europe/London",
    )
    assert origin_of(origin_fields(given)) == given


UNREADABLE = [b"", b"hello", b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 100]


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_cannot_be_read_here_cannot_be_read_there_for_the_same_reason(confined: Confined, data: bytes) -> None:
    with pytest.raises(NoticeUnreadable) as here:
        read(data, origin())
    pid = confined.pid
    with pytest.raises(NoticeUnreadable) as there:
        confined.read(data, origin())
    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)
    assert pid is None or confined.pid == pid, "a file that is wrong does not end the process"


def test_the_process_is_started_at_the_first_request_used_for_all_and_ended() -> None:
    with Confined() as reader:
        assert reader.pid is None
        reader.read(SOUND, origin())
        first = reader.pid
        assert first is not None
        reader.read(SOUND, origin())
        assert reader.pid == first
    assert reader.pid is None
    assert is_gone(first)


def test_too_much_computing_ends_the_request_not_the_program() -> None:
    with Confined(cpu=0.2, wall=60) as reader:
        reader.read(SOUND, origin())
        first = reader.pid
        with pytest.raises(NoticeUnreadable, match=r"^box: reading it takes more than 0\.2 s of computing") as refused:
            reader.read(calendar(*[EVENT] * 20_000), origin())
        assert "\n" not in refused.value.message
        assert "split the file" in refused.value.hint
        assert len(reader.read(SOUND, origin())) == 1
        assert reader.pid not in (None, first)


def test_computing_is_counted_for_each_request_alone() -> None:
    with Confined(cpu=0.4, wall=60) as reader:
        many = calendar(*[EVENT] * 400)
        began = time.monotonic()
        pids = set()
        while time.monotonic() - began < 1.5:
            reader.read(many, origin())
            pids.add(reader.pid)
        assert len(pids) == 1


def test_too_much_memory_ends_the_request_not_the_program() -> None:
    with Confined(cpu=60, wall=60) as reader:
        with pytest.raises(
            NoticeUnreadable, match=rf"^box: reading it takes more than {MEMORY // 2**20} MiB of memory"
        ):
            reader.read(HEAVY, origin())
        assert len(reader.read(SOUND, origin())) == 1


def test_one_that_does_not_answer_is_ended() -> None:
    with Confined(wall=0.5) as reader:
        reader.read(SOUND, origin())
        assert reader.pid is not None
        os.kill(reader.pid, signal.SIGSTOP)
        stopped = reader.pid
        with pytest.raises(NoticeUnreadable, match=r"took longer than 0\.5 s"):
            reader.read(SOUND, origin())
        assert is_gone(stopped)
        assert len(reader.read(SOUND, origin())) == 1


def test_one_that_was_killed_between_requests_is_started_again() -> None:
    with Confined() as reader:
        reader.read(SOUND, origin())
        assert reader.pid is not None
        os.kill(reader.pid, signal.SIGKILL)
        assert eventually(lambda: reader.pid is None)
        assert len(reader.read(SOUND, origin())) == 1


def test_more_than_a_request_may_hold_is_refused_before_it_is_sent(confined: Confined) -> None:
    with pytest.raises(NoticeUnreadable, match="bytes, more than"):
        confined.read(b"x" * (64 * 1024 * 1024 + 1), origin())


@linux
def test_it_has_no_environment_no_files_of_ours_and_little_of_everything() -> None:
    inherited = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    with Confined() as reader:
        reader.read(SOUND, origin())
        process = Path(f"/proc/{reader.pid}")
        opened = {str(link.readlink()) for link in process.joinpath("fd").iterdir()}
        limits = process.joinpath("limits").read_text()
        environment = process.joinpath("environ").read_bytes()
    os.close(inherited)
    assert environment == b""
    assert {name.partition(":")[0] for name in opened} == {"/dev/null", "pipe"}
    for name, value in (
        ("Max data size", MEMORY),
        ("Max open files", OPEN_FILES),
        ("Max file size", 0),
        ("Max processes", 0),
        ("Max core file size", 0),
    ):
        (line,) = (line for line in limits.splitlines() if line.startswith(f"{name} "))
        assert line.removeprefix(name).split()[:2] == [str(value)] * 2, line


@linux
def test_it_stays_under_200_mib_while_it_reads_as_much_as_it_can() -> None:
    with Confined(cpu=60, wall=60) as reader:
        assert len(reader.read(calendar(*[EVENT] * 16_000), origin())) == 16_000
        assert reader.pid is not None
        status = status_of(reader.pid)
    limits = (MEMORY // 1024, int(status["VmPeak"].split()[0]))
    assert max(limits) < 200 * 1024


@linux
def test_it_ends_with_the_program_however_that_ends() -> None:
    script = (
        "import sys\n"
        "from maintsched.services.confining import Confined\n"
        "from tests.services.test_confining import SOUND, origin\n"
        "reader = Confined()\n"
        "reader.read(SOUND, origin())\n"
        "print(reader.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as program:
        assert program.stdout is not None
        child = int(program.stdout.readline())
        assert not is_gone(child)
        program.kill()
    assert eventually(lambda: is_gone(child))


def test_where_python_is_missing_the_source_is_unavailable_not_unreadable(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        f"sys.executable = {str(tmp_path / 'none')!r}\n"
        "from maintsched.errors import Unavailable\n"
        "from maintsched.services.confining import Confined\n"
        "from tests.services.test_confining import SOUND, origin\n"
        "try:\n"
        "    Confined().read(SOUND, origin())\n"
        "except Unavailable as error:\n"
        "    print(error.message)\n"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert told.stdout.startswith("the process that reads calendars does not start: "), told.stderr


def test_times_keep_their_zone_on_the_way(confined: Confined) -> None:
    (notice,) = confined.read(SOUND, origin())
    assert notice.interval is not None
    assert notice.interval.start == datetime(2026, 12, 9, 1, tzinfo=UTC)
