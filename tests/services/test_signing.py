"""Signed approvals: checked by the real ssh-keygen against the config's allowed signers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from maintsched import config
from maintsched.domain.actor import Actor
from maintsched.errors import InvalidInput, Refused
from maintsched.services.drillplan import TO_SIGN
from maintsched.services.project import Project
from maintsched.services.signing import SIGNATURE_NAMESPACE, verify_signature
from maintsched.store.engine import open_store, upgrade_store
from tests.config.inputs import SMALL, project

HASH, OTHER = (sha256(text).hexdigest() for text in (b"plan", b"another plan"))


@dataclass
class Desk:
    """A folder with bob's and carol's keys; both may sign, mallory may not."""

    folder: Path

    def key(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def signed(self, name: str, text: str = HASH, namespace: str = SIGNATURE_NAMESPACE) -> Path:
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.key(name))],
            input=text.encode(), capture_output=True, check=True,
        )  # fmt: skip
        path = self.folder / f"{name}.sig"
        path.write_bytes(done.stdout)
        return path

    @contextmanager
    def opened(self, name: str, signers: str | None = "policy") -> Iterator[Project]:
        text = SMALL if signers is None else SMALL.replace("guard: 30m", "guard: 30m\n  signers: allowed_signers")
        path = project(self.folder, text)
        inventory = config.load(path, ["frr"])
        store, _ = upgrade_store(inventory.database)
        store.close()
        store = open_store(inventory.database, lambda _: None)
        try:
            yield Project(path, inventory, config.canonical(inventory, path.parent), store, Actor(name, "login"))
        finally:
            store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    lines = [f"{name} {found.key(name).with_suffix('.pub').read_text()}" for name in ("bob", "carol")]
    (tmp_path / "allowed_signers").write_text("".join(lines))
    found.key("mallory")
    return found


def test_the_persons_own_signature_over_the_plan_is_taken(desk: Desk) -> None:
    for name in ("bob", "carol"):
        with desk.opened(name) as found:
            verify_signature(found, HASH, desk.signed(name), printed_by=TO_SIGN)


@pytest.mark.parametrize(
    ("actor", "signer", "text", "namespace"),
    [
        ("bob", "carol", HASH, SIGNATURE_NAMESPACE),
        ("bob", "mallory", HASH, SIGNATURE_NAMESPACE),
        ("mallory", "mallory", HASH, SIGNATURE_NAMESPACE),
        ("bob", "bob", OTHER, SIGNATURE_NAMESPACE),
        ("bob", "bob", HASH + "\n", SIGNATURE_NAMESPACE),
        ("bob", "bob", HASH, "file"),
        ("BOB", "bob", HASH, SIGNATURE_NAMESPACE),
        ("*", "bob", HASH, SIGNATURE_NAMESPACE),
    ],
    ids=["another person's", "a stranger's", "a stranger's own", "over another plan", "over a line", "for another use",
         "of another spelling", "of everybody"],
)  # fmt: skip
def test_any_other_signature_is_refused_with_how_to_make_the_right_one(
    desk: Desk, actor: str, signer: str, text: str, namespace: str
) -> None:
    signature = desk.signed(signer, text, namespace)
    with desk.opened(actor) as found, pytest.raises(Refused) as caught:
        verify_signature(found, HASH, signature, printed_by=TO_SIGN)
    assert caught.value.message.startswith(f"{signature} is no signature of {actor} over this approval: ")
    assert "--to-sign" in caught.value.hint
    assert "ssh-keygen -Y sign -n maintsched" in caught.value.hint


def test_a_file_that_is_no_signature_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "x.sig").write_bytes(b"\0\xffno signature")
    with desk.opened("bob") as found, pytest.raises(Refused, match="no signature of bob"):
        verify_signature(found, HASH, tmp_path / "x.sig", printed_by=TO_SIGN)


def test_without_allowed_signers_there_is_nothing_to_check_against(desk: Desk) -> None:
    with desk.opened("bob", signers=None) as found, pytest.raises(InvalidInput) as caught:
        verify_signature(found, HASH, desk.signed("bob"), printed_by=TO_SIGN)
    assert caught.value.message == "the config names no allowed signers"


def test_a_file_that_is_not_there_is_told(desk: Desk, tmp_path: Path) -> None:
    with desk.opened("bob") as found:
        with pytest.raises(InvalidInput, match=f"there is no file {tmp_path / 'nowhere'}"):
            verify_signature(found, HASH, tmp_path / "nowhere", printed_by=TO_SIGN)
        signature = desk.signed("bob")
        (tmp_path / "allowed_signers").unlink()
        with pytest.raises(InvalidInput, match=f"there is no file {tmp_path / 'allowed_signers'}"):
            verify_signature(found, HASH, signature, printed_by=TO_SIGN)
