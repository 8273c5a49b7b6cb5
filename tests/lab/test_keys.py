"""Keys: made where they are missing, kept where they are there, and no file of the user's is edited."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from maintsched.domain.inventory import Router
from maintsched.errors import Refused
from maintsched.lab import keys

from . import inventories


@pytest.fixture
def router(tmp_path: Path) -> Router:
    return inventories.single(tmp_path).routers["edge1"]


def test_a_missing_login_key_is_made_and_a_present_one_is_used(tmp_path: Path, router: Router) -> None:
    allowed = tmp_path / "authorized_keys"
    key = keys.login_key(router, tmp_path, allowed)
    assert str(key) == router.key
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = allowed.read_text(encoding="utf-8")
    assert first.startswith("ssh-ed25519 ")
    keys.login_key(router, tmp_path, allowed)
    assert allowed.read_text(encoding="utf-8") == first


def test_host_keys_are_pinned_once_and_stay_the_same(tmp_path: Path, router: Router) -> None:
    elsewhere = replace(router, known_hosts=str(tmp_path / "user" / "known_hosts"))
    for _ in range(2):
        keys.pin([elsewhere], tmp_path / "lab")
    lines = (tmp_path / "user" / "known_hosts").read_text(encoding="utf-8").splitlines()
    assert [line.split()[:2] for line in lines] == [["10.210.0.1", "ssh-ed25519"]]


def test_a_known_hosts_of_the_user_is_never_edited(tmp_path: Path, router: Router) -> None:
    own = tmp_path / "user" / "known_hosts"
    own.parent.mkdir()
    own.write_text("10.210.0.1 ssh-ed25519 AAAAsomethingelse\n", encoding="utf-8")
    with pytest.raises(Refused, match="never edits"):
        keys.pin([replace(router, known_hosts=str(own))], tmp_path / "lab")
    assert own.read_text(encoding="utf-8") == "10.210.0.1 ssh-ed25519 AAAAsomethingelse\n"


def test_our_lines_are_refreshed_in_the_labs_own_file_and_others_are_kept(tmp_path: Path, router: Router) -> None:
    own = tmp_path / "known_hosts"
    own.write_text("other.example ssh-ed25519 AAAAother\n[10.210.0.1]:2222 ssh-ed25519 AAAAold\n", encoding="utf-8")
    keys.pin([replace(router, port=2222)], tmp_path)
    kept, ours = own.read_text(encoding="utf-8").splitlines()
    assert kept == "other.example ssh-ed25519 AAAAother"
    assert ours.startswith("[10.210.0.1]:2222 ssh-ed25519 ")
    assert "AAAAold" not in ours


def test_a_key_without_a_readable_public_half_is_refused(tmp_path: Path, router: Router) -> None:
    key = tmp_path / "keys" / "drill"
    key.parent.mkdir()
    key.write_text("not a key\n", encoding="utf-8")
    key.chmod(0o600)
    with pytest.raises(Refused, match="public half"):
        keys.login_key(router, tmp_path, tmp_path / "authorized_keys")
