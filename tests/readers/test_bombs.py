"""Small calendars that are made to exhaust who reads them, through the process that reads what nobody vouches for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import MAX_TITLE
from maintsched.services.confining import Confined

from .bombs import SOUND, WHOLE_FILES, bombs
from .given import HORIZON, origin

BOMBS = bombs()


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    with Confined(wall=60) as reader:  # a busy machine is not what is tested
        yield reader


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in WHOLE_FILES])
def test_a_bomb_is_read_or_doubted_and_what_stands_beside_it_is_read(confined: Confined, name: str) -> None:
    notices = confined.read(BOMBS[name], origin())  # raises where it takes 2 s of computing, or the memory of it
    (sound,) = [notice for notice in notices if notice.uid == SOUND]
    assert sound.interval is not None
    assert sound.problems == ()
    for notice in notices:
        assert notice.interval is not None or notice.problems
        assert len(notice.title) <= MAX_TITLE


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_a_file_that_is_nothing_but_a_bomb_is_refused_in_one_line(confined: Confined, name: str) -> None:
    with pytest.raises(NoticeUnreadable) as refused:
        confined.read(BOMBS[name], origin())
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_among_the_freezes_is_an_error_or_read_never_a_crash(confined: Confined, name: str) -> None:
    try:
        found = confined.read_freezes(BOMBS[name], HORIZON)
    except NoticeUnreadable as error:
        assert "\n" not in error.message  # noqa: PT017 (it may also be read)
    else:
        assert any(title == "Sound" for _, title in found.freezes)


def test_memory_stays_under_200_mib(confined: Confined) -> None:
    confined.read(BOMBS["hourly"], origin())
    status = Path(f"/proc/{confined.pid}/status")
    if not status.exists():
        pytest.skip("reads /proc")
    (peak,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    assert int(peak) < 200 * 1024
