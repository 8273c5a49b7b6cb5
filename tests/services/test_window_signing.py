"""Signed approvals of windows: the signature proves the person, and binds the window as it stands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.window import WindowState
from maintsched.errors import Refused
from maintsched.services import approving, working
from maintsched.services.signing import SIGNATURE_NAMESPACE
from tests.cli.driving import Desk, at, maintnote
from tests.services.living import audit, booked, person, state, window


@pytest.fixture
def signers(desk: Desk) -> Desk:
    """bob and carol may sign; all of them share the login of the jump host."""
    lines = []
    for name in ("bob", "carol", "mallory"):
        key = desk.root / f"{name}.key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
        lines.append(f"{name} {key.with_suffix('.key.pub').read_text()}")
    signers_file(desk).parent.mkdir(exist_ok=True)
    signers_file(desk).write_text("".join(lines[:2]))
    booked(desk)
    return desk


def signers_file(desk: Desk) -> Path:
    """As the config that `init` makes names it."""
    return desk.root / "lab" / "allowed_signers"


def signature(desk: Desk, name: str, text: str) -> Path:
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", str(desk.root / f"{name}.key")],
        input=text.encode(), capture_output=True, check=True,
    )  # fmt: skip
    path = desk.root / f"{name}.sig"
    path.write_bytes(done.stdout)
    return path


def to_sign(desk: Desk, *words: str, verb: str = "approve") -> str:
    return desk.ok("window", verb, "W-1", "--to-sign", *words)


def approve(desk: Desk, name: str, path: Path, login: str = "alice") -> None:
    with person(desk, name, login=login) as project:
        approving.approve(project, "W-1", signature=path)


def test_a_signed_approval_needs_no_other_login(signers: Desk) -> None:
    text = to_sign(signers)
    assert text.startswith("maintsched approves window W-1 of alice, uk-ld4 OUTAGE ")
    assert "\n" not in text
    approve(signers, "bob", signature(signers, "bob", text))
    (given,) = window(signers).approvals
    assert (state(signers), given.by, given.login, given.signed) == (WindowState.APPROVED, "bob", "alice", True)
    assert audit(signers)[-1][1]["statement"] == text


def test_alice_does_not_approve_her_own_with_a_key_either(signers: Desk) -> None:
    signers_file(signers).write_text(f"alice {(signers.root / 'mallory.key.pub').read_text()}")
    with pytest.raises(Refused, match="may not approve what alice"):
        approve(signers, "alice", signature(signers, "mallory", to_sign(signers)), login="other")


@pytest.mark.parametrize(("actor", "signer"), [("bob", "carol"), ("bob", "mallory"), ("mallory", "mallory")])
def test_anybody_elses_signature_is_refused(signers: Desk, actor: str, signer: str) -> None:
    path = signature(signers, signer, to_sign(signers))
    with pytest.raises(Refused, match=f"is no signature of {actor}") as refused:
        approve(signers, actor, path)
    assert "`window approve W-1 --to-sign`" in refused.value.hint


def test_a_signature_is_void_once_the_window_was_moved_there_and_back(signers: Desk) -> None:
    path = signature(signers, "bob", to_sign(signers))
    for start in (6, 2):
        with person(signers) as project:
            working.move(project, "W-1", Interval(at(start), at(start + 2)))
    assert window(signers).interval == Interval(at(2), at(4))
    with pytest.raises(Refused, match="is no signature of bob"):
        approve(signers, "bob", path)


def test_a_signature_is_void_once_a_fact_had_landed_on_it(signers: Desk) -> None:
    path = signature(signers, "bob", to_sign(signers))
    approve(signers, "bob", path)
    for sequence, status in enumerate(("CONFIRMED", "CANCELLED")):
        signers.carrier("1", maintnote("WO-7", at(3), status=status, sequence=sequence))
        signers.ok("calendar", "import")
    assert state(signers) is WindowState.NEEDS_REVIEW
    with pytest.raises(Refused, match="is no signature of bob"):
        approve(signers, "bob", path)
    approve(signers, "bob", signature(signers, "bob", to_sign(signers)))
    assert state(signers) is WindowState.APPROVED


def test_an_approvals_signature_rejects_nothing(signers: Desk) -> None:
    path = signature(signers, "bob", to_sign(signers))
    with person(signers, "bob") as project, pytest.raises(Refused, match="is no signature of bob"):
        approving.reject(project, "W-1", reason="no", signature=path)
    path = signature(signers, "bob", to_sign(signers, verb="reject"))
    with person(signers, "bob") as project:
        approving.reject(project, "W-1", reason="no", signature=path)
    assert state(signers) is WindowState.REJECTED


def test_what_cannot_be_approved_is_not_printed_for_signing(signers: Desk) -> None:
    assert signers.json("window", "approve", "W-1", "--to-sign")["statement"] == to_sign(signers)
    signers.ok("window", "cancel", "W-1")
    answer = signers.run("window", "approve", "W-1", "--to-sign")
    assert (answer.code, answer.out) == (3, "")
