"""From the request to the end of the work: who may do what, when, and what becomes of the slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.window import WindowState
from maintsched.errors import InvalidInput, Refused
from maintsched.services import approving, booking, breaking, working
from maintsched.services.booking import BookingRefused
from tests.cli.driving import Desk, at, change, maintnote, typed
from tests.services.living import (
    ACTIONS,
    approved,
    asking,
    audit,
    booked,
    claimed,
    does,
    patient,
    person,
    ready,
    state,
    window,
)

S = WindowState


@pytest.fixture
def calm(desk: Desk) -> Desk:
    return patient(desk)


def rules(refused: pytest.ExceptionInfo[BookingRefused]) -> list[str]:
    return [conflict.rule for conflict in refused.value.conflicts if conflict.blocks]


def test_the_whole_life_of_a_window(calm: Desk) -> None:
    booked(calm)
    seen = [state(calm)]
    for action, by, moment in (
        ("approve", "bob", None),
        ("ack", "alice", None),
        ("start", "alice", at(1.9)),
        ("finish", "alice", at(3)),
    ):
        does(calm, action, by=by, moment=moment)
        seen.append(state(calm))
    assert seen == [S.REQUESTED, S.APPROVED, S.ACKNOWLEDGED, S.IN_PROGRESS, S.COMPLETED]
    done = window(calm)
    assert [(given.by, given.login, given.signed) for given in done.approvals] == [("bob", "bob", False)]
    assert done.partner_ref == "SW-77"
    assert abs(done.interval.start - at(1.9)) < timedelta(minutes=1)  # as it really was
    assert abs(done.interval.end - at(3)) < timedelta(minutes=1)
    assert claimed(calm) == []
    assert [action for action, _ in audit(calm)] == [
        "window.book", "window.approve", "window.ack", "window.start", "window.finish",
    ]  # fmt: skip


def test_the_rest_of_a_slot_is_free_once_the_work_is_done(calm: Desk) -> None:
    ready(calm, hours=6)
    with person(calm) as project, pytest.raises(BookingRefused):
        booking.book(project, asking("uk-ld7", 5))
    does(calm, "start", moment=at(2))
    does(calm, "finish", moment=at(3))
    assert booked(calm, "uk-ld7", 5) == "W-2"


REQUESTED: dict[str, tuple[str, ...]] = {
    "requested": (),
    "approved": ("approve",),
    "acknowledged": ("approve", "ack"),
    "in progress": ("approve", "ack", "start"),
    "completed": ("approve", "ack", "start", "finish"),
    "rejected": ("reject",),
    "cancelled": ("cancel",),
}
POSSIBLE = {
    "requested": {"approve", "reject", "cancel"},
    "approved": {"reject", "ack", "cancel"},
    "acknowledged": {"reject", "ack", "start", "cancel"},
    "in progress": {"finish"},
}
WAYS = [(before, action) for before in REQUESTED for action in ACTIONS]


@pytest.mark.parametrize(("before", "action"), WAYS, ids=[f"{action} when {before}" for before, action in WAYS])
def test_every_step_from_every_state_is_done_or_refused_in_words(calm: Desk, before: str, action: str) -> None:
    booked(calm)
    for step in REQUESTED[before]:
        does(calm, step, by="bob", moment=at(2.1) if step in ("start", "finish") else None)
    then = state(calm)
    late = at(2.2) if action in ("start", "finish") else None
    if action in POSSIBLE.get(before, set()):
        does(calm, action, by="bob", moment=late)
        assert state(calm) is not then or (before, action) == ("acknowledged", "ack")
        return
    rows = len(audit(calm))
    with pytest.raises(Refused) as refused:
        does(calm, action, by="bob", moment=late)
    assert "W-1" in refused.value.message
    assert refused.value.hint
    assert (state(calm), len(audit(calm))) == (then, rows)


def test_nobody_approves_his_own(calm: Desk) -> None:
    booked(calm)
    for name, login in (("alice", "alice"), ("alice", "bob"), ("bob", "alice")):
        with person(calm, name, login=login) as project, pytest.raises(Refused, match="may not approve what alice"):
            approving.approve(project, "W-1")
    assert (state(calm), window(calm).approvals) == (S.REQUESTED, ())


def test_as_many_people_approve_as_the_policy_says(calm: Desk) -> None:
    calm.edit("approvals: 1", "approvals: 2")
    calm.apply()
    booked(calm)
    approved(calm)
    assert (state(calm), len(window(calm).approvals)) == (S.REQUESTED, 1)
    for name, login in (("bob", "bob"), ("carol", "bob")):
        with person(calm, name, login=login) as project, pytest.raises(Refused, match="has the approval of bob"):
            approving.approve(project, "W-1")
    does(calm, "approve", by="carol")
    assert state(calm) is S.APPROVED


def test_a_policy_that_asks_for_more_people_counts_at_the_start(calm: Desk) -> None:
    ready(calm)
    calm.edit("approvals: 1", "approvals: 2")
    calm.apply()
    with pytest.raises(Refused, match="has 1 of the 2 approvals"):
        does(calm, "start", moment=at(2))
    does(calm, "approve", by="carol")
    assert state(calm) is S.ACKNOWLEDGED
    does(calm, "start", moment=at(2))


def test_what_blocks_now_blocks_the_approval(calm: Desk) -> None:
    booked(calm)
    calm.edit("max_window: 24h", "max_window: 1h")
    calm.apply()
    with person(calm, "bob") as project, pytest.raises(BookingRefused) as refused:
        approving.approve(project, "W-1")
    assert (rules(refused), refused.value.message) == (["LENGTH"], "W-1 cannot be approved")
    assert "window move W-1" in refused.value.hint


def fact(desk: Desk, **more: object) -> None:
    desk.carrier("1", maintnote("WO-7", at(3), **more))  # type: ignore[arg-type]  # of the table below
    desk.ok("calendar", "import")


def test_a_fact_that_lands_on_it_takes_its_approval_away_until_a_person_has_looked(calm: Desk) -> None:
    ready(calm)
    fact(calm)
    broken = window(calm)
    assert (broken.state, broken.approvals, broken.partner_ref) == (S.NEEDS_REVIEW, (), None)
    for action in ("start", "ack"):
        with pytest.raises(Refused, match="W-1 is needs review"):
            does(calm, action, moment=at(2))
    with pytest.raises(BookingRefused) as refused:
        approved(calm)
    assert rules(refused) == ["REDUNDANCY"]
    assert "nothing speaks against it" not in calm.ok("window", "show", "W-1")
    fact(calm, status="CANCELLED", sequence=1)
    assert state(calm) is S.NEEDS_REVIEW
    shown = calm.ok("window", "show", "W-1")
    assert "nothing speaks against it any more: `maintsched window approve W-1` takes it out of review" in shown
    approved(calm)
    assert state(calm) is S.APPROVED


def test_in_review_every_approval_is_needed_before_it_is_out_again(calm: Desk) -> None:
    calm.edit("approvals: 1", "approvals: 2")
    calm.apply()
    booked(calm)
    fact(calm)
    fact(calm, status="CANCELLED", sequence=1)
    approved(calm)
    assert state(calm) is S.NEEDS_REVIEW
    does(calm, "approve", by="carol")
    assert state(calm) is S.APPROVED


def test_what_nobody_imported_yet_is_found_at_the_start_all_the_same(calm: Desk) -> None:
    """Another window that was let in by hand, as a race would have."""
    ready(calm)
    with person(calm) as project, project.store.write(project.actor) as tx:
        from maintsched.store import windows

        other = replace(window(calm), id="", circuits=("uk-ld7",))
        windows.add_window(tx, other, ())
        tx.audit("window.book", "W-2", {})
    with person(calm, moment=at(2)) as project, pytest.raises(BookingRefused) as refused:
        working.start(project, "W-1")
    assert (rules(refused), refused.value.message) == (["REDUNDANCY"], "W-1 cannot be started")
    assert refused.value.suggestions
    assert state(calm) is S.ACKNOWLEDGED


def test_a_window_starts_in_its_time_only(calm: Desk) -> None:
    ready(calm)
    for moment, told in ((at(1.7), "may start 15 min before"), (at(4), "W-1 is expired")):
        with pytest.raises(Refused, match=told):
            does(calm, "start", moment=moment)
    does(calm, "start", moment=at(3.9))
    assert abs(window(calm).interval.start - at(2)) < timedelta(seconds=1)


def test_the_partner_must_know_before_the_start(calm: Desk) -> None:
    booked(calm)
    approved(calm)
    with pytest.raises(Refused, match="no acknowledgement of Spotware"):
        does(calm, "start", moment=at(2))
    with person(calm) as project, pytest.raises(InvalidInput):
        working.acknowledge(project, "W-1", "  ")
    does(calm, "ack")
    does(calm, "start", moment=at(2))


def test_work_without_impact_starts_without_the_partner(calm: Desk) -> None:
    from maintsched.domain.notice import Impact

    booked(calm, impact=Impact.NO_IMPACT, rollback=None)
    approved(calm)
    does(calm, "start", moment=at(2))
    assert state(calm) is S.IN_PROGRESS


def moved(desk: Desk, start: float, hours: float = 2, *, by: str = "alice") -> None:
    with person(desk, by) as project:
        working.move(project, "W-1", Interval(at(start), at(start + hours)))


def test_a_window_may_move_into_its_own_old_slot_and_is_approved_anew(calm: Desk) -> None:
    ready(calm)
    moved(calm, 3)
    after = window(calm)
    assert (after.state, after.approvals, after.partner_ref) == (S.REQUESTED, (), None)
    assert after.interval == Interval(at(3), at(5))
    assert claimed(calm) == [(1, "uk-ld4", True)]
    assert booked(calm, "uk-ld7", 0.5, 2) == "W-2"  # what is left of the old slot, up to one guard before the new one
    assert audit(calm)[-1][1]["void"] == ["bob"]


def test_a_move_that_is_refused_changes_nothing(calm: Desk) -> None:
    ready(calm)
    booked(calm, "uk-ld7", 12)
    before = (window(calm), claimed(calm), audit(calm))
    with pytest.raises(BookingRefused) as refused:
        moved(calm, 13)
    assert (rules(refused), refused.value.message) == (["REDUNDANCY"], "W-1 cannot be moved")
    assert refused.value.suggestions[0].start >= at(14.5)
    with pytest.raises(InvalidInput):
        moved(calm, -24 * 40)
    assert (window(calm), claimed(calm), audit(calm)) == before


def test_whoever_moved_it_does_not_approve_it(calm: Desk) -> None:
    booked(calm)
    moved(calm, 6, by="bob")
    assert "moved by bob" in calm.ok("window", "show", "W-1")
    with pytest.raises(Refused, match="may not approve what bob"):
        approved(calm)
    with pytest.raises(Refused, match="may not approve what alice"):
        does(calm, "approve", by="alice")
    does(calm, "approve", by="carol")
    assert state(calm) is S.APPROVED


def test_a_longer_window_than_the_database_can_find_is_refused(calm: Desk) -> None:
    with person(calm) as project, pytest.raises(InvalidInput, match="31 days at most"):
        booking.book(project, asking(hours=31 * 24 + 1))


def test_rechecking_leaves_running_work_alone(calm: Desk) -> None:
    ready(calm)
    does(calm, "start", moment=at(2))
    fact(calm)
    with person(calm, moment=at(3)) as project:
        assert breaking.recheck(project) == ()
    assert state(calm) is S.IN_PROGRESS


def test_disruptive_work_says_how_it_is_taken_back(calm: Desk) -> None:
    words = ("window", "book", "--circuit", "uk-ld4", "--start", typed(at(2)), "--duration", "1h", "--title", "x")
    for more in ((), ("--impact", "DEGRADED"), ("--rollback", "  ")):
        answer = calm.run(*words, *more)
        assert (answer.code, "how it is taken back" in answer.err) == (2, True), answer
    assert calm.run(*words, "--impact", "REDUCED-REDUNDANCY").code == 0


def test_it_is_all_typed_at_the_command_line(calm: Desk) -> None:
    assert calm.book("uk-ld4", at(2)).code == 0
    own = calm.run("window", "approve", "W-1")
    assert (own.code, "may not approve" in own.err, "another person" in own.err) == (3, True, True)
    said = calm.person("bob", "window", "approve", "W-1", "--reason", "fine")
    assert (said.code, "W-1 is approved; approved by bob" in said.out) == (0, True), said
    assert "W-1 is acknowledged; the partner calls it SW-1" in calm.ok("window", "ack", "W-1", "--ref", "SW-1")
    assert "approved by bob (as bob)" in calm.ok("window", "show", "W-1")
    early = calm.run("window", "start", "W-1")
    assert (early.code, "it may start 15 min before" in early.err) == (3, True)
    assert calm.run("window", "move", "W-1", "--start", typed(at(6)), "--end", "+1h", "--duration", "1h").code == 2
    assert "needs its approval again" in calm.ok("window", "move", "W-1", "--start", typed(at(6)))
    assert calm.json("window", "show", "W-1")["end"] == f"{at(8):%Y-%m-%dT%H:%M:%SZ}"
    (row,) = calm.json("window", "list", "--site", "LD4")["windows"]
    assert (row["state"], row["waits_for"], row["approvals"]) == ("requested", "approval 1 of 1", [])
    assert calm.json("window", "list", "--router", "edge2")["windows"] == []
    refused = calm.run("window", "reject", "W-1", "--reason", "no")
    assert (refused.code, "window cancel W-1" in refused.err) == (3, True)
    assert calm.person("bob", "window", "reject", "W-1").code == 2
    assert "slot is free" in calm.person("bob", "window", "reject", "W-1", "--reason", "not now").out


def test_a_blocked_move_prints_what_it_collides_with(calm: Desk) -> None:
    calm.mail("1", change(1, at(12)))
    calm.ok("calendar", "import")
    calm.book("uk-ld4", at(2))
    answer = calm.run("window", "move", "W-1", "--start", typed(at(13)))
    assert (answer.code, "REFUSED" in answer.out, "CHG0300101" in answer.out) == (3, True, True)
    assert "next free slots:" in answer.out
    assert "W-1 cannot be moved" in answer.err
    document = calm.run("window", "move", "W-1", "--start", typed(at(13)), "--json").json
    assert (document["refused"], document["conflicts"][0]["rule"]) == (True, "REDUNDANCY")
