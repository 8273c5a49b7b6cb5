"""`maintsched init` writes a project that loads at once, and never writes over anything."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from maintsched import config
from maintsched.config import scaffold
from maintsched.config.newproject import LAYOUTS
from maintsched.domain.inventory import GateLimits
from maintsched.errors import InvalidInput, NotFound, Refused
from maintsched.shipped import shipped


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_scaffold_loads_without_a_problem(tmp_path: Path, layout: str) -> None:
    written = scaffold(tmp_path / "new", layout)
    inventory = config.load(tmp_path / "new" / "maintsched.yaml", ["frr"])
    assert written[-1] == tmp_path / "new" / "maintsched.yaml"
    assert inventory.circuits["uk-ld4"].network == ip_network("10.210.4.0/30")
    assert inventory.policy.gates.established_for < GateLimits().established_for
    assert Path(inventory.drills["uk-shut-primary"].playbook).is_file()
    assert {name for name, probe in inventory.probes.items() if probe.critical} == {"path", "api"}


def test_the_pair_has_two_routers_and_an_interconnect(tmp_path: Path) -> None:
    scaffold(tmp_path)
    inventory = config.load(tmp_path / "maintsched.yaml")
    assert [circuit.router for circuit in inventory.circuits.values()] == ["edge1", "edge2", None]
    assert inventory.groups["uk-direct"].needs == ("ld4-ld7",)


def test_the_single_has_both_circuits_on_one_router(tmp_path: Path) -> None:
    scaffold(tmp_path, "single")
    inventory = config.load(tmp_path / "maintsched.yaml")
    assert list(inventory.routers) == ["edge1"]
    assert [circuit.interface for circuit in inventory.circuits.values()] == ["eth1", "eth2"]
    assert inventory.groups["uk-direct"].needs == ()


def test_what_ships_is_copied_byte_for_byte(tmp_path: Path) -> None:
    for path in scaffold(tmp_path)[:-1]:
        assert path.read_bytes() == shipped(path.relative_to(tmp_path).as_posix()).read_bytes()
    assert (tmp_path / "playbooks" / "shut-primary.yaml").is_file()


def test_a_config_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "maintsched.yaml").write_text("mine")
    with pytest.raises(Refused, match=r"maintsched\.yaml exists"):
        scaffold(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["maintsched.yaml"]
    assert (tmp_path / "maintsched.yaml").read_text() == "mine"


def test_another_file_is_never_written_over_either(tmp_path: Path) -> None:
    mine = tmp_path / "playbooks" / "shut-primary.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(Refused, match=r"shut-primary\.yaml exists and differs"):
        scaffold(tmp_path)
    assert mine.read_text() == "mine"
    assert not (tmp_path / "maintsched.yaml").exists()


def test_a_scaffold_that_broke_off_can_be_repeated(tmp_path: Path) -> None:
    first = scaffold(tmp_path)
    first[-1].unlink()
    assert scaffold(tmp_path) == (first[-1],)


def test_an_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'pair'") as caught:
        scaffold(tmp_path, "pairs")
    assert "pair, single" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="file"):
        scaffold(tmp_path / "file")


@pytest.mark.parametrize(
    "name", ["", "playbooks/nosuch.yaml", "../pyproject.toml", "playbooks/../pyproject.toml", "tests"]
)
def test_only_what_ships_is_shipped(name: str) -> None:
    with pytest.raises(NotFound):
        shipped(name)
