"""Taking down leaves nothing, whatever happened before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from maintsched import lab
from maintsched.errors import LabFailed

from . import inventories
from .bench import Bench, eventually, network_namespaces, processes_of, quiet

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("machine")]


def host() -> tuple[str, ...]:
    """The host's own interfaces, addresses, routes, neighbours and mounts."""
    commands = (["link"], ["address"], ["route", "show", "table", "all"], ["neigh"])
    said = [
        subprocess.run(["ip", "-o", *words], capture_output=True, text=True, check=True).stdout for words in commands
    ]
    stable = ["\n".join(word for word in text.split() if not word.endswith("sec")) for text in said[:3]]
    return (*stable, Path("/proc/self/mountinfo").read_text(encoding="utf-8"))


def test_nothing_of_a_lab_stays_and_nothing_of_the_host_changes(tmp_path: Path, names: Callable[[str], str]) -> None:
    name, before, spaces = names("gone"), host(), network_namespaces()
    lab.up(inventories.single(tmp_path), tmp_path, name=name, say=quiet)
    assert host() == before
    assert len(network_namespaces() - spaces) == 6
    guest = subprocess.Popen(lab.exec_argv(tmp_path, "ops", ["sleep", "600"]))
    lab.down(tmp_path, quiet)
    assert guest.wait(5) == -signal.SIGTERM
    assert processes_of(name) == []
    assert network_namespaces() - spaces == set()
    assert host() == before
    assert not (tmp_path / "lab.json").exists()
    lab.down(tmp_path, quiet)


@pytest.mark.parametrize(("line", "forgotten"), [("building", True), ("waiting", False)])
def test_nothing_stays_after_up_was_killed(
    tmp_path: Path, names: Callable[[str], str], line: str, forgotten: bool
) -> None:
    name, spaces = names(f"killed-{line}-{int(forgotten)}"), network_namespaces()
    argv = [sys.executable, str(Path(inventories.__file__)), str(tmp_path), name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as building:
        assert building.stdout is not None
        assert any(said.startswith(line) for said in iter(building.stdout.readline, ""))
        assert eventually(lambda: processes_of(name) != [])
        building.kill()
    if forgotten:
        (tmp_path / "lab.json").unlink(missing_ok=True)
    lab.down(tmp_path, quiet)
    assert processes_of(name) == []
    assert network_namespaces() - spaces == set()


def test_a_lab_that_does_not_boot_says_why_and_leaves_nothing(tmp_path: Path, names: Callable[[str], str]) -> None:
    inventory = inventories.single(tmp_path)
    router = replace(inventory.routers["edge1"], port=99999)
    with pytest.raises(LabFailed, match=r"edge1: .*99999|edge1: .*[Pp]ort"):
        lab.up(replace(inventory, routers={"edge1": router}), tmp_path, name=names("deaf"), say=quiet)
    assert processes_of(names("deaf")) == []
    assert not (tmp_path / "lab.json").exists()


def test_a_lab_that_is_not_up_in_time_names_the_sessions(tmp_path: Path, names: Callable[[str], str]) -> None:
    with pytest.raises(LabFailed, match=r"session with 10[0-9.]+ is \w+"):
        lab.up(inventories.single(tmp_path), tmp_path, name=names("slow"), limit=0.5, say=quiet)
    assert processes_of(names("slow")) == []


def test_a_node_that_died_is_seen_and_the_rest_goes_down(tmp_path: Path, names: Callable[[str], str]) -> None:
    name = names("hurt")
    state = lab.up(inventories.single(tmp_path), tmp_path, name=name, say=quiet)
    core = next(node for node in state.nodes if node.name == "core")
    assert core.pid is not None
    os.kill(core.pid, signal.SIGKILL)
    assert eventually(lambda: not next(node for node in lab.status(tmp_path).nodes if node.name == "core").alive)
    with pytest.raises(LabFailed, match="not whole: core"):
        lab.break_(tmp_path, "session", None, quiet)
    with pytest.raises(LabFailed, match="node core"):
        lab.exec_argv(tmp_path, "core", ["true"])
    lab.down(tmp_path, quiet)
    assert processes_of(name) == []


def test_a_stale_file_does_not_take_another_lab_down(tmp_path: Path, pair: Bench) -> None:
    (tmp_path / "lab.json").write_text(
        (pair.directory / "lab.json").read_text(encoding="utf-8").replace(str(pair.directory), str(tmp_path)),
        encoding="utf-8",
    )
    lab.down(tmp_path, quiet)
    assert not (tmp_path / "lab.json").exists()
    assert all(node.alive for node in lab.status(pair.directory).nodes)
