"""The life of a window: every action in every state is allowed, or refused with what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Policy
from maintsched.domain.life import Action, allowed, enough, expires_at, may_approve, may_start, partners
from maintsched.domain.notice import Impact
from maintsched.domain.window import Approved, Window, WindowState
from tests.domain.situations import inventory

ASKED = datetime(2027, 3, 1, 9, tzinfo=UTC)
NIGHT = datetime(2027, 3, 20, 1, tzinfo=UTC)
PLAIN = Window("W-1", WindowState.REQUESTED, ("uk-ld4",), Interval(NIGHT, NIGHT + timedelta(hours=4)), Impact.OUTAGE,
               "optics", "alice")  # fmt: skip
EMERGENCY = replace(PLAIN, emergency=True)
S, A = WindowState, Action
OPEN = {S.REQUESTED, S.APPROVED, S.ACKNOWLEDGED, S.NEEDS_REVIEW}
ALLOWED = {
    A.APPROVE: {S.REQUESTED, S.NEEDS_REVIEW},
    A.REJECT: OPEN,
    A.ACKNOWLEDGE: {S.APPROVED, S.ACKNOWLEDGED},
    A.MOVE: OPEN,
    A.START: {S.APPROVED, S.ACKNOWLEDGED},
    A.FINISH: {S.IN_PROGRESS},
    A.CANCEL: OPEN,
}
FOR_AN_EMERGENCY = {
    A.APPROVE: {S.IN_PROGRESS, S.COMPLETED},
    A.ACKNOWLEDGE: {S.REQUESTED, S.IN_PROGRESS},
    A.START: {S.REQUESTED},
}
EVERY = [(action, state) for action in Action for state in WindowState]


@pytest.mark.parametrize(("action", "state"), EVERY, ids=[f"{action} when {state}" for action, state in EVERY])
def test_what_may_be_done_in_which_state(action: Action, state: WindowState) -> None:
    refusal = allowed(action, replace(PLAIN, state=state), approved=state not in (S.REQUESTED, S.NEEDS_REVIEW))
    assert (refusal is None) == (state in ALLOWED[action])
    if refusal is not None:
        assert refusal.why == f"W-1 is {state.value.replace('_', ' ')}: it cannot be {action.value}"
        assert "`" in refusal.next


@pytest.mark.parametrize(("action", "state"), EVERY, ids=[f"{action} when {state}" for action, state in EVERY])
def test_an_emergency_begins_before_its_approval_and_gets_it_afterwards(action: Action, state: WindowState) -> None:
    refusal = allowed(action, replace(EMERGENCY, state=state), approved=state in (S.APPROVED, S.ACKNOWLEDGED))
    assert (refusal is None) == (state in ALLOWED[action] | FOR_AN_EMERGENCY.get(action, set()))


@pytest.mark.parametrize("state", [S.IN_PROGRESS, S.COMPLETED])
def test_an_emergency_that_has_its_approval_needs_no_other(state: WindowState) -> None:
    assert allowed(A.APPROVE, replace(EMERGENCY, state=state), approved=True) is not None


def test_an_override_does_not_begin_before_its_approval() -> None:
    for more in ({"override": True}, {"override": True, "emergency": True}, {"accept_outage": True}):
        assert allowed(A.START, replace(PLAIN, **more)) is not None  # type: ignore[arg-type]  # booleans


def test_where_the_policy_asks_for_more_people_than_it_did_one_more_may_approve() -> None:
    approved = replace(PLAIN, state=S.APPROVED)
    assert allowed(A.APPROVE, approved, approved=False) is None
    assert allowed(A.APPROVE, approved, approved=True) is not None


@pytest.mark.parametrize("action", list(Action))
def test_a_drills_slot_is_moved_on_by_its_run_alone(action: Action) -> None:
    refusal = allowed(action, replace(PLAIN, kind="drill", state=S.IN_PROGRESS))
    assert refusal is not None
    assert "drill" in refusal.why


ALICE, BOB = Actor("alice", "alice"), Actor("bob", "bob")
APPROVERS = [
    (BOB, False, True),
    (ALICE, False, False),
    (ALICE, True, False),
    (Actor("bob", "alice"), False, False),
    (Actor("bob", "alice"), True, True),
    (Actor("alice", "bob"), False, False),
    (Actor("alice", "bob"), True, False),
]


@pytest.mark.parametrize(("actor", "signed", "fine"), APPROVERS)
def test_another_person_approves_by_another_login_or_signed(actor: Actor, signed: bool, fine: bool) -> None:
    assert (may_approve(PLAIN, actor, signed=signed, askers=(ALICE,)) is None) == fine


def test_whoever_moved_it_may_not_approve_it_either() -> None:
    assert may_approve(PLAIN, BOB, signed=False, askers=(ALICE, BOB)) is not None
    assert may_approve(PLAIN, Actor("carol", "carol"), signed=False, askers=(ALICE, BOB)) is None


SECOND = [
    (Actor("carol", "carol"), False, False, True),
    (BOB, True, True, False),
    (Actor("carol", "bob"), False, False, False),
    (Actor("carol", "bob"), True, False, False),
    (Actor("carol", "bob"), False, True, False),
    (Actor("carol", "bob"), True, True, True),
]


@pytest.mark.parametrize(("actor", "signed", "first_signed", "fine"), SECOND)
def test_the_second_approval_is_another_persons_than_the_first(
    actor: Actor, signed: bool, first_signed: bool, fine: bool
) -> None:
    given = replace(PLAIN, approvals=(Approved("bob", "bob", ASKED, first_signed),))
    assert (may_approve(given, actor, signed=signed, askers=(ALICE,)) is None) == fine


WAITING = [
    ({}, ("Spotware",)),
    ({"impact": Impact.REDUCED_REDUNDANCY}, ("Spotware",)),
    ({"impact": Impact.NO_IMPACT}, ()),
    ({"emergency": True}, ()),
    ({"circuits": ("somewhere",)}, ()),
    ({"accept_outage": True}, ("Spotware",)),
]


@pytest.mark.parametrize(("more", "asked"), WAITING)
def test_whose_word_is_needed_before_the_start(more: dict[str, object], asked: tuple[str, ...]) -> None:
    assert partners(replace(PLAIN, **more), inventory()) == asked  # type: ignore[arg-type]  # what a window has


READY = replace(PLAIN, state=S.ACKNOWLEDGED, approvals=(Approved("bob", "bob", ASKED),), partner_ref="SW-1")
STARTS = [
    (READY, timedelta(minutes=-15), None),
    (READY, timedelta(minutes=-16), "it may start 15 min before at the earliest"),
    (READY, timedelta(hours=3, minutes=59), None),
    (READY, timedelta(hours=4), "was over at 2027-03-20 05:00Z"),
    (replace(READY, partner_ref=None), timedelta(), "has no acknowledgement of Spotware"),
    (replace(READY, approvals=()), timedelta(), "has 0 of the 1 approvals"),
    (replace(READY, approvals=(), emergency=True), timedelta(), None),
    (replace(READY, approvals=(), emergency=True, override=True), timedelta(), "has 0 of the 1 approvals"),
    (replace(READY, approvals=(), accept_outage=True), timedelta(), "has 0 of the 1 approvals"),
    (replace(READY, partner_ref=None, accept_outage=True), timedelta(), "has no acknowledgement of Spotware"),
]


@pytest.mark.parametrize(("window", "later", "told"), STARTS)
def test_what_is_missing_for_the_start_is_told(window: Window, later: timedelta, told: str | None) -> None:
    refusal = may_start(window, inventory(), NIGHT + later)
    assert (refusal is None) == (told is None)
    if refusal is not None:
        assert str(told) in refusal.why
        assert refusal.next


def test_the_policy_says_how_many_people_approve() -> None:
    two = replace(inventory(), policy=Policy(approvals=2))
    assert not enough(READY.approvals, two)
    assert "has 1 of the 2 approvals" in getattr(may_start(READY, two, NIGHT), "why", "")


WEEK = timedelta(days=7)
EXPIRIES = [
    (PLAIN, ASKED, ASKED + WEEK),
    (PLAIN, NIGHT - timedelta(days=2), NIGHT),
    (EMERGENCY, ASKED, PLAIN.interval.end),
    (replace(EMERGENCY, override=True), ASKED, ASKED + WEEK),
    (replace(PLAIN, state=S.APPROVED), ASKED, PLAIN.interval.end),
    (replace(PLAIN, state=S.NEEDS_REVIEW), ASKED, PLAIN.interval.end),
    (replace(PLAIN, state=S.IN_PROGRESS), ASKED, None),
    (replace(PLAIN, state=S.COMPLETED), ASKED, None),
]


@pytest.mark.parametrize(("window", "asked", "expected"), EXPIRIES)
def test_when_a_window_gives_its_slot_up_by_itself(window: Window, asked: datetime, expected: datetime | None) -> None:
    assert expires_at(window, asked) == expected


def test_work_that_overruns_goes_on_holding_its_slot() -> None:
    late = replace(PLAIN, state=S.IN_PROGRESS)
    now, guard = PLAIN.interval.end + timedelta(hours=2), timedelta(minutes=30)
    assert late.overrun_since(now) == PLAIN.interval.end
    assert late.held(now, guard) == Interval(NIGHT, now + guard)
    assert {each.interval for each in late.occupations(now, guard)} == {Interval(NIGHT, now + guard)}
    assert late.held(now).end > now
    assert late.overrun_since(PLAIN.interval.end - timedelta(seconds=1)) is None
    assert replace(late, state=S.COMPLETED).held(now, guard) == PLAIN.interval
