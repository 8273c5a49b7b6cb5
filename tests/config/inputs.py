"""Configs for the tests: a small one whose lines are known, and the whole example of the documentation."""

from __future__ import annotations

from pathlib import Path

from maintsched import config
from maintsched.domain.inventory import Inventory
from maintsched.errors import ConfigInvalid

SMALL = """\
broker: Northgate Markets
timezone: Europe/London
sites:
  LD4: {operator: Equinix, timezone: Europe/London, hours: "22:00-06:00"}
  LD7: {operator: Equinix, timezone: Europe/London}
routers:
  edge1: {site: LD4, platform: frr, host: 10.210.0.1, user: drill, jump: bastion}
  edge2: {site: LD7, platform: frr, host: 10.210.0.2, user: drill, port: 22}
circuits:
  uk-ld4:
    kind: cross_connect
    site: LD4
    provider: Equinix
    speed: 1G
    router: edge1
    interface: eth1
    network: 10.210.4.0/30
    sessions: [{neighbor: 10.210.4.2, local_as: 64620, peer_as: 64710, bfd: true}]
    drain: {prepend: 3}
    aliases: [20931177-A]
  uk-ld7:
    kind: cross_connect
    site: LD7
    provider: Equinix
    router: edge2
    interface: eth1
    network: 10.210.7.0/30
    sessions:
      - neighbor: 10.210.7.2
        local_as: 64620
        peer_as: 64710
    aliases:
      - 20931178-A
  ld4-ld7: {kind: interconnect, site: LD4, provider: Equinix}
groups:
  uk-direct:
    partner: Spotware
    circuits: [uk-ld4, uk-ld7]
    primary: uk-ld4
    min_up: 1
    needs: [ld4-ld7]
    proof: first-move
calendars:
  - {name: equinix, from: calendars/inbox, groups: [uk-direct], not_ours: ["2077*"], every: 15m}
  - {name: spotware, from: calendars/spotware.ics, timezone: NY+7, affects: service, groups: [uk-direct]}
policy:
  guard: 30m
  severity: {LEAD-TIME: warn}
  waivers: [{requirement: ADR-2, circuit: uk-ld4, reason: later, by: alice, until: 2027-06-30}]
probes:
  path: {kind: icmp, target: 10.200.0.10, rate: 20, critical: true}
  api: {kind: https, url: "https://10.200.0.10:8443/health", p95: 50ms, max: 100ms}
drills:
  - {name: monthly, playbook: playbooks/shut.yaml, group: uk-direct, cron: "0 6 * * SUN"}
"""

PLAYBOOK = """\
version: 1
title: Shut the primary, prove the survivor
steps:
  - {shut: primary, budget: 20s}
  - {prove: survivor, budget: 45s, sustain: 5s}
  - {hold: 2m}
probes: [path, api]
"""


def project(directory: Path, text: str = SMALL) -> Path:
    """A config file with the playbooks that it names; returns the config's path."""
    (directory / "playbooks").mkdir(parents=True, exist_ok=True)
    for name in ("shut.yaml", "shut-primary.yaml"):
        (directory / "playbooks" / name).write_text(PLAYBOOK)
    path = directory / "maintsched.yaml"
    path.write_text(text)
    return path


def example() -> str:
    return (Path(__file__).parent / "example.yaml").read_text()


def loaded(directory: Path, text: str = SMALL) -> Inventory:
    return config.load(project(directory, text), ["frr", "bird"])


def problems(directory: Path, text: str) -> tuple[str, ...]:
    """What is wrong with the config, each line as `LINE: KEY: …`; empty when it loads."""
    path = project(directory, text)
    try:
        config.load(path, ["frr", "bird"])
    except ConfigInvalid as error:
        return tuple(line.removeprefix(f"{path}:") for line in error.problems)
    return ()


def changed(old: str, new: str) -> str:
    """SMALL with the first `old` replaced."""
    assert old in SMALL
    return SMALL.replace(old, new, 1)
