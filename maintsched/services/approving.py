"""Approving and rejecting windows: by other people than those who asked, each by a login of their own or signed."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path

from maintsched.domain.actor import Actor
from maintsched.domain.chain import canonical_json
from maintsched.domain.conflict import Conflict
from maintsched.domain.interval import iso
from maintsched.domain.life import Action, approvals_needed, enough, may_approve
from maintsched.domain.window import Approved, Window, WindowState
from maintsched.domain.wording import span
from maintsched.errors import InvalidInput, Refused
from maintsched.services.acting import acting, again, kept_window, refuse, require_allowed, require_free
from maintsched.services.booking import told
from maintsched.services.project import Project, require_in_force
from maintsched.services.signing import verify_signature
from maintsched.store import windows
from maintsched.store.windows import StoredWindow

_VERBS = {Action.APPROVE: "approves", Action.REJECT: "rejects"}


def statement(stored: StoredWindow, action: Action = Action.APPROVE) -> str:
    """What a signed approval signs: the window as it stands; whatever is changed afterwards makes it void."""
    window = stored.window
    plan = {
        **told(window),
        "change_id": window.change_id,
        "shares": list(window.shares),
        "requester": window.requester,
        "revision": stored.revision,
        "asked": iso(stored.booked_at),
    }
    digest = sha256(canonical_json({"id": window.id, **plan}).encode()).hexdigest()
    what = f"{', '.join(window.circuits)} {window.impact} {span(window.interval)}"
    return f"maintsched {_VERBS[action]} window {window.id} of {window.requester}, {what}, request {digest}"


def to_sign(project: Project, window_id: str, action: Action) -> str:
    """The statement of a window that may be approved (or rejected) now. Raises NotFound, Refused."""
    with project.store.read(project.now()) as tx:
        stored = kept_window(tx, window_id)
        require_allowed(project.inventory, stored.window, action)
        return statement(stored, action)


def _verified(project: Project, window_id: str, action: Action, signature: Path | None) -> str | None:
    """The statement that was signed, checked without holding the lock."""
    if signature is None:
        return None
    text = to_sign(project, window_id, action)
    verb = "approve" if action is Action.APPROVE else "reject"
    verify_signature(project, text, signature, printed_by=f"`window {verb} {window_id} --to-sign`")
    return text


def _unchanged(stored: StoredWindow, signed: str | None, action: Action) -> None:
    if signed is not None and signed != statement(stored, action):
        raise Refused(f"{stored.window.id} was changed while it was being approved", "look at it, and sign it again")


def approve(
    project: Project, window_id: str, *, reason: str = "", signature: Path | None = None
) -> tuple[StoredWindow, tuple[Conflict, ...]]:
    """Say yes to the window as it stands, judged once more. Returns it and the warnings.

    With the last approval that was missing it is approved. An emergency may get it while it runs, or afterwards.
    Raises Refused where this person may not, BookingRefused with what blocks.
    """
    now = project.now()
    signed = _verified(project, window_id, Action.APPROVE, signature)
    with acting(project, window_id, Action.APPROVE, now) as (tx, stored):
        require_in_force(project, tx)
        window = stored.window
        _unchanged(stored, signed, Action.APPROVE)
        refuse(may_approve(window, project.actor, signed=signed is not None, askers=stored.askers))
        under_way = window.state in (WindowState.IN_PROGRESS, WindowState.COMPLETED)
        conflicts = () if under_way else require_free(tx, project.inventory, window, stored.booked_at, Action.APPROVE)
        given = (*window.approvals, _given(project.actor, now, signed))
        is_enough = enough(given, project.inventory)
        state = _approved_state(window) if is_enough else None
        windows.add_approval(tx, window.id, reason=reason, statement=signed, enough=is_enough, state=state)
        payload = {
            "reason": reason,
            "signed": signed is not None,
            "statement": statement(stored),
            "approvals": len(given),
            "needed": approvals_needed(project.inventory),
            "warnings": [each.message for each in conflicts],
        }
        tx.audit("window.approve", window.id, payload)
        return again(tx, stored), conflicts


def _given(actor: Actor, now: datetime, signed: str | None) -> Approved:
    return Approved(actor.name, actor.login, now, signed is not None)


def _approved_state(window: Window) -> WindowState | None:
    """Where the last approval takes it: on, or nowhere when the work is under way already."""
    if window.state not in (WindowState.REQUESTED, WindowState.NEEDS_REVIEW):
        return None
    return WindowState.ACKNOWLEDGED if window.partner_ref else WindowState.APPROVED


def reject(project: Project, window_id: str, *, reason: str, signature: Path | None = None) -> StoredWindow:
    """Say no, with the reason: the slot is free again. Raises Refused where this person may not."""
    if not reason.strip():
        raise InvalidInput("a reason is needed", "--reason TEXT: whoever asked for the window reads it")
    signed = _verified(project, window_id, Action.REJECT, signature)
    with acting(project, window_id, Action.REJECT, project.now()) as (tx, stored):
        _unchanged(stored, signed, Action.REJECT)
        if project.actor.name in (asker.name for asker in stored.askers):
            raise Refused(
                f"{project.actor.name} asked for {stored.window.id} himself",
                f"`maintsched window cancel {stored.window.id}` gives the slot back",
            )
        windows.set_state(tx, stored.window.id, WindowState.REJECTED)
        tx.audit("window.reject", stored.window.id, {"reason": reason, "signed": signed is not None})
        return again(tx, stored)
