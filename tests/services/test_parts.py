"""A ticket with several windows is several maintenances, and none of them is forgotten."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Source
from maintsched.domain.matching import Aliases
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.services.taking import Known, Message, Taking, Unit
from maintsched.store import maintenances, notices, tickets
from tests.cli.driving import Desk, at

FIRST, SECOND, LATER = Interval(at(1), at(3)), Interval(at(1, 1), at(3, 1)), Interval(at(5), at(7))


def notice(interval: Interval | None, part: int = 1, number: int = 1, status: Status = Status.CONFIRMED) -> Notice:
    return Notice(
        provider="Equinix",
        account="",
        maintenance_id="CHG1",
        uid="CHG1",
        title="Two nights",
        stamp=datetime(2026, 1, number, tzinfo=UTC),
        interval=interval,
        status=status,
        impact=Impact.OUTAGE,
        objects=(ObjectImpact("20931178-A"),),
        part=part,
    )


def take(desk: Desk, *said: Notice) -> None:
    """One message with these notices arrives."""
    with desk.project() as project, project.store.write(Actor("test", "test")) as tx:
        name = repr(said)
        message = Message(f"{hash(name):x}", name.encode(), "test", "", "")
        units = [Unit(message, n, each, "", said, n == len(said) - 1) for n, each in enumerate(said)]
        inventory = project.inventory
        taking = Taking(tx, inventory, Source("equinix", ""), Aliases(inventory), (), Known())
        taking.take(units)
        tickets.save(tx, taking.known.changed, taking.loose)
        tx.audit("test", "test", {})


def known(desk: Desk) -> dict[str, tuple[Interval | None, str]]:
    with desk.project() as project, project.store.read() as tx:
        found = [each.maintenance for each in maintenances.maintenances(tx)]
        return {each.key[2]: (each.interval, each.status.value) for each in found}


def waiting(desk: Desk) -> list[str]:
    with desk.project() as project, project.store.read() as tx:
        return [each.reason for each in notices.notices(tx, state="review")]


def test_each_window_blocks(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    assert known(desk) == {"CHG1": (FIRST, "CONFIRMED"), "CHG1#2": (SECOND, "CONFIRMED")}
    assert desk.book("uk-ld4", at(2)).code == desk.book("uk-ld4", at(2, 1)).code == 3


def test_a_cancellation_of_the_whole_frees_all(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(None, number=2, status=Status.CANCELLED))
    assert known(desk) == {"CHG1": (FIRST, "CANCELLED"), "CHG1#2": (SECOND, "CANCELLED")}
    assert waiting(desk) == []


def test_a_cancellation_of_one_frees_one_and_asks_for_the_other(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(FIRST, number=2, status=Status.CANCELLED))
    assert known(desk) == {"CHG1": (FIRST, "CANCELLED"), "CHG1#2": (SECOND, "CONFIRMED")}
    (reason,) = waiting(desk)
    assert reason.startswith("the newest notice of CHG1 has 1 window")


def test_a_time_that_is_none_of_the_windows_counts_too_and_a_person_is_asked(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(LATER, number=2))
    assert known(desk) == {
        "CHG1": (FIRST, "CONFIRMED"),
        "CHG1#2": (SECOND, "CONFIRMED"),
        "CHG1#3": (LATER, "CONFIRMED"),
    }
    reasons = " ".join(waiting(desk))
    assert "has 2 windows, and this is the time of none of them" in reasons
    assert "has 1 window; this one, of an earlier notice, is not among them" in reasons
    take(desk, notice(FIRST, number=3), notice(SECOND, part=2, number=3), notice(LATER, part=3, number=3))
    assert waiting(desk) == []


def test_a_reminder_or_end_of_the_second_window_alone_is_about_that_one(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(SECOND, number=2))
    assert known(desk) == {"CHG1": (FIRST, "CONFIRMED"), "CHG1#2": (SECOND, "CONFIRMED")}
    take(desk, notice(SECOND, number=3, status=Status.CANCELLED))
    assert known(desk) == {"CHG1": (FIRST, "CONFIRMED"), "CHG1#2": (SECOND, "CANCELLED")}


def test_windows_that_all_move_keep_their_order_and_a_further_one_is_new(desk: Desk) -> None:
    third = Interval(at(1, 2), at(3, 2))
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(LATER, number=2), notice(SECOND, part=2, number=2), notice(third, part=3, number=2))
    assert {name: interval for name, (interval, _) in known(desk).items()} == {
        "CHG1": LATER,
        "CHG1#2": SECOND,
        "CHG1#3": third,
    }


def test_a_reminder_of_all_windows_asks_nothing(desk: Desk) -> None:
    take(desk, notice(FIRST), notice(SECOND, part=2))
    take(desk, notice(FIRST, number=2), notice(SECOND, part=2, number=2))
    assert (len(known(desk)), waiting(desk)) == (2, [])


SAID = {
    "one of two is off": (
        [notice(FIRST), notice(SECOND, part=2)],
        [notice(SECOND, number=2, status=Status.CANCELLED)],
    ),
    "all is off": ([notice(FIRST), notice(SECOND, part=2)], [notice(None, number=2, status=Status.CANCELLED)]),
    "it is off, and on again at another time": (
        [notice(FIRST)],
        [notice(None, number=2, status=Status.CANCELLED)],
        [notice(LATER, number=3)],
    ),
    "both move, and one of them is off": (
        [notice(FIRST), notice(SECOND, part=2)],
        [notice(LATER, number=2), notice(SECOND, part=2, number=2)],
        [notice(LATER, number=3, status=Status.CANCELLED)],
    ),
    "it is off before anything else was heard, then two windows": (
        [notice(None, status=Status.CANCELLED)],
        [notice(FIRST, number=2), notice(SECOND, part=2, number=2)],
    ),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_the_order_in_which_messages_arrive_changes_nothing(
    desk: Desk, tmp_path: Path, said: list[list[Notice]]
) -> None:
    found = []
    for number, order in enumerate(permutations(said)):
        other = Desk(Path(shutil.copytree(desk.root, tmp_path / f"copy{number}")))
        for message in order:
            take(other, *message)
        found.append(known(other))
    assert found == [found[0]] * len(found)
