"""A project on a lab of real routers, driven as a user drives it: by the command line, on the operations host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from maintsched import config, lab

DRILL = "uk-shut-primary"
PLAYBOOK = """\
version: 1
title: Shut the primary, prove the survivor (tests)
description: The numbers of the tests.
steps:
  - {{shut: primary, budget: 3s}}
  - {{prove: survivor, budget: 10s, sustain: 500ms}}
  - {{hold: {hold}}}
restore: {{budget: 6s}}
deadman: {{margin: 2s}}
probes: [path, api]
"""


@dataclass
class Rehearsal:
    """`root` is the project's folder, with the lab in `root/lab`."""

    root: Path
    approvals: int = 0

    @property
    def lab(self) -> Path:
        return self.root / "lab"

    @property
    def state(self) -> Path:
        return self.root / "state"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "XDG_STATE_HOME": str(self.state),
            "MAINTSCHED_CONFIG": str(self.root / "maintsched.yaml"),
        }

    def argv(self, *words: str) -> list[str]:
        return lab.exec_argv(self.lab, "ops", [sys.executable, "-m", "maintsched", *words])

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), env=self.environment(), capture_output=True, text=True, timeout=120, check=False
        )

    def json(self, *words: str) -> Any:
        done = self.cli(*words, "--json")
        return json.loads(done.stdout)

    def on(self, node: str, *words: str) -> str:
        done = subprocess.run(
            lab.exec_argv(self.lab, node, list(words)), capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def playbook(self, hold: str) -> None:
        """The drill's playbook with this hold; another hold is another plan."""
        (self.root / "playbooks" / "lab-shut-primary.yaml").write_text(PLAYBOOK.format(hold=hold))

    def approve(self, by: str = "bob") -> str:
        """`by` signs the plan as it stands, for one run within the hour; returns when it ends."""
        self.approvals += 1
        until = f"{datetime.now(UTC) + timedelta(hours=1, seconds=self.approvals):%Y-%m-%dT%H:%M:%SZ}"
        text = self.cli("drill", "approve", DRILL, "--until", until, "--to-sign").stdout
        signature = self.lab / f"{by}.sig"
        signed = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "maintsched", "-f", str(self.lab / "bob")],
            input=text.encode(),
            capture_output=True,
            check=True,
        )
        signature.write_bytes(signed.stdout)
        done = self.cli("--by", by, "drill", "approve", DRILL, "--until", until, "--signature", str(signature))
        assert done.returncode == 0, done.stderr
        return until

    def start(self, *, watched: bool = False) -> Running:
        """`drill run` in the background, as alice; `watched` through a pipe instead of a file."""
        log = self.root / f"run-{time.monotonic_ns()}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                self.argv("--by", "alice", "drill", "run", DRILL, "--json"),
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if watched else errors,
                text=True,
            )
        return Running(process, log)

    def session(self) -> str:
        """How the primary's router sees the primary's session."""
        said = json.loads(self.on("edge1", "vtysh", "-c", "show bgp neighbors 10.210.4.2 json"))
        return str(said["10.210.4.2"]["bgpState"])

    def configuration(self) -> str:
        """The running configuration of the primary's router."""
        return self.on("edge1", "vtysh", "-c", "show running-config")

    def timers(self) -> list[str]:
        """Dead-man files on the primary's router, by name."""
        return self.on("edge1", "sh", "-c", "ls /tmp/maintsched-drill 2>/dev/null || true").split()


@dataclass
class Running:
    process: subprocess.Popen[str]
    log: Path

    def reached(self, text: str) -> None:
        """Wait until the progress says `text`."""
        wait_for(lambda: text in self.log.read_text(), f"`{text}` in the drill's progress", self.alive)

    def watch(self, text: str) -> None:
        """Read the progress from its pipe up to `text`, then close the pipe: whoever watched is gone."""
        assert self.process.stderr is not None  # started to be watched
        seen = ""
        while text not in seen:
            line = self.process.stderr.readline()
            assert line, f"ended without `{text}`:\n{seen}"
            seen += line
        self.process.stderr.close()
        self.process.stderr = None

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no handler, no farewell."""
        self.process.kill()
        self.process.communicate(timeout=10)

    def end(self) -> tuple[int, dict[str, Any]]:
        """Exit code and run document."""
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, json.loads(out)


def wait_for(
    condition: Callable[[], bool], what: str, going: Callable[[], bool] = lambda: True, seconds: float = 60
) -> None:
    """Poll until `condition` holds; fail when it cannot any more, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert going() or condition(), f"ended without: {what}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def build(root: Path, layout: str) -> Rehearsal:
    """A scaffolded project with its lab up and its calendars imported; bob's key may sign."""
    done = subprocess.run(
        [sys.executable, "-m", "maintsched", "init", str(root), "--layout", layout],
        capture_output=True, text=True, check=True,
        env={**os.environ, "XDG_STATE_HOME": str(root / "state")},
    )  # fmt: skip
    assert "in force" in done.stdout
    rehearsal = Rehearsal(root)
    rehearsal.playbook("1s")
    inventory = config.load(root / "maintsched.yaml")
    lab.up(inventory, rehearsal.lab, name=f"d{os.getpid()}-{layout}", say=lambda _: None)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", str(rehearsal.lab / "bob")], check=True
    )
    public = (rehearsal.lab / "bob.pub").read_text()
    (rehearsal.lab / "allowed_signers").write_text(f"bob {public}")
    assert rehearsal.cli("calendar", "import").returncode == 0
    return rehearsal
