"""Labs with a project on them, one for each layout."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maintsched import lab
from tests.drills.rehearsal import Rehearsal, build, wait_for


def _built(layout: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    root = tmp_path_factory.mktemp(f"drill-{layout}")
    try:
        yield build(root, layout)
    finally:  # also when building broke off half-way
        lab.down(root / "lab", lambda _: None)


@pytest.fixture(scope="package", params=["single", "pair"])
def either(
    machine: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rehearsal]:
    yield from _built(request.param, tmp_path_factory)


@pytest.fixture(scope="package")
def standing(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    yield from _built("single", tmp_path_factory)


@pytest.fixture
def single(standing: Rehearsal) -> Iterator[Rehearsal]:
    """The lab as it should be, before and after."""
    yield standing
    lab.heal(standing.lab, None, None, lambda _: None)
    standing.playbook("1s")
    wait_for(lambda: standing.session() == "Established", "the primary Established after the test")
