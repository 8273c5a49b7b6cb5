"""Planning a drill: what is rendered, what is refused, and a hash that changes with the plan and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from maintsched.domain.platform import DeadMan, Platform
from maintsched.domain.playbook import PlaybookAction
from maintsched.errors import InvalidInput, Refused
from maintsched.services.planning import make_plan, run_text

from .planned import CONFIG, DUAL_STACK, PLAYBOOK, VALUES, frr, planned


def timer(platform: Platform) -> DeadMan:
    assert platform.deadman is not None
    return platform.deadman


# What is rendered.


def test_the_primary_is_shut_and_the_first_other_member_survives(tmp_path: Path) -> None:
    plan = planned(tmp_path).plan
    assert (plan.primary, plan.survivor, plan.group) == ("uk-ld4", "uk-ld7", "uk-direct")
    [action] = plan.actions
    [command] = action.commands
    assert (command.router, command.intent) == ("edge1", "shut")
    assert "-c 'router bgp 64620' -c 'neighbor 10.210.4.2 shutdown message maintsched {run}; back by {until}'" in (
        command.text
    )
    assert command.undo is not None
    assert "-c 'router bgp 64620' -c 'no neighbor 10.210.4.2 shutdown'" in command.undo


def test_the_primary_may_be_the_survivor_of_a_drill_the_other_way(tmp_path: Path) -> None:
    plan = planned(tmp_path, survivor="uk-ld4").plan
    assert (plan.primary, plan.survivor) == ("uk-ld7", "uk-ld4")
    assert plan.actions[0].commands[0].router == "edge2"


def test_two_sessions_are_two_commands_and_are_taken_back_in_reverse(tmp_path: Path) -> None:
    plan = planned(tmp_path, DUAL_STACK).plan
    four, six = plan.actions[0].commands
    assert ("10.210.4.2" in four.text, "fd00:4::2" in six.text) == (True, True)
    assert four.undo is not None
    assert six.undo is not None
    arm = next(command.text for command in plan.deadman if command.intent == "arm")
    assert 0 < arm.index(six.undo) < arm.index(four.undo)
    reads = [command.text for command in plan.reads if command.intent == "session"]
    assert [
        neighbor for neighbor in ("10.210.4.2", "fd00:4::2", "10.210.7.2") if any(neighbor in r for r in reads)
    ] == [
        "10.210.4.2",
        "fd00:4::2",
        "10.210.7.2",
    ]


def test_no_placeholder_is_left_once_the_run_has_its_values(tmp_path: Path) -> None:
    plan = planned(tmp_path, DUAL_STACK).plan
    actions = [command for action in plan.actions for command in action.commands]
    texts = [text for c in (*plan.reads, *plan.deadman, *actions) for text in (c.text, c.undo) if text]
    for text in texts:
        filled = run_text(text, VALUES)
        assert not any("{" + name + "}" in filled for name in (*VALUES, "neighbor", "message", "undo", "restore"))


def test_every_read_is_planned_once_for_each_router(tmp_path: Path) -> None:
    reads = [(command.router, command.text) for command in planned(tmp_path, DUAL_STACK).plan.reads]
    assert len(reads) == len(set(reads))
    assert {router for router, _ in reads} == {"edge1", "edge2"}


def test_the_timer_covers_every_budget(tmp_path: Path) -> None:
    assert planned(tmp_path).plan.deadman_after == timedelta(seconds=20 + 45 * 2 + 120 + 60 + 30)


# The hash.


def test_the_hash_is_the_same_in_another_folder_and_another_process(tmp_path: Path) -> None:
    here = planned(tmp_path / "here").hash
    assert planned(tmp_path / "elsewhere" / "deeper").hash == here
    script = (
        "import sys; from pathlib import Path; from tests.services.planned import planned;"
        " print(planned(Path(sys.argv[1])).hash)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed}, cwd=Path(__file__).parents[2],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == here


CHANGES = {
    "the neighbor": ("neighbor: 10.210.4.2", "neighbor: 10.210.4.1"),
    "the local AS": ("local_as: 64620", "local_as: 64621"),
    "a session more": (
        "peer_as: 64710, bfd: true}]", "peer_as: 64710}, {neighbor: 'fd00::2', local_as: 64620, peer_as: 1}]"),
    "BFD": (", bfd: true", ""),
    "the survivor's neighbor": ("neighbor: 10.210.7.2", "neighbor: 10.210.7.1"),
    "the interface": ("interface: eth1\n    network: 10.210.4.0", "interface: eth2\n    network: 10.210.4.0"),
    "the router's address": ("host: 10.210.0.1", "host: 10.210.0.9"),
    "the probe's target": ("target: 10.200.0.10", "target: 10.200.0.11"),
    "the probe's rate": ("rate: 20", "rate: 50"),
    "the probe's weight": (", critical: true", ""),
    "the other probe's URL": ("8443/health", "8443/live"),
    "the service's prefix": ("service: [10.200.0.0/24]", "service: [10.200.0.0/25]"),
    "the gates' numbers": ("guard: 30m", "guard: 30m\n  gates: {established_for: 1m}"),
    "what proves the survivor": ("proof: first-move", "proof: l2"),
}  # fmt: skip
KEPT = {
    "another contact": ("timezone: Europe/London\nsites", "timezone: Europe/Paris\nsites"),
    "the guard": ("guard: 30m", "guard: 45m"),
    "a calendar": ("every: 15m", "every: 5m"),
    "the slot": ("0 6 * * SUN", "0 7 * * SAT"),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_the_hash_changes_with_what_the_plan_rests_on(tmp_path: Path, old: str, new: str) -> None:
    assert old in CONFIG
    assert planned(tmp_path / "b", CONFIG.replace(old, new, 1)).hash != planned(tmp_path / "a").hash


@pytest.mark.parametrize(("old", "new"), KEPT.values(), ids=KEPT)
def test_the_hash_does_not_change_with_what_the_plan_does_not_rest_on(tmp_path: Path, old: str, new: str) -> None:
    assert old in CONFIG
    assert planned(tmp_path / "b", CONFIG.replace(old, new, 1)).hash == planned(tmp_path / "a").hash


@pytest.mark.parametrize("budget", ["prove", "sustain", "hold", "restore", "margin"])
def test_the_hash_changes_with_every_budget(tmp_path: Path, budget: str) -> None:
    longer = replace(PLAYBOOK, **{budget: getattr(PLAYBOOK, budget) + timedelta(milliseconds=100)})
    assert planned(tmp_path, playbook=longer).hash != planned(tmp_path).hash


def test_the_hash_changes_with_an_action_its_budget_and_the_probes(tmp_path: Path) -> None:
    other = (PlaybookAction("shut", "primary", timedelta(seconds=21)),)
    hashes = {planned(tmp_path, playbook=p).hash
              for p in (PLAYBOOK, replace(PLAYBOOK, actions=other), replace(PLAYBOOK, actions=()),
                        replace(PLAYBOOK, probes=("path",)), replace(PLAYBOOK, probes=()))}  # fmt: skip
    assert len(hashes) == 5


def test_the_hash_changes_with_every_command_of_the_platform(tmp_path: Path) -> None:
    platform = frr()
    found = {planned(tmp_path, platform=platform).hash}
    for name, read in platform.reads.items():
        changed = replace(read, command=read.command + " ")
        found.add(planned(tmp_path, platform=replace(platform, reads={**platform.reads, name: changed})).hash)
    shut = platform.actions["shut"]
    for action in (replace(shut, command=shut.command + " "), replace(shut, undo=shut.undo + " "),
                   replace(shut, message="x {run}")):  # fmt: skip
        found.add(planned(tmp_path, platform=replace(platform, actions={"shut": action})).hash)
    dead = timer(platform)
    for changed_timer in (replace(dead, arm=dead.arm + " "), replace(dead, status=dead.status + " "),
                          replace(dead, cancel=dead.cancel + " "), replace(dead, each="{undo}")):  # fmt: skip
        found.add(planned(tmp_path, platform=replace(platform, deadman=changed_timer)).hash)
    assert len(found) == 1 + len(platform.reads) + 3 + 4


# What is refused.


def refused(folder: Path, error: type[Exception], said: str, **given: object) -> None:
    with pytest.raises(error, match=said):
        planned(folder, **given)  # type: ignore[arg-type]  # each case gives what it is about


def test_a_platform_without_a_timer_is_not_drilled(tmp_path: Path) -> None:
    refused(tmp_path, Refused, "frr of router edge1 has no dead-man timer", platform=replace(frr(), deadman=None))


def test_a_platform_that_cannot_shut_or_read_is_not_drilled(tmp_path: Path) -> None:
    platform = frr()
    refused(tmp_path, Refused, "frr of router edge1 cannot do `shut`", platform=replace(platform, actions={}))
    for name in platform.reads:
        rest = {other: read for other, read in platform.reads.items() if other != name}
        refused(tmp_path, Refused, f"cannot read `{name}`", platform=replace(platform, reads=rest))


def test_a_bound_timer_takes_one_write(tmp_path: Path) -> None:
    bound = replace(frr(), deadman=replace(timer(frr()), kind="bound"))
    twice = replace(PLAYBOOK, actions=PLAYBOOK.actions * 2)
    said = "binds its timer to one write, but the playbook needs several"
    refused(tmp_path, Refused, said, platform=bound, playbook=twice)
    refused(tmp_path, Refused, said, platform=bound, text=DUAL_STACK)
    assert planned(tmp_path, platform=bound).plan.actions
    assert planned(tmp_path, playbook=twice).plan.actions


@pytest.mark.parametrize(("limit", "seconds", "fits"), [("maximum", 320, True), ("maximum", 319, False),
                                                        ("minimum", 320, True), ("minimum", 321, False)])  # fmt: skip
def test_a_drill_must_fit_the_platforms_timer(tmp_path: Path, limit: str, seconds: int, fits: bool) -> None:
    dead, length = timer(frr()), timedelta(seconds=seconds)
    dead = replace(dead, maximum=length) if limit == "maximum" else replace(dead, minimum=length)
    limited = replace(frr(), deadman=dead)
    if fits:
        assert planned(tmp_path, platform=limited).plan.deadman_after == timedelta(seconds=320)
    else:
        refused(tmp_path, Refused, "the drill needs a dead-man timer of 320 s", platform=limited)


def test_a_group_of_one_has_nothing_to_fail_over_to(tmp_path: Path) -> None:
    inventory = planned(tmp_path).inventory
    alone = replace(inventory.groups["uk-direct"], circuits=("uk-ld4",))
    with pytest.raises(Refused, match="group uk-direct has one circuit"):
        make_plan(
            replace(inventory, groups={"uk-direct": alone}), inventory.drills["monthly"], PLAYBOOK, {"frr": frr()}
        )


def test_a_survivor_must_be_a_member(tmp_path: Path) -> None:
    refused(tmp_path, InvalidInput, "ld4-ld7 is no member of uk-direct", survivor="ld4-ld7")


def test_a_circuit_of_which_no_router_is_known_is_not_drilled(tmp_path: Path) -> None:
    aws = "  aws-a: {kind: direct_connect, site: LD4, provider: AWS, account: '123456789012', region: eu-west-2}\n"
    direct = CONFIG.replace("  ld4-ld7:", f"{aws}  ld4-ld7:").replace(
        "circuits: [uk-ld4, uk-ld7]", "circuits: [uk-ld4, aws-a]"
    )
    refused(tmp_path, Refused, "circuit aws-a cannot be drilled", text=direct)


def test_a_probe_of_the_playbook_must_be_in_the_config(tmp_path: Path) -> None:
    said = "playbook shut names a probe voice, which the config does not have"
    refused(tmp_path, InvalidInput, said, playbook=replace(PLAYBOOK, probes=("path", "voice")))


@pytest.mark.parametrize(("length", "fits"), [(106, True), (107, False)])
def test_the_message_to_the_partner_has_at_most_128_octets_with_the_longest_run_id(
    tmp_path: Path, length: int, fits: bool
) -> None:
    """RFC 9003, section 3."""
    shut = replace(frr().actions["shut"], message="{run}" + "x" * length)
    platform = replace(frr(), actions={"shut": shut})
    if not fits:
        refused(tmp_path, InvalidInput, "longer than 128 octets", platform=platform)
        return
    text = run_text(planned(tmp_path, platform=platform).plan.actions[0].commands[0].text, VALUES)
    assert len(text.partition("shutdown message ")[2].partition("'")[0].encode()) == 128
