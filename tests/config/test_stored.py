"""The canonical form: the same bytes for the same meaning wherever it lies, and the inventory again from the bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from maintsched import config
from maintsched.domain.inventory import Inventory, Policy
from maintsched.errors import Broken

from .inputs import SMALL, changed, example, loaded

PATHS = changed("port: 22", "key: lab/key, known_hosts: ~/hosts, password: {file: ../password}, enable: {env: E}")
PATHS = PATHS.replace("p95: 50ms", "ca: ./lab/ca.pem").replace("guard: 30m", "signers: lab/signers")
PATHS += "state_dir: state/\nfreezes: [{name: fx, from: /etc/fx.ics}]\n"
PATHS += "mail: {host: h.example, sender: a@b.c, user: noc, password: {file: lab/smtp}, ca: lab/ca.pem}\n"
PATHS += 'emergency: {reviewed: 2026-11-01, steps: ["call the NOC", "then: the bridge"]}\n'


@pytest.mark.parametrize("text", [SMALL, example(), PATHS], ids=["small", "example", "paths"])
def test_the_inventory_comes_back(tmp_path: Path, text: str) -> None:
    inventory = loaded(tmp_path, text)
    assert config.from_canonical(config.canonical(inventory, tmp_path), tmp_path) == inventory


@pytest.mark.parametrize("text", [SMALL, example(), PATHS], ids=["small", "example", "paths"])
def test_the_hash_does_not_depend_on_where_the_checkout_lies(tmp_path: Path, text: str) -> None:
    here, there = tmp_path / "here", tmp_path / "some" / "where" / "else"
    first = config.canonical(loaded(here, text), here)
    second = config.canonical(loaded(there, text), there)
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    assert str(tmp_path) not in first.decode()
    assert str(Path.home() / "hosts") not in first.decode()


def test_paths_are_those_of_who_reads(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    stored = config.canonical(loaded(here, PATHS), here)
    assert config.from_canonical(stored, there).database == f"sqlite:///{there}/maintsched.db"
    again = config.from_canonical(stored, there)
    assert again.routers["edge2"].key == str(there / "lab/key")
    assert config.canonical(again, there) == stored


def test_the_order_and_the_spelling_of_the_file_do_not_count(tmp_path: Path) -> None:
    text = changed("guard: 30m", "guard: 1800s").replace("lab/key", "./lab/key")
    head, site, rest = text.partition("  LD7: {operator: Equinix, timezone: Europe/London}\n")
    swapped = head.replace("sites:\n", "sites:\n" + site) + rest
    assert config.canonical(loaded(tmp_path, swapped), tmp_path) == config.canonical(loaded(tmp_path), tmp_path)


def test_an_inventory_made_by_hand_has_a_canonical_form(tmp_path: Path) -> None:
    inventory = Inventory("B", f"sqlite:///{tmp_path}/x.db", "UTC", {}, {}, {}, {}, state_dir=str(tmp_path / "s"))
    stored = config.canonical(inventory, tmp_path)
    plain = json.loads(stored)["inventory"]
    assert (plain["database"], plain["state_dir"]) == ("sqlite:///x.db", "s")
    assert config.from_canonical(stored, tmp_path) == inventory


@given(some.timedeltas(timedelta(), timedelta(days=10_000)))
def test_any_duration_comes_back(length: timedelta) -> None:
    inventory = Inventory("B", "sqlite:////x.db", "UTC", {}, {}, {}, {}, policy=Policy(guard=length))
    stored = config.canonical(inventory, Path("/"))
    assert config.from_canonical(stored, Path("/")).policy.guard == length


def test_the_form_is_canonical_json_without_floats(tmp_path: Path) -> None:
    stored = config.canonical(loaded(tmp_path, example()), tmp_path)
    assert json.dumps(json.loads(stored), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == stored
    assert "float" not in {type(each).__name__ for each in flat(json.loads(stored))}


def flat(node: object) -> list[object]:
    inner = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return [node, *(each for child in inner for each in flat(child))]


BROKEN = {
    "not JSON": b"{",
    "not an object": b"[]",
    "another format": b'{"format":2,"inventory":{}}',
    "nothing in it": b'{"format":1,"inventory":{}}',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_bytes_that_are_no_inventory_are_broken(data: bytes) -> None:
    with pytest.raises(Broken, match="the stored inventory cannot be read"):
        config.from_canonical(data, Path("/"))


CHANGED = {
    "an unknown key": ('"broker":', '"brokers":"x","broker":'),
    "a number for a text": ('"port":22', '"port":"22"'),
    "a truth value for a number": ('"port":22', '"port":true'),
    "a float": ('"port":22', '"port":22.0'),
    "a text for a list": ('"aliases":[]', '"aliases":"x"'),
    "an unknown kind": ('"interconnect"', '"tunnel"'),
    "a duration": ('"30m"', '"half an hour"'),
}


@pytest.mark.parametrize(("old", "new"), CHANGED.values(), ids=CHANGED.keys())
def test_changed_bytes_are_broken(tmp_path: Path, old: str, new: str) -> None:
    stored = config.canonical(loaded(tmp_path), tmp_path).decode()
    assert old in stored
    with pytest.raises(Broken):
        config.from_canonical(stored.replace(old, new, 1).encode(), tmp_path)


def test_every_difference_changes_the_bytes(tmp_path: Path) -> None:
    inventory = loaded(tmp_path)
    other = replace(inventory, policy=replace(inventory.policy, approvals=2))
    assert config.canonical(inventory, tmp_path) != config.canonical(other, tmp_path)
