"""The life of a window as rules: what may be done to it in which state, who may approve it, when it may start.

Each rule returns why not and what to do next, or None where nothing stands against it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from maintsched.domain.actor import Actor
from maintsched.domain.inventory import Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.redundancy import members_taken
from maintsched.domain.window import Approved, Window, WindowState
from maintsched.domain.wording import length, moment

APPROVE_WITHIN = timedelta(days=7)
RETRO_APPROVE_WITHIN = timedelta(hours=48)
EARLY = timedelta(minutes=15)
LONGEST = timedelta(days=31)


class Action(StrEnum):
    """What people do to a window after it was booked."""

    APPROVE = "approved"
    REJECT = "rejected"
    ACKNOWLEDGE = "acknowledged"
    MOVE = "moved"
    START = "started"
    FINISH = "finished"
    CANCEL = "cancelled"


class Refusal(NamedTuple):
    why: str
    next: str


_S = WindowState
_ALLOWED: dict[Action, tuple[WindowState, ...]] = {
    Action.APPROVE: (_S.REQUESTED, _S.NEEDS_REVIEW),
    Action.REJECT: (_S.REQUESTED, _S.APPROVED, _S.ACKNOWLEDGED, _S.NEEDS_REVIEW),
    Action.ACKNOWLEDGE: (_S.APPROVED, _S.ACKNOWLEDGED),
    Action.MOVE: (_S.REQUESTED, _S.APPROVED, _S.ACKNOWLEDGED, _S.NEEDS_REVIEW),
    Action.START: (_S.APPROVED, _S.ACKNOWLEDGED),
    Action.FINISH: (_S.IN_PROGRESS,),
    Action.CANCEL: (_S.REQUESTED, _S.APPROVED, _S.ACKNOWLEDGED, _S.NEEDS_REVIEW),
}
_OVER = (_S.COMPLETED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED)


def may_start_unapproved(window: Window) -> bool:
    """An emergency is repaired first and approved afterwards, unless it overrides the redundancy."""
    return window.emergency and not window.override and not window.accept_outage


def awaits_retro_approval(window: Window, *, approved: bool) -> bool:
    """Whether an emergency still lacks the approval that it may get afterwards."""
    open_ = window.state in (_S.REQUESTED, _S.IN_PROGRESS, _S.COMPLETED)
    return open_ and may_start_unapproved(window) and not approved


def allowed(action: Action, window: Window, *, approved: bool = False) -> Refusal | None:
    """Whether the window's state allows it; `approved`: whether it has the approvals that it needs."""
    if window.kind != "window":
        return Refusal(
            f"{window.id} is a drill's slot: its run alone moves it on",
            "`maintsched drill recover` closes what a dead one left",
        )
    state = window.state
    if state in _ALLOWED[action]:
        return None
    if action is Action.APPROVE and not approved and state in (_S.APPROVED, _S.ACKNOWLEDGED):
        return None  # the policy asks for more people than it did
    if action is Action.APPROVE and awaits_retro_approval(window, approved=approved):
        return None
    if action is Action.START and state is _S.REQUESTED and may_start_unapproved(window):
        return None
    if action is Action.ACKNOWLEDGE and window.emergency and state in (_S.REQUESTED, _S.IN_PROGRESS):
        return None
    return Refusal(f"{window.id} is {state.words}: it cannot be {action}", _next(action, window))


def _next(action: Action, window: Window) -> str:
    name, state = window.id, window.state
    if state in _OVER:
        return "what is over stays as it was; `maintsched window book` books another one"
    if state is _S.IN_PROGRESS:
        return f"the work is under way: `maintsched window finish {name}` ends it"
    if action is Action.FINISH:
        return f"`maintsched window start {name}` comes first; `window cancel {name}` gives the slot back"
    if action is Action.APPROVE:
        return f"it has the approvals that it needs; `maintsched window show {name}` tells them"
    if state is _S.NEEDS_REVIEW:
        return f"`maintsched window show {name}` tells what landed on it; then `window approve`, or `window move`"
    return f"`maintsched window approve {name}`, by somebody else than who asked for it, comes first"


def may_approve(window: Window, actor: Actor, *, signed: bool, askers: tuple[Actor, ...]) -> Refusal | None:
    """Whether this person's yes counts. `askers`: who requested it and who moved it last."""
    another = "another person with another login approves, or signs with a key of `policy.signers`"
    for asker in askers:
        if actor.name == asker.name or not (signed or actor.is_other_than(asker)):
            what = f"{actor.name} (login {actor.login}) may not approve what {asker.name} (login {asker.login})"
            return Refusal(f"{what} asked for: {window.id}", another)
    for given in window.approvals:
        both_signed = signed and given.signed
        if actor.name == given.by or not (both_signed or actor.login != given.login):
            return Refusal(
                f"{window.id} has the approval of {given.by} (login {given.login}) already; the next one must come from"
                " another person and login",
                another,
            )
    return None


def approvals_needed(inventory: Inventory) -> int:
    """By how many people, none of them the requester; never none."""
    return max(1, inventory.policy.approvals)


def enough(approvals: tuple[Approved, ...], inventory: Inventory) -> bool:
    return len(approvals) >= approvals_needed(inventory)


def partners(window: Window, inventory: Inventory) -> tuple[str, ...]:
    """Who must acknowledge the work before it starts: the far sides of the groups that it takes a member of."""
    if window.emergency or window.impact is Impact.NO_IMPACT:
        return ()
    taken = (group for group in inventory.groups.values() if members_taken(group, window.circuits, inventory))
    return tuple(dict.fromkeys(group.partner for group in taken if group.partner))


def may_start(window: Window, inventory: Inventory, now: datetime) -> Refusal | None:
    """Approvals, the partner's word and the time, for a window whose state allows the start."""
    name, needed = window.id, approvals_needed(inventory)
    if not may_start_unapproved(window) and not enough(window.approvals, inventory):
        return Refusal(
            f"{name} has {len(window.approvals)} of the {needed} approvals that it needs",
            f"`maintsched window approve {name}`, by somebody else than who asked for it",
        )
    waiting = partners(window, inventory)
    if waiting and window.partner_ref is None:
        return Refusal(
            f"{name} has no acknowledgement of {', '.join(waiting)}",
            f"`maintsched window announce {name}` tells them; `window ack {name} --ref REF` keeps their reference",
        )
    if now < window.interval.start - EARLY:
        return Refusal(
            f"{name} begins at {moment(window.interval.start)}: it may start {length(EARLY)} before at the earliest",
            f"wait, or `maintsched window move {name} --start T`",
        )
    if now >= window.interval.end:
        return Refusal(
            f"{name} was over at {moment(window.interval.end)}", "`maintsched window book` books another one"
        )
    return None


def expires_at(window: Window, requested_at: datetime) -> datetime | None:
    """When the window gives its slot up by itself; None where it never does."""
    if not window.state.counts or window.state is _S.IN_PROGRESS:
        return None
    if window.state is _S.REQUESTED and not may_start_unapproved(window):
        return min(window.interval.start, requested_at + APPROVE_WITHIN)
    return window.interval.end
