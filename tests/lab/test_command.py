"""`maintsched lab` as it is typed: without a config it builds the demo's routers, in a place of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    environment.pop("MAINTSCHED_CONFIG", None)
    argv = [sys.executable, "-m", "maintsched", *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False)


def test_the_lab_of_the_demo_comes_up_anywhere_and_goes(machine: None, tmp_path: Path) -> None:
    up = typed(tmp_path, "lab", "up", "--name", f"t{os.getpid()}-typed", "--json")
    try:
        assert up.returncode == 0, up.stderr
        assert json.loads(up.stdout)["stage"] == "up"
        # Inside, every command finds that project: the routers say what its inventory says.
        live = typed(
            tmp_path, "lab", "exec", sys.executable, "-m", "maintsched", "inventory", "check", "--live", "--json"
        )
        assert json.loads(live.stdout)["problems"] == []
        assert typed(tmp_path, "lab", "break", "session", "uk-ld7").returncode == 0
        faults = json.loads(typed(tmp_path, "lab", "status", "--json").stdout)["faults"]
        assert [(fault["fault"], fault["circuit"]) for fault in faults] == [("session", "uk-ld7")]
        assert typed(tmp_path, "lab", "heal").returncode == 0
        wrong = typed(tmp_path, "lab", "break", "sesion")
        assert wrong.returncode == 2
        assert "did you mean session?" in wrong.stderr
        assert typed(tmp_path, "lab", "exec", "--node", "edge1", "sh", "-c", "exit 7").returncode == 7
    finally:
        down = typed(tmp_path, "lab", "down")
    assert down.returncode == 0, down.stderr
    assert "no lab" in typed(tmp_path, "lab", "down").stderr
