"""Platform files: every one that ships loads, and a broken one is refused with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maintsched import platforms
from maintsched.config.platform import load_platform, parse_platform
from maintsched.domain.platform import AllowList
from maintsched.domain.playbook import ACTIONS
from maintsched.errors import ConfigInvalid, InvalidInput, Refused
from maintsched.services.planning import run_text
from tests.services.planned import DUAL_STACK, VALUES, planned

FRR = platforms.file_of("frr").read_text()
DRILLED = [name for name in platforms.names() if load_platform(name).actions]
READS = {"session", "paths", "fib", "counters", "our_lines", "clock", "way_to_us", "link"}


@pytest.mark.parametrize("name", platforms.names())
def test_every_platform_that_ships_loads_under_its_own_name(name: str) -> None:
    platform = load_platform(name)
    assert (platform.name, platform.role.strip() != "") == (name, True)


@pytest.mark.parametrize("name", DRILLED)
def test_what_can_be_drilled_has_all_that_a_drill_needs(name: str) -> None:
    platform = load_platform(name)
    assert set(ACTIONS) <= set(platform.actions)
    assert set(platform.reads) >= READS
    assert platform.deadman is not None
    assert platform.deadman.minimum < platform.deadman.maximum
    assert platform.deny


@pytest.mark.parametrize("name", sorted(set(platforms.names()) - set(DRILLED)))
def test_what_cannot_be_drilled_is_refused_at_the_plan(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=f"platform {name} of router edge1 cannot do `shut`"):
        planned(tmp_path, platform=load_platform(name))


def test_a_platform_that_there_is_no_file_for_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="there is no platform ios") as caught:
        load_platform("ios")
    assert caught.value.hint == f"there are: {', '.join(platforms.names())}"


BROKEN = {
    "an action without undo": ("    undo: >-", "    untie: >-", "actions.shut.undo: Field required"),
    "an unknown key": ("counter_refresh:", "refresh:", "refresh: Extra inputs are not permitted"),
    "a dead-man without its token": (
        't="$d/{token}"\n    if', 't="$d/x"\n    if', "deadman: Value error, status needs token"),
    "a dead-man that does not restore": ("    {restore}\n", "    true\n", "deadman: Value error, arm needs restore"),
    "a wrap that undoes nothing": ("{ {undo}; } || left=1", "{ :; } || left=1", "each: Value error, each needs"),
    "a dead-man without its time": ("sleep {seconds}", "sleep 9", None),
    "a kind of timer that there is not": ("kind: free", "kind: loose", "deadman.kind: Input should be 'free'"),
    "bad JMESPath": ("ours: '[0]'", "ours: '[0'", "reads.our_lines.fields: Value error, ours is no JMESPath"),
    "a time that is none": ("minimum: 5s", "minimum: soon", "deadman.minimum: Value error, 'soon' is no duration"),
    "a refresh that is none": ("refresh: 0s", "refresh: 0", "counter_refresh: Value error, '0' is no duration"),
    "a bad pattern": ("'peer-group'", "'peer(group'", "deny: Value error, 'peer(group' is no regular expression"),
    "a placeholder misspelt in an action": (
        "neighbor {neighbor} shutdown message", "neighbor {neighbour} shutdown message",
        "actions.shut.command: Value error, there is no {neighbour}"),
    "a placeholder misspelt in a read": (
        "bgp neighbors {neighbor}", "bgp neighbors {peer}", "reads.session.command: Value error, there is no {peer}"),
    "a placeholder misspelt in a field": (
        "'\"{neighbor}\".bgpState'", "'\"{peer}\".bgpState'", "reads.session.fields: Value error, there is no {peer}"),
    "a placeholder misspelt in the timer": (
        'mkdir -p "$d"', 'mkdir -p "{dir}"', "deadman: Value error, there is no {dir}"),
    "a message that ends its quotes": (
        "'maintsched {run}; back by {until}'", '"it\'s {run}"', "actions.shut.message: Value error"),
    "no YAML": ("reads:", "reads: [", "not YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_platform_file_is_refused_with_its_line(old: str, new: str, said: str | None) -> None:
    assert FRR.count(old) >= 1
    text = FRR.replace(old, new)
    if said is None:  # the other uses of the placeholder keep it complete
        text, said = text.replace("{seconds}", "9"), "deadman: Value error, arm needs seconds"
    with pytest.raises(ConfigInvalid) as caught:
        parse_platform(text.encode(), "platforms/frr.yaml")
    told = [line for line in caught.value.problems if said in line]
    assert told, caught.value.problems
    for line in caught.value.problems:
        assert re.match(r"platforms/frr\.yaml:[1-9]\d*: ", line)
        assert "\n" not in line


def test_the_line_that_is_named_is_the_line_that_is_wrong() -> None:
    text = FRR.replace("ours: '[0]'", "ours: '[0'")
    with pytest.raises(ConfigInvalid) as caught:
        parse_platform(text.encode(), "frr.yaml")
    fields = text[: text.index("ours: '[0'")].count("\n")  # the line above it, from 1: `fields:`
    assert caught.value.problems[0].startswith(f"frr.yaml:{fields}: reads.our_lines.fields")


# What each deny pattern of a platform is there for. A pattern without an example here fails the test below.
REFUSED = {
    "frr": {
        r"\bwrite\b": "vtysh -c 'write memory'",
        r"\bcopy\b": "vtysh -c 'copy running-config startup-config'",
        r"\bclear\b": "vtysh -c 'clear bgp *'",
        r"\breload\b": "frr-reload.py --reload /etc/frr/frr.conf",
        r"\bno router bgp\b": "vtysh -c 'configure terminal' -c 'no router bgp 64620'",
        "bgp (shutdown|graceful-shutdown)": "vtysh -c 'configure terminal' -c 'router bgp 64620' -c 'bgp shutdown'",
        "peer-group": "vtysh -c 'configure terminal' -c 'router bgp 64620' -c 'neighbor UP peer-group'",
        r"\b(rm|reboot|shutdown -|systemctl|poweroff)\b": "shutdown -h now",
    }
}
ALSO_REFUSED = [
    "reboot",
    "rm -rf /tmp/x",
    "systemctl restart frr",
    "poweroff",
    "vtysh -c 'configure terminal' -c 'router bgp 64620' -c 'bgp graceful-shutdown'",
    "vtysh -c 'write'",
    "vtysh -c 'show running-config'\nreboot",
]


@pytest.mark.parametrize("name", DRILLED)
def test_each_deny_pattern_refuses_what_it_is_there_for_though_planned(name: str) -> None:
    deny = load_platform(name).deny
    assert set(deny) == set(REFUSED[name])
    for pattern, command in REFUSED[name].items():
        objection = AllowList(frozenset({command}), (pattern,)).objection(command)
        assert objection == f"it matches the platform's deny pattern {pattern!r}"


@pytest.mark.parametrize("command", ALSO_REFUSED)
def test_commands_that_frr_must_never_get_are_refused_though_planned(command: str) -> None:
    assert AllowList(frozenset({command}), load_platform("frr").deny).objection(command)


@pytest.mark.parametrize("name", DRILLED)
def test_no_deny_pattern_refuses_a_command_of_the_drill_itself(tmp_path: Path, name: str) -> None:
    plan = planned(tmp_path, DUAL_STACK, platform=load_platform(name)).plan
    commands = [*plan.reads, *plan.deadman, *(command for action in plan.actions for command in action.commands)]
    for command in commands:
        for text in (command.text, command.undo):
            if text is not None:
                filled = run_text(text, VALUES)
                assert AllowList(frozenset({filled}), load_platform(name).deny).objection(filled) is None
