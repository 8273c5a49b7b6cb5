"""The plan of the small config's drill, as it lies in a folder: what the parts of the drill are tested with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from maintsched import config
from maintsched.config.platform import load_platform
from maintsched.domain.drill import Plan
from maintsched.domain.inventory import Inventory
from maintsched.domain.platform import AllowList, Platform
from maintsched.domain.playbook import Playbook, PlaybookAction
from maintsched.services.planning import allow_lists, make_plan, plan_hash
from tests.config.inputs import SMALL, project

CONFIG = SMALL.replace("proof: first-move", "proof: first-move\n    service: [10.200.0.0/24]")
DUAL_STACK = CONFIG.replace(
    "peer_as: 64710, bfd: true}]",
    "peer_as: 64710, bfd: true}, {neighbor: 'fd00:4::2', local_as: 64620, peer_as: 64710}]",
)
VALUES = {
    "run": "R-20261209-010000-beef",
    "token": "R-20261209-010000-beef-01234567",
    "until": "2026-12-09T01:05:00Z",
    "seconds": "305",
}
PLAYBOOK = Playbook(
    version=1,
    name="shut",
    title="Shut the primary",
    description="",
    actions=(PlaybookAction("shut", "primary", timedelta(seconds=20)),),
    prove=timedelta(seconds=45),
    sustain=timedelta(seconds=5),
    hold=timedelta(minutes=2),
    restore=timedelta(seconds=60),
    margin=timedelta(seconds=30),
    probes=("path", "api"),
)


@dataclass(frozen=True)
class Planned:
    inventory: Inventory
    canonical: bytes
    plan: Plan

    @property
    def hash(self) -> str:
        return plan_hash(self.plan, self.canonical, {"frr": frr()})


@cache
def frr() -> Platform:
    return load_platform("frr")


def planned(
    folder: Path,
    text: str = CONFIG,
    playbook: Playbook = PLAYBOOK,
    platform: Platform | None = None,
    survivor: str | None = None,
) -> Planned:
    path = project(folder, text)
    inventory = config.load(path, ["frr"])
    platforms = {"frr": platform or frr()}
    plan = make_plan(inventory, inventory.drills["monthly"], playbook, platforms, survivor)
    return Planned(inventory, config.canonical(inventory, folder), plan)


def allowed(found: Planned, platform: Platform | None = None) -> dict[str, AllowList]:
    """What may be sent in the run of VALUES, by router."""
    return allow_lists(found.plan, {name: platform or frr() for name in found.inventory.routers}, VALUES)
