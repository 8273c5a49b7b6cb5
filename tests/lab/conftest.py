"""Labs for the tests, each built once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maintsched import lab
from maintsched.domain.inventory import Inventory

from . import inventories
from .bench import Bench, quiet


def _lab(make: Callable[[Path], Inventory], name: str, directory: Path, *, reflector: bool = False) -> Iterator[Bench]:
    inventory = make(directory)
    state = lab.up(inventory, directory, name=name, udp_reflector=reflector, say=quiet)
    try:
        yield Bench(directory, inventory, state)
    finally:
        lab.down(directory, quiet)


@pytest.fixture(scope="session")
def names() -> Callable[[str], str]:
    """Names of labs that no other test run on this machine uses."""
    return lambda word: f"t{os.getpid()}-{word}"


@pytest.fixture(scope="session")
def pair(machine: None, names: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield from _lab(inventories.pair, names("pair"), tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="session")
def single(machine: None, names: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield from _lab(inventories.single, names("single"), tmp_path_factory.mktemp("single"), reflector=True)


@pytest.fixture(scope="session")
def bird(machine: None, names: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield from _lab(inventories.pair_with_bird, names("bird"), tmp_path_factory.mktemp("bird"))


@pytest.fixture(params=["pair", "single", "bird"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each layout in turn, healed."""
    found: Bench = request.getfixturevalue(request.param)
    lab.heal(found.directory, None, None, quiet)
    return found
