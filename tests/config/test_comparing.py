"""What changes between two inventories reads like the config file."""

from __future__ import annotations

from pathlib import Path

import pytest

from maintsched import config

from .inputs import SMALL, changed, loaded

CASES = {
    "speed": ("speed: 1G", "speed: 10G", ("circuits.uk-ld4.speed: 1G → 10G",)),
    "duration": ("guard: 30m", "guard: 1h", ("policy.guard: 30m → 1h",)),
    "gone": (
        "  ld4-ld7: {kind: interconnect, site: LD4, provider: Equinix}\n",
        "",
        ("circuits.ld4-ld7: removed", "groups.uk-direct.needs: [ld4-ld7] → []"),
    ),
    "new": ("sites:\n", "sites:\n  LD5: {operator: E, timezone: UTC}\n", ("sites.LD5: added",)),
    "truth value": ("bfd: true", "bfd: false", ("circuits.uk-ld4.sessions[0].bfd: true → false",)),
    "list": ("[20931177-A]", "[20931177-A, X]", ("circuits.uk-ld4.aliases: [20931177-A] → [20931177-A, X]",)),
    "list item": (
        "bfd: true}]",
        "bfd: true}, {neighbor: 2001:db8::1, local_as: 1, peer_as: 2}]",
        ("circuits.uk-ld4.sessions[1]: added",),
    ),
    "nothing before": ("port: 22", "vrf: mgmt", ("routers.edge2.vrf: none → mgmt",)),
    "part gone": ("    drain: {prepend: 3}\n", "", ("circuits.uk-ld4.drain: removed",)),
    "calendar": (
        "calendars/inbox",
        "https://x/y.ics",
        ("calendars.equinix.from: {here}/calendars/inbox → https://x/y.ics",),
    ),
    "severity": (
        "LEAD-TIME: warn",
        "CLASH: warn",
        ("policy.severity.LEAD-TIME: removed", "policy.severity.CLASH: none → warn"),
    ),
    "order": (
        "  path: {kind: icmp, target: 10.200.0.10, rate: 20, critical: true}\n",
        "  path: {critical: true, kind: icmp, target: 10.200.0.10}\n",
        (),
    ),
}


@pytest.mark.parametrize(("old", "new", "lines"), CASES.values(), ids=CASES.keys())
def test_a_change_is_one_line(tmp_path: Path, old: str, new: str, lines: tuple[str, ...]) -> None:
    before = loaded(tmp_path)
    text = changed(old, new)
    if new == "":
        text = text.replace("    needs: [ld4-ld7]\n", "" if "interconnect" in old else "    needs: [ld4-ld7]\n")
    expected = tuple(line.replace("{here}", str(tmp_path)) for line in lines)
    assert config.differences(before, loaded(tmp_path, text)) == expected


def test_the_first_inventory_is_all_new(tmp_path: Path) -> None:
    lines = config.differences(None, loaded(tmp_path, SMALL))
    assert "broker: none → Northgate Markets" in lines
    assert "circuits.uk-ld4: added" in lines
    assert not [line for line in lines if "removed" in line]
